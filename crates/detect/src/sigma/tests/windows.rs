//! Which of Windows' events a log source means.

use super::logs::{self, SYSMON, check};

#[test]
fn windows_processes() {
    let check = |pairs: &[(&str, &str)], expected| {
        let detection =
            "Image|endswith: '\\x.exe'\n    ParentImage: 'C:\\y.exe'\n    User|contains: 'AUTHORI'";
        check(
            "product: windows, category: process_creation",
            detection,
            "evtx",
            pairs,
            expected,
        );
    };
    let sysmon = [
        ("Image", r"C:\x.exe"),
        ("ParentImage", r"C:\y.exe"),
        ("User", r"NT AUTHORITY\SYSTEM"),
    ];
    let with = |channel, id, rest: &[(&'static str, &'static str)]| {
        let mut all = vec![("Channel", channel), ("EventID", id)];
        all.extend_from_slice(rest);
        all
    };
    check(&with(SYSMON, "1", &sysmon), true);
    check(&with("MICROSOFT-Windows-Sysmon/OPERATIONAL", "1", &sysmon), true);
    check(&with(SYSMON, "2", &sysmon), false);
    check(&with("Security", "1", &sysmon), false);
    check(&with("Application", "1", &sysmon), false);
    let security = [
        ("NewProcessName", r"C:\x.exe"),
        ("ParentProcessName", r"C:\y.exe"),
        ("SubjectUserName", "SYSTEM"),
        ("SubjectDomainName", "NT AUTHORITY"),
    ];
    check(&with("Security", "4688", &security), true);
    check(&with("Security", "4689", &security), false);
    check(&with(SYSMON, "4688", &security), false);
}

#[test]
fn an_event_id_counts_only_with_its_provider() {
    let check = |channel, provider, id, expected| {
        let pairs = [
            ("Channel", channel),
            ("Provider_Name", provider),
            ("EventID", id),
            ("Image", "x"),
            ("NewProcessName", "x"),
        ];
        check(
            "product: windows, category: process_creation",
            "Image: x",
            "evtx",
            &pairs,
            expected,
        );
    };
    check(SYSMON, "Microsoft-Windows-Sysmon", "1", true);
    check(SYSMON, "Other-Provider", "1", false);
    check("Security", "Microsoft-Windows-Security-Auditing", "4688", true);
    check("Security", "Microsoft Windows security auditing.", "4688", true);
    check("Security", "", "4688", true);
    check("Security", "MyApp", "4688", false);
    check("ForwardedEvents", "Microsoft-Windows-Sysmon", "1", true);
    check(
        "ForwardedEvents",
        "Microsoft-Windows-Security-Auditing",
        "4688",
        true,
    );
    check("ForwardedEvents", "MyApp", "4688", false);
    let cleared = [
        ("Channel", "Security"),
        ("Provider_Name", "Microsoft-Windows-Eventlog"),
        ("EventID", "1102"),
        ("a", "b"),
    ];
    logs::check(
        "product: windows, service: security",
        "EventID: 1102",
        "evtx",
        &cleared,
        true,
    );
}

#[test]
fn windows_by_collectors() {
    let check = |pairs: &[(&str, &str)], expected| {
        check(
            "product: windows, category: process_creation",
            "Image: 'C:\\x.exe'",
            "json",
            pairs,
            expected,
        );
    };
    check(
        &[("Channel", SYSMON), ("EventID", "1"), ("Image", r"C:\x.exe")],
        true,
    );
    check(
        &[
            ("winlog.channel", SYSMON),
            ("winlog.event_id", "1"),
            ("winlog.event_data.Image", r"C:\x.exe"),
        ],
        true,
    );
    check(
        &[
            ("Event.System.Channel", SYSMON),
            ("Event.System.EventID", "1"),
            ("Event.EventData.Image", r"C:\x.exe"),
        ],
        true,
    );
    check(
        &[("process.executable", r"C:\x.exe"), ("process.command_line", "x")],
        true,
    );
    check(
        &[("process.executable", "/bin/x"), ("process.command_line", "x")],
        false,
    );
}

#[test]
fn windows_registry_and_network() {
    let set = |category: &str, pairs: &[(&str, &str)], expected| {
        let source = format!("product: windows, category: {category}");
        check(
            &source,
            "TargetObject|contains: '\\Run\\'",
            "evtx",
            pairs,
            expected,
        );
    };
    let sysmon = |id, kind| {
        [
            ("Channel", SYSMON),
            ("EventID", id),
            ("EventType", kind),
            ("TargetObject", r"HKLM\Run\x"),
        ]
    };
    set("registry_set", &sysmon("13", "SetValue"), true);
    set("registry_add", &sysmon("12", "CreateKey"), true);
    set("registry_add", &sysmon("12", "DeleteValue"), false);
    set("registry_delete", &sysmon("12", "DeleteValue"), true);
    set("registry_delete", &sysmon("12", "CreateKey"), false);
    set("registry_event", &sysmon("14", "RenameKey"), true);
    set("registry_event", &sysmon("11", ""), false);
    let security = [
        ("Channel", "Security"),
        ("EventID", "4657"),
        ("OperationType", "%%1904"),
        ("ObjectName", r"\REGISTRY\MACHINE\Software\Run"),
        ("ObjectValueName", "x"),
    ];
    set("registry_set", &security, true);
    set("registry_delete", &security, false);
    check(
        "product: windows, category: network_connection",
        "Initiated: 'true'\n    DestinationIp: 192.0.2.1\n    Image: 'C:\\windows\\x.exe'",
        "evtx",
        &[
            ("Channel", "Security"),
            ("EventID", "5156"),
            ("Application", r"\device\harddiskvolume3\windows\x.exe"),
            ("DestAddress", "192.0.2.1"),
            ("Direction", "%%14593"),
        ],
        true,
    );
}

#[test]
fn windows_services() {
    let check = |service: &str, channel: &str, expected| {
        let source = format!("product: windows, service: {service}");
        check(
            &source,
            "a: b",
            "evtx",
            &[("Channel", channel), ("EventID", "7"), ("a", "b")],
            expected,
        );
    };
    check("security", "Security", true);
    check("security", "System", false);
    check("system", "System", true);
    check(
        "taskscheduler",
        "Microsoft-Windows-TaskScheduler/Operational",
        true,
    );
    check("wmi", "Microsoft-Windows-WMI-Activity/Operational", true);
    check("applocker", "Microsoft-Windows-AppLocker/MSI and Script", true);
    check("powershell", "PowerShellCore/Operational", true);
    check("powershell-classic", "Windows PowerShell", true);
    check(
        "windefend",
        "Microsoft-Windows-Windows Defender/Operational",
        true,
    );
    check(
        "terminalservices-localsessionmanager",
        "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
        true,
    );
}

#[test]
fn event_ids_of_a_rule_narrow_it() {
    let check = |pairs: &[(&str, &str)], expected| {
        check(
            "product: windows, service: system",
            "EventID: [7045, 7036]\n    a|contains: b",
            "evtx",
            pairs,
            expected,
        );
    };
    check(&[("Channel", "System"), ("EventID", "7045"), ("a", "abc")], true);
    check(&[("Channel", "System"), ("EventID", "7040"), ("a", "abc")], false);
    check(
        &[
            ("Channel", "System"),
            ("EventID", "1"),
            ("EventID", "7036"),
            ("a", "abc"),
        ],
        true,
    );
}
