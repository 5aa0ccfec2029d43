//! What Sigma's words for log sources mean: from category and service to channels, logs and event ids, and from the
//! field names of one source to those that the rules of a category use.
//!
//! A log is named by a key. For Windows it is the channel's name in lower case; for all else `family` or
//! `family/log` (`zeek/dns`, `linux/sshd`). Keys with `#` are parts of a channel that only a field tells apart.

/// A log that a rule can be about: its key, and the event ids that count there (empty: all).
pub(in crate::sigma) type Log = (&'static str, &'static [i64]);

pub(in crate::sigma) const SYSMON: &str = "microsoft-windows-sysmon/operational";
pub(in crate::sigma) const SECURITY: &str = "security";
pub(in crate::sigma) const LINUX_SYSMON: &str = "linux-sysmon/operational";
pub(in crate::sigma) const DEFENDER: &str = "microsoft-windows-windows defender/operational";
const POWERSHELL: &str = "microsoft-windows-powershell/operational";
const POWERSHELL_CORE: &str = "powershellcore/operational";
const CLASSIC: &str = "windows powershell";
const KERNEL_FILE: &str = "microsoft-windows-kernel-file/analytic";

/// Every Windows event, whatever its channel.
pub(in crate::sigma) const ANY_WINDOWS: &str = "windows";
/// Every event at all: for rules without a log source.
pub(in crate::sigma) const ANY: &str = "any";
/// Parts of registry logs, told by `EventType` (Sysmon 12) or `OperationType` (Security 4657).
pub(in crate::sigma) const REGISTRY_PARTS: [&str; 3] = ["registry#create", "registry#delete", "registry#set"];

/// Categories of the product `windows`.
pub(in crate::sigma) const WINDOWS_CATEGORIES: &[(&str, &[Log])] = &[
    (
        "process_creation",
        &[(SYSMON, &[1]), (SECURITY, &[4688]), ("process/windows", &[])],
    ),
    ("process_termination", &[(SYSMON, &[5]), (SECURITY, &[4689])]),
    ("file_change", &[(SYSMON, &[2])]),
    ("network_connection", &[(SYSMON, &[3]), (SECURITY, &[5156])]),
    ("sysmon_status", &[(SYSMON, &[4, 16])]),
    ("driver_load", &[(SYSMON, &[6])]),
    ("image_load", &[(SYSMON, &[7])]),
    ("create_remote_thread", &[(SYSMON, &[8])]),
    ("raw_access_thread", &[(SYSMON, &[9])]),
    ("process_access", &[(SYSMON, &[10])]),
    ("file_event", &[(SYSMON, &[11]), ("file/windows", &[])]),
    ("registry_event", &[(SYSMON, &[12, 13, 14]), (SECURITY, &[4657])]),
    ("registry_add", &[("registry#create", &[])]),
    ("registry_delete", &[("registry#delete", &[])]),
    ("registry_set", &[("registry#set", &[])]),
    ("registry_rename", &[(SYSMON, &[14])]),
    ("create_stream_hash", &[(SYSMON, &[15])]),
    ("pipe_created", &[(SYSMON, &[17, 18])]),
    ("wmi_event", &[(SYSMON, &[19, 20, 21])]),
    ("dns_query", &[(SYSMON, &[22])]),
    ("file_delete", &[(SYSMON, &[23, 26])]),
    ("file_delete_detected", &[(SYSMON, &[26])]),
    ("clipboard_capture", &[(SYSMON, &[24])]),
    ("clipboard_change", &[(SYSMON, &[24])]),
    ("process_tampering", &[(SYSMON, &[25])]),
    ("file_block_executable", &[(SYSMON, &[27])]),
    ("file_block_shredding", &[(SYSMON, &[28])]),
    ("file_executable_detected", &[(SYSMON, &[29])]),
    ("sysmon_error", &[(SYSMON, &[255])]),
    ("file_access", &[(KERNEL_FILE, &[12])]),
    ("file_rename", &[(KERNEL_FILE, &[19, 27])]),
    ("ps_module", &[(POWERSHELL, &[4103]), (POWERSHELL_CORE, &[4103])]),
    ("ps_script", &[(POWERSHELL, &[4104]), (POWERSHELL_CORE, &[4104])]),
    ("ps_classic_start", &[(CLASSIC, &[400])]),
    ("ps_classic_provider_start", &[(CLASSIC, &[600])]),
    ("ps_classic_script", &[(CLASSIC, &[800])]),
    (
        "antivirus",
        &[(DEFENDER, &[1006, 1007, 1008, 1015, 1116, 1117, 1118, 1119])],
    ),
];

/// Services of the product `windows`, and their channels.
pub(in crate::sigma) const WINDOWS_SERVICES: &[(&str, &[&str])] = &[
    ("application", &["application"]),
    (
        "applocker",
        &[
            "microsoft-windows-applocker/exe and dll",
            "microsoft-windows-applocker/msi and script",
            "microsoft-windows-applocker/packaged app-deployment",
            "microsoft-windows-applocker/packaged app-execution",
        ],
    ),
    ("appmodel-runtime", &["microsoft-windows-appmodel-runtime/admin"]),
    (
        "appxdeployment-server",
        &["microsoft-windows-appxdeploymentserver/operational"],
    ),
    (
        "appxpackaging-om",
        &["microsoft-windows-appxpackaging/operational"],
    ),
    ("bitlocker", &["microsoft-windows-bitlocker/bitlocker management"]),
    ("bits-client", &["microsoft-windows-bits-client/operational"]),
    ("capi2", &["microsoft-windows-capi2/operational"]),
    (
        "certificateservicesclient-lifecycle-system",
        &["microsoft-windows-certificateservicesclient-lifecycle-system/operational"],
    ),
    (
        "codeintegrity-operational",
        &["microsoft-windows-codeintegrity/operational"],
    ),
    ("dhcp", &["microsoft-windows-dhcp-server/operational"]),
    (
        "diagnosis-scripted",
        &["microsoft-windows-diagnosis-scripted/operational"],
    ),
    ("dns-client", &["microsoft-windows-dns client events/operational"]),
    ("dns-server", &["dns server"]),
    (
        "dns-server-analytic",
        &["microsoft-windows-dns-server/analytical"],
    ),
    ("dns-server-audit", &["microsoft-windows-dns-server/audit"]),
    (
        "driver-framework",
        &["microsoft-windows-driverframeworks-usermode/operational"],
    ),
    (
        "firewall-as",
        &["microsoft-windows-windows firewall with advanced security/firewall"],
    ),
    ("hyper-v-worker", &["microsoft-windows-hyper-v-worker"]),
    ("iis-configuration", &["microsoft-iis-configuration/operational"]),
    ("kernel-event-tracing", &["microsoft-windows-kernel-eventtracing"]),
    (
        "kernel-shimengine",
        &["microsoft-windows-kernel-shimengine/operational"],
    ),
    ("ldap", &["microsoft-windows-ldap-client/debug"]),
    ("ldap_debug", &["microsoft-windows-ldap-client/debug"]),
    ("lsa-server", &["microsoft-windows-lsa/operational"]),
    (
        "microsoft-servicebus-client",
        &[
            "microsoft-servicebus-client",
            "microsoft-servicebus-client/admin",
            "microsoft-servicebus-client/operational",
        ],
    ),
    ("msexchange-management", &["msexchange management"]),
    ("ntfs", &["microsoft-windows-ntfs/operational"]),
    ("ntlm", &["microsoft-windows-ntlm/operational"]),
    ("openssh", &["openssh/operational"]),
    ("powershell", &[POWERSHELL, POWERSHELL_CORE]),
    ("powershell-classic", &[CLASSIC]),
    ("printservice-admin", &["microsoft-windows-printservice/admin"]),
    (
        "printservice-operational",
        &["microsoft-windows-printservice/operational"],
    ),
    ("security", &[SECURITY]),
    (
        "security-mitigations",
        &[
            "microsoft-windows-security-mitigations/kernel mode",
            "microsoft-windows-security-mitigations/user mode",
            "microsoft-windows-security-mitigations/kernelmode",
            "microsoft-windows-security-mitigations/usermode",
        ],
    ),
    ("sense", &["microsoft-windows-sense/operational"]),
    ("servicebus-client", &["microsoft-servicebus-client"]),
    ("shell-core", &["microsoft-windows-shell-core/operational"]),
    (
        "smbclient-connectivity",
        &["microsoft-windows-smbclient/connectivity"],
    ),
    ("smbclient-security", &["microsoft-windows-smbclient/security"]),
    (
        "smbserver-connectivity",
        &["microsoft-windows-smbserver/connectivity"],
    ),
    ("smbserver-security", &["microsoft-windows-smbserver/security"]),
    ("sysmon", &[SYSMON]),
    ("system", &["system"]),
    ("taskscheduler", &["microsoft-windows-taskscheduler/operational"]),
    (
        "terminalservices-localsessionmanager",
        &["microsoft-windows-terminalservices-localsessionmanager/operational"],
    ),
    ("vhdmp", &["microsoft-windows-vhdmp/operational"]),
    ("windefend", &[DEFENDER]),
    ("wmi", &["microsoft-windows-wmi-activity/operational"]),
];

/// Log sources of every other product, most telling first: product, category, service (empty: any or none), and
/// the logs.
pub(in crate::sigma) const OTHERS: &[(&str, &str, &str, &[Log])] = &[
    (
        "linux",
        "process_creation",
        "",
        &[(LINUX_SYSMON, &[1]), ("auditd/exec", &[]), ("process/linux", &[])],
    ),
    ("linux", "process_termination", "", &[(LINUX_SYSMON, &[5])]),
    (
        "linux",
        "network_connection",
        "",
        &[(LINUX_SYSMON, &[3]), ("network/linux", &[])],
    ),
    (
        "linux",
        "file_event",
        "",
        &[(LINUX_SYSMON, &[11]), ("file/linux", &[])],
    ),
    ("linux", "file_delete", "", &[(LINUX_SYSMON, &[23])]),
    ("linux", "", "auditd", &[("auditd", &[])]),
    ("linux", "", "auth", &[("linux/auth", &[])]),
    ("linux", "", "syslog", &[("linux/syslog", &[])]),
    ("linux", "", "sshd", &[("linux/sshd", &[])]),
    ("linux", "", "sudo", &[("linux/sudo", &[])]),
    ("linux", "", "cron", &[("linux/cron", &[])]),
    ("linux", "", "clamav", &[("linux/clamav", &[])]),
    ("linux", "", "vsftpd", &[("linux/vsftpd", &[])]),
    ("linux", "", "guacamole", &[("linux/guacamole", &[])]),
    ("linux", "", "", &[("linux", &[]), ("auditd", &[])]),
    ("macos", "process_creation", "", &[("process/macos", &[])]),
    ("macos", "file_event", "", &[("file/macos", &[])]),
    ("zeek", "", "*", &[]),
    ("aws", "", "cloudtrail", &[("aws", &[])]),
    ("azure", "", "*", &[("azure", &[])]),
    ("gcp", "", "google_workspace.admin", &[("google_workspace", &[])]),
    (
        "gcp",
        "",
        "google_workspace.login",
        &[("google_workspace", &[]), ("gcp", &[])],
    ),
    ("gcp", "", "gcp.audit", &[("gcp", &[])]),
    ("m365", "", "*", &[("m365", &[])]),
    ("okta", "", "okta", &[("okta", &[])]),
    ("onelogin", "", "onelogin.events", &[("onelogin", &[])]),
    ("github", "", "audit", &[("github", &[])]),
    ("bitbucket", "", "audit", &[("bitbucket", &[])]),
    ("kubernetes", "", "audit", &[("kubernetes", &[])]),
    ("kubernetes", "application", "audit", &[("kubernetes", &[])]),
    ("opencanary", "application", "", &[("opencanary", &[])]),
    ("rpc_firewall", "application", "", &[("rpc_firewall", &[])]),
    ("cisco", "", "duo", &[("duo", &[])]),
    ("cisco", "", "*", &[("cisco", &[])]),
    ("fortigate", "", "event", &[("fortigate", &[])]),
    ("fortios", "", "*", &[("fortigate", &[])]),
    ("", "webserver", "", &[("web", &[])]),
    ("", "", "apache", &[("web", &[]), ("linux/apache", &[])]),
    ("", "", "nginx", &[("web", &[]), ("linux/nginx", &[])]),
    ("", "proxy", "", &[("proxy", &[])]),
    ("", "dns", "", &[("dns", &[])]),
    ("", "firewall", "", &[("firewall", &[])]),
    (
        "",
        "database",
        "",
        &[
            ("named/database", &[]),
            ("named/mysql", &[]),
            ("named/postgresql", &[]),
            ("named/mssql", &[]),
            ("named/oracle", &[]),
        ],
    ),
    (
        "",
        "antivirus",
        "",
        &[
            (DEFENDER, &[1006, 1007, 1008, 1015, 1116, 1117, 1118, 1119]),
            ("antivirus", &[]),
        ],
    ),
];

/// What makes an event one of a field's aliases: the key of its log and, on Windows, its event id (0: any).
pub(in crate::sigma) type Profile = (&'static str, i64);

/// Field names by source: where the event has the first name and not the second, the first stands for the second.
pub(in crate::sigma) const ALIASES: &[(Profile, &[(&str, &str)])] = &[
    (
        (SECURITY, 4688),
        &[
            ("NewProcessName", "Image"),
            ("ParentProcessName", "ParentImage"),
            ("ProcessId", "ParentProcessId"),
            ("SubjectLogonId", "LogonId"),
            ("MandatoryLabel", "IntegrityLevel"),
        ],
    ),
    (
        (SECURITY, 4689),
        &[("ProcessName", "Image"), ("SubjectLogonId", "LogonId")],
    ),
    (
        (SECURITY, 4657),
        &[("NewValue", "Details"), ("ProcessName", "Image")],
    ),
    (
        (SECURITY, 5156),
        &[
            ("SourceAddress", "SourceIp"),
            ("DestAddress", "DestinationIp"),
            ("DestPort", "DestinationPort"),
        ],
    ),
    (
        (SYSMON, 22),
        &[("QueryName", "query"), ("QueryResults", "answer")],
    ),
    (
        (DEFENDER, 0),
        &[("ThreatName", "Signature"), ("Path", "Filename")],
    ),
    (
        ("zeek", 0),
        &[
            ("id_orig_h", "id.orig_h"),
            ("id_orig_p", "id.orig_p"),
            ("id_resp_h", "id.resp_h"),
            ("id_resp_p", "id.resp_p"),
            ("qtype_name", "record_type"),
            ("answers", "answer"),
            ("method", "cs-method"),
            ("host", "cs-host"),
            ("user_agent", "cs-user-agent"),
            ("user_agent", "c-useragent"),
            ("referrer", "cs-referer"),
            ("status_code", "sc-status"),
            ("username", "cs-username"),
            ("id.orig_h", "c-ip"),
            ("id.orig_h", "src_ip"),
            ("id.orig_p", "src_port"),
            ("id.resp_h", "dst_ip"),
            ("id.resp_p", "dst_port"),
            ("id_orig_h", "c-ip"),
            ("id_orig_h", "src_ip"),
            ("id_orig_p", "src_port"),
            ("id_resp_h", "dst_ip"),
            ("id_resp_p", "dst_port"),
            ("conn_state", "action"),
        ],
    ),
    (
        ("eve", 0),
        &[
            ("dns.rrname", "query"),
            ("dns.queries.rrname", "query"),
            ("dns.rrtype", "record_type"),
            ("dns.queries.rrtype", "record_type"),
            ("dns.answers.rdata", "answer"),
            ("http.http_method", "cs-method"),
            ("http.hostname", "cs-host"),
            ("http.http_user_agent", "cs-user-agent"),
            ("http.http_user_agent", "c-useragent"),
            ("http.http_refer", "cs-referer"),
            ("http.status", "sc-status"),
            ("src_ip", "c-ip"),
            ("dest_ip", "dst_ip"),
            ("dest_port", "dst_port"),
            ("alert.action", "action"),
        ],
    ),
    (
        ("web", 0),
        &[
            ("cs-user-agent", "c-useragent"),
            ("cs(User-Agent)", "cs-user-agent"),
            ("cs(Referer)", "cs-referer"),
        ],
    ),
    (
        ("proxy", 0),
        &[
            ("url", "c-uri"),
            ("cs-uri", "c-uri"),
            ("cs-user-agent", "c-useragent"),
            ("cs(User-Agent)", "c-useragent"),
            ("cs(Cookie)", "cs-cookie"),
            ("method", "cs-method"),
            ("status", "sc-status"),
            ("cs-uri-query", "c-uri-query"),
            ("s-ip", "dst_ip"),
            ("r-ip", "dst_ip"),
        ],
    ),
    (
        ("firewall", 0),
        &[
            ("src", "src_ip"),
            ("dst", "dst_ip"),
            ("spt", "src_port"),
            ("dpt", "dst_port"),
            ("act", "action"),
            ("src-ip", "src_ip"),
            ("dst-ip", "dst_ip"),
            ("src-port", "src_port"),
            ("dst-port", "dst_port"),
            ("srcip", "src_ip"),
            ("dstip", "dst_ip"),
            ("srcport", "src_port"),
            ("dstport", "dst_port"),
            ("source.ip", "src_ip"),
            ("destination.ip", "dst_ip"),
            ("source.port", "src_port"),
            ("destination.port", "dst_port"),
            ("event.action", "action"),
        ],
    ),
    (
        ("auditd", 0),
        &[
            ("exe", "Image"),
            ("proctitle", "CommandLine"),
            ("cwd", "CurrentDirectory"),
        ],
    ),
    (
        ("ecs", 0),
        &[
            ("process.executable", "Image"),
            ("process.command_line", "CommandLine"),
            ("process.parent.executable", "ParentImage"),
            ("process.parent.command_line", "ParentCommandLine"),
            ("process.working_directory", "CurrentDirectory"),
            ("process.pe.original_file_name", "OriginalFileName"),
            ("process.pid", "ProcessId"),
            ("user.name", "User"),
            ("file.path", "TargetFilename"),
            ("source.ip", "SourceIp"),
            ("source.port", "SourcePort"),
            ("destination.ip", "DestinationIp"),
            ("destination.port", "DestinationPort"),
            ("destination.domain", "DestinationHostname"),
            ("dns.question.name", "query"),
            ("dns.question.type", "record_type"),
            ("dns.answers.data", "answer"),
            ("http.request.method", "cs-method"),
            ("http.response.status_code", "sc-status"),
            ("url.original", "c-uri"),
            ("url.full", "c-uri"),
            ("url.path", "cs-uri-stem"),
            ("url.query", "cs-uri-query"),
            ("url.domain", "cs-host"),
            ("user_agent.original", "cs-user-agent"),
            ("user_agent.original", "c-useragent"),
            ("protoPayload.methodName", "gcp.audit.method_name"),
            ("protoPayload.serviceName", "gcp.audit.service_name"),
            ("data.protoPayload.methodName", "gcp.audit.method_name"),
            ("protoPayload.serviceName", "data.protoPayload.serviceName"),
        ],
    ),
];
