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
