//! Plain indicators: the scanner against the oracle, and hand-made lines.

mod oracle;
mod random;

use perisai_detect::indicator::Matcher;
use perisai_model::{ContextId, Indicators, Kind};
use perisai_values::recognise;

/// Indicators from values as a list has them.
fn listed(values: &[&str]) -> Indicators {
    let mut indicators = Indicators::default();
    for value in values {
        let (kind, value) = recognise(value).unwrap_or_else(|| panic!("{value} is of no kind"));
        indicators.push(kind, &value, ContextId(0));
    }
    indicators
}

/// Scans a line for values, and holds the answer against the one expected and against the oracle's.
fn check(values: &[&str], line: &str, expected: &[&str]) {
    let indicators = listed(values);
    let slow: Vec<_> = oracle::matches(&indicators, line)
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    let matcher = Matcher::compile(indicators);
    let mut hits = Vec::new();
    matcher.scanner().scan(line.as_bytes(), &mut hits);
    hits.retain(|hit| !hit.apart);
    let mut got: Vec<_> = hits.iter().map(|hit| matcher.value(hit.indicator)).collect();
    got.sort_unstable();
    got.dedup();
    let got: Vec<_> = got.into_iter().map(|(_, value)| value).collect();
    assert_eq!(got, expected, "{line}");
    assert_eq!(slow, expected, "the oracle on {line}");
}

#[test]
fn domains() {
    let check =
        |line: &str, expected: &[&str]| check(&["evil.com", "a.evil.com", "bücher.example"], line, expected);
    check("query: evil.com IN A", &["evil.com"]);
    check("query: WWW.Evil.COM. IN A", &["evil.com"]);
    check("x.a.evil.com", &["a.evil.com", "evil.com"]);
    check("notevil.com evil.com.example.org evil.comx -evil.com", &[]);
    check("https://u:p@evil.com:8443/x", &["evil.com"]);
    check("mail to bob@evil.com, now", &["evil.com"]);
    check(r#"{"q":"a\nevil.com"}"#, &["evil.com"]);
    check("GET /r?u=http%3A%2F%2Fevil.com%2Fx", &["evil.com"]);
    check(
        "evil[.]com and hxxp://a[.]evil[.]com/x",
        &["a.evil.com", "evil.com"],
    );
    check("BÜCHER.example xn--bcher-kva.example", &["xn--bcher-kva.example"]);
    check("www。BÜCHER。example、", &["xn--bcher-kva.example"]);
    check("访问evil.com成功", &["evil.com"]);
    check("éevil.com “evil.com”", &["evil.com"]);
    check("a..evil.com evil.com...", &["evil.com"]);
    check("evil.com..x.test", &["evil.com"]);
}

#[test]
fn addresses() {
    let values = &["192.0.2.1", "198.51.100.0/24", "2001:db8::1", "2001:db8:1::/48"];
    let check = |line: &str, expected: &[&str]| check(values, line, expected);
    check(
        "SRC=192.0.2.1 DST=198.51.100.77",
        &["192.0.2.1", "198.51.100.0/24"],
    );
    check("192.0.2.10 1192.0.2.1 192.0.2.1.5 v192.0.2.1", &[]);
    check("192.0.2.1:443 [192.0.2.1] 192.000.002.001.", &["192.0.2.1"]);
    check("10.0.0.1-192.0.2.1", &["192.0.2.1"]);
    check("::ffff:192.0.2.1", &["192.0.2.1"]);
    check("[::ffff:c000:201]:80 0:0:0:0:0:ffff:c000:201", &["192.0.2.1"]);
    check("2001:DB8:0:0:0:0:0:1", &["2001:db8::1"]);
    check("[2001:db8::1]:443", &["2001:db8::1"]);
    check("src:2001:db8::1: ok", &["2001:db8::1"]);
    check("2001:db8:1:2::7%eth0", &["2001:db8:1::/48"]);
    check(
        "IP 192.0.2.1.53 > 198.51.100.7.51234: UDP",
        &["192.0.2.1", "198.51.100.0/24"],
    );
    check("IP 10.0.0.1.51234 > 192.0.2.1.https: Flags [S]", &["192.0.2.1"]);
    check(
        "IP6 2001:db8::1.domain > 2001:db8:1::7.5353: x",
        &["2001:db8::1", "2001:db8:1::/48"],
    );
    check("http://3221225985/a https://0xC0.0.513", &["192.0.2.1"]);
    check("at 3221225985 or 0xC0000201", &[]);
    check("12:34:56 2001:db8::12 a::b", &[]);
}

#[test]
fn behind_escapes() {
    let md5 = "d41d8cd98f00b204e9800998ecf8427e";
    let values = &[
        "evil.com",
        "192.0.2.1",
        "2001:db8::1",
        md5,
        "00:16:3e:aa:bb:cc",
        "bob@evil.com",
    ];
    for escape in [
        "\\n",
        "%20",
        "\\u0022",
        "\\x22",
        "\\011",
        "#011",
        "\x1b[36m",
        "\x1b[1;31m",
        "\x1b[m",
        "\\u001b[0m",
        "#033[31m",
    ] {
        let line: Vec<_> = values
            .iter()
            .map(|value| format!("x {escape}{value}{escape}"))
            .collect();
        check(
            values,
            &line.concat(),
            &[
                "192.0.2.1",
                "2001:db8::1",
                "evil.com",
                "bob@evil.com",
                md5,
                "00:16:3e:aa:bb:cc",
            ],
        );
    }
}

#[test]
fn urls() {
    let values = &[
        "evil.com/a",
        "http://192.0.2.1/x",
        "https://[2001:db8::1]/y",
        "https://evil.com",
    ];
    let check = |line: &str, expected: &[&str]| check(values, line, expected);
    check("GET HTTP://Evil.com:80/a?x=1 -", &["evil.com/a"]);
    check("evil.com/ab www.evil.com/a", &[]);
    check("192.0.2.1/x 192.0.2.1/y", &["http://192.0.2.1/x"]);
    check("http://0300.0.02.01:80/x?y", &["http://192.0.2.1/x"]);
    check("https://[2001:db8:0::1]/y", &["https://[2001:db8::1]/y"]);
    check("https://evil.com ok", &["https://evil.com/"]);
    check("CONNECT evil.com:443", &[]);
    check("hxxp://evil[.]com/a", &["evil.com/a"]);
}

#[test]
fn words() {
    let md5 = "d41d8cd98f00b204e9800998ecf8427e";
    let wallet = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa";
    let ja4 = "t13d1516h2_8daaf6152771_b186095e22b6";
    let values = &[md5, wallet, ja4, "00:16:3e:aa:bb:cc", "bob@evil.com"];
    let check = |line: &str, expected: &[&str]| check(values, line, expected);
    check("MD5=D41D8CD98F00B204E9800998ECF8427E,SHA1=…", &[md5]);
    check("x_d41d8cd98f00b204e9800998ecf8427e.exe", &[md5]);
    check("0d41d8cd98f00b204e9800998ecf8427e", &[]);
    check("to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa.", &[wallet]);
    check("to 1a1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa.", &[]);
    check("ja4=t13d1516h2_8daaf6152771_b186095e22b6", &[ja4]);
    check("00-16-3E-AA-BB-CC", &["00:16:3e:aa:bb:cc"]);
    check("Vlan10 0016.3EAA.bbcc DYNAMIC", &["00:16:3e:aa:bb:cc"]);
    check("a.0016.3eaa.bbcc 00163.eaa.bbcc 0016.3eaa.bbcc.1", &[]);
    check(
        "MAC=00:16:3e:11:22:33:00:16:3e:aa:bb:cc:08:00 SRC=",
        &["00:16:3e:aa:bb:cc"],
    );
    check("From: <Bob@evil.com>, 'bob@evil.com'", &["bob@evil.com"]);
    check("xbob@evil.com bob@evil.com.au", &[]);
}

#[test]
fn what_is_listed_twice_is_found_once() {
    let listed = [
        (Kind::FilePath, r"C:\Temp\evil.exe"),
        (Kind::X509Serial, "a00ff00ff00ff"),
        (Kind::Md5, "d41d8cd98f00b204e9800998ecf8427e"),
    ];
    let mut indicators = Indicators::default();
    for context in [0, 1] {
        for (kind, value) in listed {
            indicators.push(kind, value, ContextId(context));
        }
    }
    let matcher = Matcher::compile(indicators);
    assert_eq!(matcher.len(), 3);
    let mut hits = Vec::new();
    let log = br"C:\Temp\evil.exe 0A:00:FF:00:FF:00:FF d41d8cd98f00b204e9800998ecf8427e 00A00FF00FF00FF";
    matcher.scanner().scan(log, &mut hits);
    let found: Vec<_> = hits
        .iter()
        .map(|hit| {
            (
                matcher.value(hit.indicator).0,
                matcher.contexts(hit.indicator).count(),
            )
        })
        .collect();
    let expected = [(Kind::FilePath, 2), (Kind::X509Serial, 2), (Kind::Md5, 2)];
    assert_eq!(found, expected);
}
