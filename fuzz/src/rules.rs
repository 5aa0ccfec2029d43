//! Rules and indicators against events and bytes.

use perisai_detect::indicator::Matcher;
use perisai_detect::sigma::{Scratch, SigmaRules};
use perisai_model::{Context, ContextId, Event, Indicators, Kind, Place, Rule, RuleLanguage, Value};

/// Compiles a text as Sigma rules, and asks them about an event of a process and one of a web server.
pub fn sigma(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let rule = Rule {
        language: RuleLanguage::Sigma,
        text: text.into(),
        context: ContextId(0),
        place: Place::file("fuzz.yml"),
    };
    let context = Context::default();
    let (rules, _) = SigmaRules::compile(std::iter::once((&rule, &context)));
    let mut scratch = Scratch::default();
    let mut hits = Vec::new();
    for event in [process(), request()] {
        rules.match_event(&event, &mut scratch, &mut hits);
    }
    for hit in &hits {
        let _ = rules.info(hit.rule);
        let _ = hit.text();
    }
}

fn process() -> Event {
    let mut event = Event::default();
    event.format = "evtx";
    for (name, value) in [
        ("Channel", "Microsoft-Windows-Sysmon/Operational"),
        ("Provider_Name", "Microsoft-Windows-Sysmon"),
        ("Image", r"C:\Windows\System32\cmd.exe"),
        ("ParentImage", r"C:\Windows\System32\inetsrv\w3wp.exe"),
        ("CommandLine", "cmd.exe /c whoami"),
    ] {
        event.push_str(name, value);
    }
    event.push("EventID", Value::Int(1));
    event
}

fn request() -> Event {
    let mut event = Event::default();
    event.format = "web";
    for (name, value) in [
        ("cs-method", "GET"),
        ("cs-uri-stem", "/a.php"),
        ("cs-uri-query", "cmd=id"),
        ("c-ip", "192.0.2.1"),
    ] {
        event.push_str(name, value);
    }
    event.push("sc-status", Value::Int(200));
    event
}

/// Looks for one indicator of each kind that stands in raw bytes.
pub fn indicators(data: &[u8]) {
    thread_local! {
        static MATCHER: Matcher = Matcher::compile(listed());
    }
    MATCHER.with(|matcher| {
        let mut hits = Vec::new();
        matcher.scanner().scan(data, &mut hits);
        for hit in &hits {
            assert!(hit.start < hit.end && hit.end <= data.len(), "{hit:?}");
            let _ = matcher.value(hit.indicator);
        }
    });
}

fn listed() -> Indicators {
    let mut all = Indicators::default();
    for (kind, value) in [
        (Kind::Domain, "evil.example"),
        (Kind::Ipv4, "203.0.113.77"),
        (Kind::Ipv6, "2001:db8:bad:c2::17"),
        (Kind::Cidr, "203.0.113.96/28"),
        (Kind::Url, "http://docs.example/form/annex7.iso"),
        (Kind::EmailAddress, "notice@services.example"),
        (Kind::Md5, "2605e3bafc04a2dcc261b62afd384057"),
        (Kind::Sha1, "61b25d11392172e587d8da3045812a66c3385451"),
        (
            Kind::Sha256,
            "1bc44eef75779e3ca1eefb8ff5a64807dbc942b1e4a2672d77b9f6928d292591",
        ),
        (Kind::FilePath, r"c:\windows\temp\wzd_32.dll"),
        (Kind::UserAgent, "RvSync/2.1 (compatible; telemetry)"),
    ] {
        let canonical = perisai_values::canonical(kind, value).expect("the list is valid");
        all.push(kind, &canonical, ContextId(0));
    }
    all
}
