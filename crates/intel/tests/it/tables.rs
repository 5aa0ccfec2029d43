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
fn words_that_are_not_known_are_told_and_make_no_other_kind() {
    check(
        "indicator_type,indicator\nartifact,e8.exe\nDomain,evil.example\nartifact,192.0.2.1\nwhatsit,b.example",
        &[
            "domain evil.example",
            "ipv4 192.0.2.1",
            "table:2: the type `artifact` is not known: 1 taken for what else they cannot be, 1 left out",
            "table:5: the type `whatsit` is not known: 0 taken for what else they cannot be, 1 left out",
        ],
    );
    let md5 = "d41d8cd98f00b204e9800998ecf8427e";
    check(
        &format!(
            "type,value\nJA3S,{md5}\nJARM,29d29d\nvhash2,{md5}\nImpHash,{md5}\nserial,1A:BC:DE:F0:12:34\n"
        ),
        &[
            &format!("imphash {md5}"),
            "x509-serial 1abcdef01234",
            "table:4: the type `vhash2` is not known: 0 taken for what else they cannot be, 1 left out",
        ],
    );
    let (_, intel) = load(
        "t",
        format!("type,value\nJA3S,{md5}\nJARM,x").as_bytes(),
        &Options::default(),
    );
    assert_eq!(
        intel.withheld.to_string(),
        "2 of types that are not searched for (ja3s 1, jarm 1)"
    );
    // A heading says the same as a word in a column of types.
    let other = ["table: fingerprints or digests of a kind that is not searched for"];
    check(&format!("ja3s,comment\n{md5},x"), &other);
    check(&format!("JA3S\n{md5}"), &other);
    check(&format!("certificate sha1;note\n{md5}01234567;x"), &other);
    check(
        &format!("domain,jarm\nevil.example,{md5}"),
        &["domain evil.example"],
    );
    // A hundred types are no reason to tell a hundred times.
    let many: String = (0..500).map(|number| format!("word{number},x.exe\n")).collect();
    let (_, intel) = load("t", format!("type,value\n{many}").as_bytes(), &Options::default());
    assert_eq!((intel.indicators.len(), intel.problems.len()), (0, 65));
}

#[test]
fn tables_of_zeek() {
    let digest = "d41d8cd98f00b204e9800998ecf8427e";
    check(
        &format!(
            "#fields\tindicator\tindicator_type\tmeta.source\n# seen in May\n192.0.2.1\tIntel::ADDR\tx\n\
             198.51.100.0/24\tIntel::SUBNET\tx\nevil.example\tIntel::DOMAIN\tx\n\
             evil.example/gate.php\tIntel::URL\tx\na@evil.example\tIntel::EMAIL\tx\n\
             {digest}\tIntel::FILE_HASH\tx\nsetup.exe\tIntel::FILE_NAME\tx\nevil/1.0\tIntel::SOFTWARE\tx\n\
             root\tIntel::USER_NAME\tx\n{digest}01234567\tIntel::CERT_HASH\tx\n{digest}\tIntel::PUBKEY_HASH\tx\n"
        ),
        &[
            "ipv4 192.0.2.1",
            "cidr 198.51.100.0/24",
            "domain evil.example",
            "url evil.example/gate.php",
            "email-address a@evil.example",
            &format!("md5 {digest}"),
            "file-name setup.exe",
            "user-agent evil/1.0",
            &format!("x509-sha1 {digest}01234567"),
        ],
    );
}

#[test]
fn tables_of_nets_in_several_columns() {
    let nets = ["cidr 198.51.100.0/24", "cidr 203.0.113.0/24"];
    check(
        "# DShield\n# Start\tEnd\tNetblock\tAttacks\tName\tCountry\temail\n\
         198.51.100.0\t198.51.100.255\t24\t1234\tX\tUS\tabuse@a.example\n\
         203.0.113.0\t203.0.113.255\t24\t1234\tX\tUS\tabuse@a.example\n",
        &nets,
    );
    check(
        "start_ip,end_ip,abuse_contact\n198.51.100.0,198.51.100.255,a@a.example\n203.0.113.0,203.0.113.255,\n",
        &nets,
    );
    check(
        "start_ip,end_ip,note\n192.0.2.9,192.0.2.1,x\n192.0.2.8,192.0.2.9,x",
        &[
            "cidr 192.0.2.8/31",
            "table:2: `192.0.2.9`: no range of addresses up to `192.0.2.1`",
        ],
    );
    // Elsewhere a start is a time.
    check(
        "domain,start,end\nevil.example,2024-01-02,2024-01-03",
        &["domain evil.example"],
    );
    check("ip,abuse_contact\n192.0.2.1,abuse@a.example", &["ipv4 192.0.2.1"]);
    check("sender,url\na@evil.example,", &["email-address a@evil.example"]);
}

#[test]
fn tables_of_defender() {
    let table = "IndicatorType,IndicatorValue,ExpirationTime,Action,Severity,Title,MitreTechniques\n\
        DomainName,evil.example,2020-01-01T00:00:00Z,Block,High,T,T1059\n\
        IpAddress,192.0.2.1,,Audit,,T,\n\
        FileSha1,da39a3ee5e6b4b0d3255bfef95601890afd80709,,BlockAndRemediate,,T,\n\
        CertificateThumbprint,da39a3ee5e6b4b0d3255bfef95601890afd80709,,Warn,,T,\n\
        Url,http://good.example/x,,Allow,Informational,T,\n";
    check(
        table,
        &[
            "domain evil.example",
            "ipv4 192.0.2.1",
            "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "x509-sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
        ],
    );
    let (_, intel) = load("table", table.as_bytes(), &Options::default());
    let context = intel.context(intel.indicators.get(0).context);
    assert_eq!(
        context.valid_until.map(|time| time.to_string()).as_deref(),
        Some("2020-01-01T00:00:00Z")
    );
    assert_eq!(
        (context.name.as_deref(), &*context.tags),
        (Some("T"), &["attack.t1059".to_owned()][..])
    );
    assert_eq!(intel.withheld.to_string(), "1 harmless by their own words");
}

#[test]
fn tables_of_excel() {
    let both = ["ipv4 192.0.2.1", "domain evil.example"];
    check(
        "sep=;\r\nType;IOC;Comment\r\nIP;192.0.2.1;y\r\nDomain;evil.example;z\r\n",
        &both,
    );
    check("\"sep=,\"\nType,IOC\nIP,192.0.2.1\nDomain,evil.example\n", &both);
    check("sep=\t\nType\tIOC\nIP\t192.0.2.1\nДомен\tevil.example\n", &both);
    check("sep=;\n192.0.2.1\nevil.example\n", &both);
    check("Тип;Індикатор\nIP-адреса;192.0.2.1\nДомен;evil.example\n", &both);
    check("Домен;Примітка\nevil.example;x\n", &["domain evil.example"]);
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

/// Checks what is said of each value of a list, and the problems.
fn check_said(text: &str, expected: &[(&str, &str)], problems: usize) {
    let (_, intel) = load("list", text.as_bytes(), &Options::default());
    let said = intel.indicators.iter().map(|one| {
        let said = intel.context(one.context).description.as_deref();
        (format!("{} {}", one.kind, one.value), said.unwrap_or_default())
    });
    let said: Vec<_> = said.collect();
    let said: Vec<_> = said.iter().map(|(value, said)| (value.as_str(), *said)).collect();
    assert_eq!(
        (said, intel.problems.len()),
        (expected.to_vec(), problems),
        "{text} {:?}",
        intel.problems
    );
}

#[test]
fn lists_written_by_hand() {
    check_said(
        "evil21.example C2 server\nevil22.example phishing kit\n192.0.2.1 - C2\nevil23.example, seen in May\n\
         http://evil.example/a - gate\nevil.example/b (gate)\n",
        &[
            ("domain evil21.example", "C2 server"),
            ("domain evil22.example", "phishing kit"),
            ("ipv4 192.0.2.1", "C2"),
            ("domain evil23.example", "seen in May"),
            ("url http://evil.example/a", "gate"),
            ("url evil.example/b", "gate"),
        ],
        0,
    );
    check_said(
        "1. evil21.example\n2. evil22.example\n- evil23.example\n* evil24.example\n• evil25.example\n",
        &[
            ("domain evil21.example", ""),
            ("domain evil22.example", ""),
            ("domain evil23.example", ""),
            ("domain evil24.example", ""),
            ("domain evil25.example", ""),
        ],
        0,
    );
    let md5 = "d41d8cd98f00b204e9800998ecf8427a";
    let of_md5 = format!("md5 {md5}");
    check_said(
        &format!(
            "IP: 192.0.2.1 (C2)\nDomain: evil21.example\nMD5: {md5}\nURL: hxxp://evil.example/x\nAuthor: me\n"
        ),
        &[
            ("ipv4 192.0.2.1", "C2"),
            ("domain evil21.example", ""),
            (&of_md5, ""),
            ("url http://evil.example/x", ""),
        ],
        0,
    );
    // A notice of CERT-UA.
    check_said(
        &format!(
            "Файли:\n{md5} {md5}{md5} Рахунок.exe\n\nМережеві:\n(tcp)://192[.]0[.]2[.]1:443\n\
             hxxp://evil[.]example/gate.php\n192[.]0[.]2[.]7 (C2)\n*.evil-x[.]example\nХостові:\npowershell.exe -enc A\n"
        ),
        &[
            (&of_md5, "Рахунок.exe"),
            (&format!("sha256 {md5}{md5}"), "Рахунок.exe"),
            ("ipv4 192.0.2.1", ""),
            ("url http://evil.example/gate.php", ""),
            ("ipv4 192.0.2.7", "C2"),
            ("domain evil-x.example", ""),
        ],
        1,
    );
    check_said(
        "evil.example TLP:RED do not share\n",
        &[("domain evil.example", "TLP:RED do not share")],
        0,
    );
    check(
        "evil.example TLP:RED do not share\n",
        &["domain evil.example red"],
    );
}

#[test]
fn a_page_in_postscript_is_read_fast() {
    let odd = "0 1 TeXcolorgray 4 l 0 0 moveto (evil) show [1 2 3] 0 setdash\n".repeat(200_000);
    let started = std::time::Instant::now();
    let (_, intel) = load(
        "list",
        format!("evil.example\n192.0.2.1\n{odd}").as_bytes(),
        &Options::default(),
    );
    assert!(intel.indicators.len() <= 2);
    let list = format!("{}{odd}", "192.0.2.1 x\n".repeat(100));
    let (_, intel) = load("list", list.as_bytes(), &Options::default());
    assert_eq!((intel.indicators.len(), intel.problems.len()), (1, 101));
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn prose_is_no_list() {
    let none = ["table: no format of intelligence that is known"];
    for text in [
        "# Tool\n\nNode.js is needed.\nSee README.md for more.\nvisit evil.example now\n- main.rs: the start\n",
        "- main.rs: the start\n- lib.rs: the rest\n- README.md - this\n",
        "evil.example was seen in May, and then\nit went away, as did others.\nNobody knows why.\n",
        "String: \"#fff\",\nText: \"#000\",\n",
        "git log\ncommit da39a3ee5e6b4b0d3255bfef95601890afd80709\n    Fix it\n",
        "module github.com/a/b\ngithub.com/c/d v1.2.3\ngithub.com/e/f v1.2.3 // indirect\n",
        "192.0.2.1 - - [10/Oct/2023:13:55:36 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"x\"\n",
    ] {
        check(text, &none);
    }
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

#[test]
fn rows_of_values_without_headings() {
    let md5 = "d41d8cd98f00b204e9800998ecf8427e";
    let md5_found = format!("md5 {md5}");
    check(
        &format!("bad.net, 203.0.113.66, evil[.]top, {md5}"),
        &[
            "domain bad.net",
            "ipv4 203.0.113.66",
            "domain evil.top",
            &md5_found,
        ],
    );
    check(
        "bad.net, 203.0.113.66, evil[.]top, hxxp://a[.]b[.]net/x",
        &[
            "domain bad.net",
            "ipv4 203.0.113.66",
            "domain evil.top",
            "url http://a.b.net/x",
        ],
    );
    check(
        &format!(
            "bad.net,203.0.113.66,{md5}\nsecond.org,203.0.113.67,b{}",
            &md5[1..]
        ),
        &[
            "domain bad.net",
            "ipv4 203.0.113.66",
            &md5_found,
            "domain second.org",
            "ipv4 203.0.113.67",
            &format!("md5 b{}", &md5[1..]),
        ],
    );
    // A name of a file is none of a host, and a URL may be a reference.
    check(
        &format!("setup.exe,{md5}\na.dat,{md5}"),
        &[&md5_found, &md5_found],
    );
    check(
        &format!("{md5},https://report.net/x\n{md5},https://report.net/y"),
        &[
            &md5_found,
            &md5_found,
            "table:1: without headings one column gives the values; left out are those in column 2",
        ],
    );
}

#[test]
fn netmasks() {
    check(
        "198.51.100.0 255.255.255.0\nbad.net",
        &["cidr 198.51.100.0/24", "domain bad.net"],
    );
    check(
        "198.51.100.0,255.255.255.0\n203.0.113.0,255.255.255.128",
        &["cidr 198.51.100.0/24", "cidr 203.0.113.0/25"],
    );
    check(
        "network,netmask\n198.51.100.0,255.255.255.0",
        &["cidr 198.51.100.0/24"],
    );
    check("ip;prefix;note\n198.51.100.0;/24;x", &["cidr 198.51.100.0/24"]);
    check("ip,mask,note\n198.51.100.0/25,24,x", &["cidr 198.51.100.0/25"]);
    check(
        "255.255.255.0\nbad.net",
        &[
            "domain bad.net",
            "table:1: `255.255.255.0` is a netmask, and no address",
        ],
    );
}

#[test]
fn tables_of_markdown() {
    check(
        "# IOC list\n\n| Indicator | Type | Notes |\n|-----------|:----:|-------|\n\
         | `hxxp://evil-login[.]top/a` | URL | see https://blog.vendor.net/post |\n\
         | **bad[.]net** | Domain | C2 |\n\
         | [203.0.113.66](https://www.virustotal.com/gui/ip-address/203.0.113.66) | IP | |\n",
        &[
            "url http://evil-login.top/a",
            "domain bad.net",
            "ipv4 203.0.113.66",
        ],
    );
    check(
        "## Hosts\n| a | b |\n|---|---|\n| x | `bad[.]net` |\n\n## More\n- [c.net](https://report.net/c)\n\
         * **198.51.100.77** – scanner\n1. `C:\\x\\updater.exe`\n```\nd.net\n```\n",
        &[
            "domain bad.net",
            "domain c.net",
            "ipv4 198.51.100.77",
            "file-path C:\\x\\updater.exe",
            "domain d.net",
        ],
    );
}

#[test]
fn notes_behind_every_value() {
    check(
        "hxxps://evil[.]top/owa/auth.aspx   <- Phishing\nbad[.]net => C2\n203.0.113.66 [C2]\n“smart.net” – x\n",
        &[
            "url https://evil.top/owa/auth.aspx",
            "domain bad.net",
            "ipv4 203.0.113.66",
            "domain smart.net",
        ],
    );
    check(
        "203.0.113.68/tcp\n203.0.113.69:443/tcp\n203.0.113.67 4444/tcp\n",
        &["ipv4 203.0.113.68", "ipv4 203.0.113.69", "ipv4 203.0.113.67"],
    );
}
