//! Tables and lists as people and tools write them: what is taken of them, under which marking.

use perisai_intel::Options;

use crate::load;

/// Checks the values with their markings, and the problems.
fn check(text: &str, expected: &[&str]) {
    let (_, intel) = load("table", text.as_bytes(), &Options::default());
    let values = intel.indicators.iter().map(|one| {
        let tlp = intel.context(one.context).tlp;
        let tlp = tlp.map(|tlp| format!(" {tlp}")).unwrap_or_default();
        format!("{} {}{tlp}", one.kind, one.value)
    });
    let problems = intel.problems.iter().map(ToString::to_string);
    let seen: Vec<_> = values.chain(problems).collect();
    assert_eq!(seen, expected, "{text}");
}

#[test]
fn markings_in_tables() {
    check(
        "entity_type,observable_value,objectMarking\nDomain-Name,evil.example,TLP:RED\nUrl,http://b.example/x,\"TLP:GREEN, TLP:AMBER\"",
        &["domain evil.example red", "url http://b.example/x amber"],
    );
    check(
        "domain,Object Marking\nevil.example,TLP:AMBER+STRICT",
        &["domain evil.example amber+strict"],
    );
    check(
        "domain,classification\nevil.example,red\nb.example,phishing",
        &["domain evil.example red", "domain b.example"],
    );
    check("domain,tlp\nevil.example,mauve", &["domain evil.example red"]);
    check(
        "domain,marking\nevil.example,TLP:CLEAR",
        &["domain evil.example clear"],
    );
    check(
        "domain,whatever\nevil.example,TLP:GREEN",
        &["domain evil.example green"],
    );
    check(
        "# Source: CERT-X TLP:AMBER\ndomain,whatever\nevil.example,x",
        &["domain evil.example amber"],
    );
    check(
        "TLP:AMBER\ndomain,malware\nevil.example,x",
        &["domain evil.example amber"],
    );
}

#[test]
fn names_of_kinds_in_any_form() {
    let check_type = |name: &str, value: &str, expected: &str| {
        check(&format!("type,value,note\n{name},{value},x"), &[expected]);
    };
    check_type("Filename", "badfile.exe", "file-name badfile.exe");
    check_type("FILE NAME", "badfile.exe", "file-name badfile.exe");
    check_type("User-Agent", "evil/1.0", "user-agent evil/1.0");
    check_type("user_agent", "evil/1.0", "user-agent evil/1.0");
    check_type(
        "Registry Key",
        r"HKLM\Software\Evil",
        r"registry-key HKEY_LOCAL_MACHINE\Software\Evil",
    );
    check_type("Email", "a@evil.example", "email-address a@evil.example");
    check_type("StixFile", "bad.exe", "file-name bad.exe");
    let md5 = "d41d8cd98f00b204e9800998ecf8427e";
    check_type("StixFile", md5, &format!("md5 {md5}"));
    check_type("Domain-Name", "evil.example", "domain evil.example");
    check_type("IPv4-Addr", "192.0.2.1", "ipv4 192.0.2.1");
    check_type("IP-DST|Port", "192.0.2.1|443", "ipv4 192.0.2.1");
}

#[test]
fn one_column_under_a_heading() {
    check(
        "filename\nbadfile.exe\nother.dll\n",
        &["file-name badfile.exe", "file-name other.dll"],
    );
    check("Process Name\nmal.exe\n", &["process-name mal.exe"]);
    check("Mutex\nGlobal\\evil mutex\n", &["mutex Global\\evil mutex"]);
    check(
        "User-Agent\nMozilla/4.0 (evil; x)\n",
        &["user-agent Mozilla/4.0 (evil; x)"],
    );
    check("Email\na@evil.example\n", &["email-address a@evil.example"]);
    check(
        "registry_key\nHKLM\\Software\\Evil\n",
        &[r"registry-key HKEY_LOCAL_MACHINE\Software\Evil"],
    );
}

#[test]
fn several_values_on_a_line() {
    let three = ["domain a1.example", "domain a2.example", "domain a3.example"];
    check("a1.example, a2.example, a3.example\n", &three);
    check("a1.example;a2.example;a3.example\n", &three);
    check("a1.example a2.example a3.example\n", &three);
    check("a1.example, a2.example\na3.example\n", &three);
    check(
        "a1.example, what, a2.example, more\na3.example",
        &[
            "domain a1.example",
            "domain a2.example",
            "domain a3.example",
            "table:1: `what` is no value of a known kind",
            "table:1: `more` is no value of a known kind",
        ],
    );
    let md5 = "d41d8cd98f00b204e9800998ecf8427e";
    check(&format!("{md5}  invoice.exe\n"), &[&format!("md5 {md5}")]);
    check(
        "http://a.example/x http://b.example/y",
        &["url http://a.example/x", "url http://b.example/y"],
    );
}

#[test]
fn indicators_of_opencti() {
    let table = "entity_type;name;revoked;pattern_type;pattern;x_opencti_main_observable_type;objectMarking\n\
        Indicator;Cobalt C2;false;stix;[ipv4-addr:value = '192.0.2.1'];IPv4-Addr;TLP:AMBER\n\
        Indicator;gone.example;true;stix;[domain-name:value = 'gone.example'];Domain-Name;TLP:RED\n\
        Indicator;bad.exe;false;stix;[file:name = 'bad.exe'];StixFile;TLP:RED\n\
        Indicator;other;false;pcre;/x/;;\n\
        Indicator;broken;false;stix;[oops;;\n";
    check(
        table,
        &[
            "ipv4 192.0.2.1 amber",
            "file-name bad.exe red",
            "table:6: pattern: column 6: expected `:`, found the end",
        ],
    );
    let (_, intel) = load("table", table.as_bytes(), &Options::default());
    assert_eq!(
        intel.withheld.to_string(),
        "1 revoked, 1 of types that are not searched for (pcre 1)"
    );
    check(
        "pattern,name\n[domain-name:value = 'evil.example'],x",
        &["domain evil.example"],
    );
}
