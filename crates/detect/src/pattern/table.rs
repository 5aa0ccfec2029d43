//! Which fields of a log hold what an object path of STIX means, as data.
//!
//! Field names are those of the Elastic Common Schema, Windows and Sysmon, Zeek, Suricata EVE, web servers and
//! proxies, CEF and LEEF, auditd, journald, netfilter and AWS, as `events` gives them. Letter case does not count. A
//! path is written without list steps and in lower case; a hash as its name without hyphens.
// tidy: long, a table

use perisai_model::Kind;

use super::derive::Take;

/// Fields of one meaning.
pub(super) type Fields = &'static [&'static str];

/// Paths that select the same, and where their values stand. A path may have several rows.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) paths: &'static [&'static str],
    pub(super) take: Take,
    pub(super) fields: &'static [Fields],
}

const fn row(paths: &'static [&'static str], take: Take, fields: &'static [Fields]) -> Row {
    Row { paths, take, fields }
}

/// Beginnings of paths that stand for the beginnings of others.
pub(super) const ALIASES: &[(&str, &str)] = &[
    ("process:opened_connection_refs.", "network-traffic:"),
    ("process:binary_ref", "process:image_ref"),
    ("process:parent_ref.binary_ref", "process:parent_ref.image_ref"),
    ("process:creator_user_ref.", "user-account:"),
    ("windows-registry-key:creator_user_ref.", "user-account:"),
    ("email-addr:belongs_to_ref.", "user-account:"),
    ("artifact:hashes.", "file:hashes."),
    ("file:content_ref.hashes.", "file:hashes."),
    ("email-message:raw_email_ref.hashes.", "file:hashes."),
    ("network-traffic:src_payload_ref.hashes.", "file:hashes."),
    ("network-traffic:dst_payload_ref.hashes.", "file:hashes."),
    (
        "network-traffic:extensions.http-request-ext.message_body_data_ref.hashes.",
        "file:hashes.",
    ),
    (
        "email-message:body_multipart.body_raw_ref.hashes.",
        "file:hashes.",
    ),
    ("domain-name:resolves_to_refs.resolves_to_refs.", "mac-addr:"),
    ("ipv4-addr:resolves_to_refs.", "mac-addr:"),
    ("ipv6-addr:resolves_to_refs.", "mac-addr:"),
    ("ipv4-addr:belongs_to_refs.", "autonomous-system:"),
    ("ipv6-addr:belongs_to_refs.", "autonomous-system:"),
    ("artifact:url", "url:value"),
    ("artifact:mime_type", "file:mime_type"),
];

const SOURCE: Fields = &[
    "source.ip",
    "source.address",
    "client.ip",
    "client.address",
    "SourceIp",
    "SourceAddress",
    "IpAddress",
    "ClientAddress",
    "src_ip",
    "srcip",
    "src",
    "SRC",
    "saddr",
    "id.orig_h",
    "c-ip",
    "client_ip",
    "clientip",
    "clientaddr",
    "remote_addr",
    "remote_ip",
    "src_addr",
    "source_ip",
    "sourceIPAddress",
    "sourceAddress",
    "sourceTranslatedAddress",
    "srcaddr",
    "addr",
    "rhost",
    "orig_h",
    "x-forwarded-for",
    "http.xff",
];
const SOURCE_NAME: Fields = &[
    "source.domain",
    "client.domain",
    "SourceHostname",
    "shost",
    "src_host",
    "client_name",
    "SourceHostName",
];
const DESTINATION: Fields = &[
    "destination.ip",
    "destination.address",
    "server.ip",
    "server.address",
    "DestinationIp",
    "DestinationAddress",
    "DestAddress",
    "dest_ip",
    "dst_ip",
    "dstip",
    "dst",
    "DST",
    "daddr",
    "id.resp_h",
    "s-ip",
    "server_ip",
    "dst_addr",
    "dest_addr",
    "destination_ip",
    "destinationAddress",
    "destinationTranslatedAddress",
    "dstaddr",
    "resp_h",
    "r-ip",
    "upstream_addr",
];
const DESTINATION_NAME: Fields = &[
    "destination.domain",
    "server.domain",
    "DestinationHostname",
    "dhost",
    "dest_host",
    "server_name",
    "tls.sni",
    "tls.client.server_name",
    "url.domain",
    "http.hostname",
    "http.host",
    "http.request.headers.host",
    "host",
    "cs-host",
    "cs(Host)",
    "r-dns",
    "vhost",
    "destinationDnsDomain",
    "dst_host",
    "http_host",
];
const ANSWERS: Fields = &[
    "dns.resolved_ip",
    "dns.answers.data",
    "dns.answers.rdata",
    "dns.grouped.A",
    "dns.grouped.AAAA",
    "answers",
    "answer",
    "QueryResults",
    "dns.grouped.CNAME",
];
const OTHER_ADDRESS: Fields = &[
    "host.ip",
    "related.ip",
    "observer.ip",
    "ip",
    "ip_address",
    "ipaddress",
    "IPAddress",
    "dvc",
    "assigned_addr",
    "requested_addr",
    "client_addr",
    "tx_hosts",
    "rx_hosts",
    "c6a2",
    "c6a3",
    "network.forwarded_ip",
    "peer",
    "nat.ip",
    "source.nat.ip",
    "destination.nat.ip",
];
const QUERY: Fields = &[
    "dns.question.name",
    "QueryName",
    "query",
    "dns.rrname",
    "dns.query.rrname",
    "dns.queries.rrname",
    "qname",
    "query_name",
    "dns.question.registered_domain",
    "dns_query",
];
const OTHER_NAME: Fields = &[
    "domain",
    "related.hosts",
    "fqdn",
    "TargetServerName",
    "RemoteName",
    "hostname_remote",
];
const URL: Fields = &[
    "url.full",
    "url.original",
    "http.request.referrer",
    "request",
    "url",
    "cs-uri",
    "c-uri",
    "RemoteUrl",
    "cs-referer",
    "referrer",
    "http.http_refer",
    "FileOriginUrl",
    "FileOriginReferrerUrl",
    "uri",
    "requestUrl",
    "file.origin_url",
    "cs(Referer)",
    "http.url",
    "processedUrl",
    "link",
];
const EMAIL_FROM: Fields = &[
    "email.from.address",
    "from",
    "mailfrom",
    "mail_from",
    "email.from",
    "P1Sender",
    "SenderFromAddress",
    "suser",
    "smtp.mail_from",
];
const EMAIL_SENDER: Fields = &[
    "email.sender.address",
    "sender",
    "SenderMailFromAddress",
    "return_path",
    "reply_to",
    "email.reply_to.address",
];
const EMAIL_TO: Fields = &[
    "email.to.address",
    "to",
    "rcptto",
    "rcpt_to",
    "email.to",
    "RecipientEmailAddress",
    "recipients",
    "recipient",
    "smtp.rcpt_to",
    "duser",
];
const EMAIL_CC: Fields = &["email.cc.address", "cc", "email.cc"];
const EMAIL_BCC: Fields = &["email.bcc.address", "bcc"];
const SUBJECT: Fields = &["email.subject", "subject", "email_subject", "Subject"];

const MD5: Fields = &[
    "file.hash.md5",
    "process.hash.md5",
    "dll.hash.md5",
    "hash.md5",
    "md5",
    "fileinfo.md5",
    "MD5",
    "related.hash",
    "Hashes",
    "Hash",
    "fileHash",
    "file_hash",
    "hash",
    "email.attachments.file.hash.md5",
    "oldFileHash",
    "process.parent.hash.md5",
];
const SHA1: Fields = &[
    "file.hash.sha1",
    "process.hash.sha1",
    "dll.hash.sha1",
    "hash.sha1",
    "sha1",
    "fileinfo.sha1",
    "related.hash",
    "Hashes",
    "Hash",
    "fileHash",
    "file_hash",
    "hash",
    "email.attachments.file.hash.sha1",
    "oldFileHash",
    "process.parent.hash.sha1",
];
const SHA256: Fields = &[
    "file.hash.sha256",
    "process.hash.sha256",
    "dll.hash.sha256",
    "hash.sha256",
    "sha256",
    "fileinfo.sha256",
    "related.hash",
    "Hashes",
    "Hash",
    "fileHash",
    "file_hash",
    "hash",
    "email.attachments.file.hash.sha256",
    "oldFileHash",
    "process.parent.hash.sha256",
];
const SHA512: Fields = &[
    "file.hash.sha512",
    "process.hash.sha512",
    "dll.hash.sha512",
    "hash.sha512",
    "sha512",
    "related.hash",
    "Hashes",
    "fileHash",
    "file_hash",
    "hash",
];
const IMPHASH: Fields = &[
    "file.pe.imphash",
    "process.pe.imphash",
    "dll.pe.imphash",
    "pe.imphash",
    "imphash",
    "Hashes",
];
const IMAGE_HASH: Fields = &["Hashes", "SHA256", "SHA1", "MD5"];
const PARENT_HASH: Fields = &["ParentHashes"];

const IMAGE: Fields = &[
    "Image",
    "NewProcessName",
    "ProcessName",
    "process.executable",
    "exe",
    "_EXE",
    "SourceImage",
    "Application",
    "FolderPath",
    "InitiatingProcessFolderPath",
    "process_path",
    "sproc",
    "process.path",
    "Process",
];
const PROCESS_NAME: Fields = &[
    "process.name",
    "comm",
    "_COMM",
    "SYSLOG_IDENTIFIER",
    "appname",
    "process_name",
    "OriginalFileName",
];
const COMMAND: Fields = &[
    "CommandLine",
    "process.command_line",
    "cmdline",
    "_CMDLINE",
    "ProcessCommandLine",
    "command_line",
    "proctitle",
    "ImagePath",
    "ServiceFileName",
    "cmd",
    "command",
    "process.args_line",
    "HostApplication",
    "ScriptBlockText",
    "powershell.file.script_block_text",
];
const ARGUMENTS: Fields = &[
    "process.args",
    "a0",
    "a1",
    "a2",
    "a3",
    "a4",
    "a5",
    "a6",
    "a7",
    "a8",
    "a9",
];
const PARENT_IMAGE: Fields = &[
    "ParentImage",
    "ParentProcessName",
    "process.parent.executable",
    "InitiatingProcessParentFileName",
    "parent_process_path",
];
const PARENT_NAME: Fields = &["process.parent.name", "parent_process_name"];
const PARENT_COMMAND: Fields = &[
    "ParentCommandLine",
    "process.parent.command_line",
    "parent_command_line",
];
const WORKING_FOLDER: Fields = &[
    "CurrentDirectory",
    "process.working_directory",
    "cwd",
    "_CWD",
    "PWD",
];
const PID: Fields = &[
    "process.pid",
    "ProcessId",
    "NewProcessId",
    "pid",
    "_PID",
    "procid",
    "SYSLOG_PID",
    "process_id",
];
const PARENT_PID: Fields = &[
    "process.parent.pid",
    "process.ppid",
    "ParentProcessId",
    "ppid",
    "parent_process_id",
];

const FILE_NAME: Fields = &[
    "file.name",
    "fname",
    "attachment",
    "attachments",
    "email.attachments.file.name",
    "OriginalFileName",
    "dll.name",
    "AttachmentName",
    "smtp.attachment",
    "email.attachment",
];
const FILE_PATH: Fields = &[
    "file.path",
    "TargetFilename",
    "ImageLoaded",
    "filename",
    "fileinfo.filename",
    "filePath",
    "file_path",
    "path",
    "RelativeTargetName",
    "dll.path",
    "file.target_path",
    "oldFilePath",
    "SourceFilename",
    "DestinationFilename",
    "Destination",
    "FileName",
    "fs.path",
];
/// Fields that hold a path, or something else.
const SOMETIMES_PATH: Fields = &["name", "ObjectName", "obj_path"];
const FILE_FOLDER: Fields = &["file.directory"];
const REGISTRY: Fields = &[
    "TargetObject",
    "registry.path",
    "registry_path",
    "RegistryKey",
    "NewName",
    "ObjectName",
];
const REGISTRY_KEY: Fields = &["registry.key", "RegistryKeyPath", "registry_key_path"];
const REGISTRY_DATA: Fields = &[
    "Details",
    "registry.data.strings",
    "RegistryValueData",
    "NewValue",
    "registry_value_data",
];
const REGISTRY_VALUE: Fields = &[
    "registry.value",
    "RegistryValueName",
    "ObjectValueName",
    "registry_value_name",
];

const USER: Fields = &[
    "user.name",
    "User",
    "TargetUserName",
    "SubjectUserName",
    "UserName",
    "AccountName",
    "cs-username",
    "username",
    "acct",
    "login",
    "usrName",
    "user",
    "user.target.name",
    "client.user.name",
    "source.user.name",
    "destination.user.name",
    "SourceUser",
    "TargetUser",
    "ParentUser",
    "duser",
    "suser",
    "user_name",
    "userIdentity.userName",
    "related.user",
    "AccountUpn",
    "user.email",
    "_AUDIT_LOGINUID_NAME",
];
const USER_ID: Fields = &[
    "user.id",
    "TargetUserSid",
    "SubjectUserSid",
    "TargetSid",
    "UserID",
    "uid",
    "auid",
    "_UID",
    "AccountSid",
    "suid",
    "duid",
    "userIdentity.principalId",
    "Sid",
];
const AGENT: Fields = &[
    "user_agent.original",
    "user_agent",
    "http.http_user_agent",
    "http.user_agent",
    "cs-user-agent",
    "cs(User-Agent)",
    "c-useragent",
    "requestClientApplication",
    "http_user_agent",
    "userAgent",
    "useragent",
    "UserAgent",
];

const IP4: Take = Take::Address(Kind::Ipv4);
const IP6: Take = Take::Address(Kind::Ipv6);
const REQUEST: &str = "network-traffic:extensions.http-request-ext.request_header.user-agent";

/// Every path that has a meaning in logs.
#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    row(&["ipv4-addr:value"], IP4, &[SOURCE, DESTINATION, ANSWERS, OTHER_ADDRESS, DESTINATION_NAME]),
    row(&["ipv4-addr:value"], Take::UrlHost(Kind::Ipv4), &[URL]),
    row(&["ipv6-addr:value"], IP6, &[SOURCE, DESTINATION, ANSWERS, OTHER_ADDRESS, DESTINATION_NAME]),
    row(&["ipv6-addr:value"], Take::UrlHost(Kind::Ipv6), &[URL]),
    row(&["domain-name:value"], Take::Domain, &[QUERY, DESTINATION_NAME, DESTINATION, SOURCE_NAME, ANSWERS, OTHER_NAME]),
    row(&["domain-name:value"], Take::UrlHost(Kind::Domain), &[URL]),
    row(&["domain-name:resolves_to_refs.value"], Take::Endpoint, &[ANSWERS]),
    row(&["url:value"], Take::Url, &[URL]),
    row(&["mac-addr:value"], Take::Of(Kind::Mac), &[&[
        "source.mac", "destination.mac", "client.mac", "server.mac", "host.mac", "mac", "smac", "dmac", "MAC",
        "orig_l2_addr", "resp_l2_addr", "ether.src_mac", "ether.dest_mac", "observer.mac", "mac_address"]]),
    row(&["autonomous-system:number"], Take::AsNumber, &[&[
        "source.as.number", "destination.as.number", "client.as.number", "server.as.number", "as.number", "asn", "as_number"]]),
    row(&["autonomous-system:name"], Take::Text, &[&[
        "source.as.organization.name", "destination.as.organization.name", "as.organization.name", "as_org"]]),

    row(&["network-traffic:src_ref.value"], Take::Endpoint, &[SOURCE, SOURCE_NAME]),
    row(&["network-traffic:dst_ref.value"], Take::Endpoint, &[DESTINATION, DESTINATION_NAME]),
    row(&["network-traffic:src_ref.type"], Take::EndpointType, &[SOURCE, SOURCE_NAME]),
    row(&["network-traffic:dst_ref.type"], Take::EndpointType, &[DESTINATION, DESTINATION_NAME]),
    row(&["network-traffic:src_port"], Take::Number, &[&[
        "source.port", "client.port", "SourcePort", "IpPort", "src_port", "srcport", "spt", "SPT", "id.orig_p", "sport",
        "sourcePort", "c-port", "orig_p"]]),
    row(&["network-traffic:dst_port"], Take::Number, &[&[
        "destination.port", "server.port", "DestinationPort", "DestPort", "dest_port", "dst_port", "dstport", "dpt", "DPT",
        "id.resp_p", "dport", "destinationPort", "s-port", "resp_p", "url.port"]]),
    row(&["network-traffic:protocols"], Take::Protocol, &[&[
        "network.transport", "network.protocol", "network.type", "network.application", "Protocol", "proto", "PROTO",
        "app_proto", "service", "app", "transport", "ip_proto"]]),
    row(&["network-traffic:src_byte_count"], Take::Number, &[&[
        "source.bytes", "client.bytes", "orig_bytes", "orig_ip_bytes", "flow.bytes_toserver", "out", "cs-bytes"]]),
    row(&["network-traffic:dst_byte_count"], Take::Number, &[&[
        "destination.bytes", "server.bytes", "resp_bytes", "resp_ip_bytes", "flow.bytes_toclient", "in", "sc-bytes"]]),
    row(&["network-traffic:src_packets"], Take::Number, &[&["source.packets", "orig_pkts", "flow.pkts_toserver"]]),
    row(&["network-traffic:dst_packets"], Take::Number, &[&["destination.packets", "resp_pkts", "flow.pkts_toclient"]]),
    row(&["network-traffic:start"], Take::Time, &[&["event.start", "flow.start", "start"]]),
    row(&["network-traffic:end"], Take::Time, &[&["event.end", "flow.end", "end"]]),
    row(&[REQUEST], Take::Text, &[AGENT]),
    row(&["network-traffic:extensions.http-request-ext.request_header.host"], Take::Endpoint, &[DESTINATION_NAME]),
    row(&["network-traffic:extensions.http-request-ext.request_header.referer"], Take::Text, &[&[
        "http.request.referrer", "referrer", "http.http_refer", "cs-referer", "cs(Referer)"]]),
    row(&["network-traffic:extensions.http-request-ext.request_header.cookie"], Take::Text, &[&["cs-cookie", "cs(Cookie)"]]),
    row(&["network-traffic:extensions.http-request-ext.request_header.content-type"], Take::Text, &[&[
        "http.request.mime_type", "orig_mime_types"]]),
    row(&["network-traffic:extensions.http-request-ext.request_method"], Take::Protocol, &[&[
        "http.request.method", "http.http_method", "method", "cs-method", "requestMethod"]]),
    row(&["network-traffic:extensions.http-request-ext.request_value"], Take::UrlPath, &[URL]),
    row(&["network-traffic:extensions.http-request-ext.request_value"], Take::UrlPath, &[&[
        "url.path", "cs-uri-stem", "request_uri"]]),
    row(&["network-traffic:extensions.http-request-ext.request_version"], Take::Text, &[&[
        "http.version", "cs-version", "http.protocol"]]),
    row(&["network-traffic:extensions.http-request-ext.message_body_length"], Take::Number, &[&[
        "http.request.body.bytes", "request_body_len"]]),
    row(&["network-traffic:x_ja3", "network-traffic:x_ja3_hash"], Take::Of(Kind::Ja3), &[&["tls.client.ja3", "ja3", "tls.ja3.hash", "ja3.hash"]]),
    row(&["network-traffic:x_ja3s"], Take::Of(Kind::Ja3), &[&["tls.server.ja3s", "ja3s", "tls.ja3s.hash"]]),
    row(&["network-traffic:x_ja4"], Take::Of(Kind::Ja4), &[&["tls.client.ja4", "ja4", "tls.ja4"]]),

    row(&["file:name", "email-message:body_multipart.body_raw_ref.name"], Take::BaseName, &[FILE_NAME, FILE_PATH, IMAGE]),
    row(&["file:name"], Take::PathName, &[SOMETIMES_PATH]),
    row(&["file:x_path", "file:x_full_path"], Take::Path, &[FILE_PATH, IMAGE]),
    row(&["file:parent_directory_ref.path", "directory:path"], Take::Folder, &[FILE_PATH, IMAGE, SOMETIMES_PATH]),
    row(&["file:parent_directory_ref.path", "directory:path"], Take::Path, &[FILE_FOLDER]),
    row(&["directory:path"], Take::Path, &[WORKING_FOLDER]),
    row(&["file:hashes.md5"], Take::Hash(Kind::Md5), &[MD5]),
    row(&["file:hashes.sha1"], Take::Hash(Kind::Sha1), &[SHA1]),
    row(&["file:hashes.sha256"], Take::Hash(Kind::Sha256), &[SHA256]),
    row(&["file:hashes.sha512"], Take::Hash(Kind::Sha512), &[SHA512]),
    row(&["file:hashes.imphash", "file:extensions.windows-pebinary-ext.imphash"], Take::Hash(Kind::Imphash), &[IMPHASH]),
    row(&["file:size"], Take::Number, &[&["file.size", "fileinfo.size", "fsize", "seen_bytes", "total_bytes", "FileSize"]]),
    row(&["file:mime_type"], Take::Protocol, &[&[
        "file.mime_type", "mime_type", "resp_mime_types", "http.http_content_type", "rs-content-type", "fileType"]]),

    row(&["process:name", "process:image_ref.name"], Take::BaseName, &[PROCESS_NAME, IMAGE]),
    row(&["process:image_ref", "process:x_image", "process:x_executable"], Take::Path, &[IMAGE]),
    row(&["process:image_ref.parent_directory_ref.path"], Take::Folder, &[IMAGE]),
    row(&["process:image_ref.hashes.md5"], Take::Hash(Kind::Md5), &[IMAGE_HASH, &["process.hash.md5"]]),
    row(&["process:image_ref.hashes.sha1"], Take::Hash(Kind::Sha1), &[IMAGE_HASH, &["process.hash.sha1"]]),
    row(&["process:image_ref.hashes.sha256"], Take::Hash(Kind::Sha256), &[IMAGE_HASH, &["process.hash.sha256"]]),
    row(&["process:image_ref.hashes.imphash", "process:image_ref.extensions.windows-pebinary-ext.imphash"],
        Take::Hash(Kind::Imphash), &[&["Hashes", "process.pe.imphash"]]),
    row(&["process:command_line"], Take::Text, &[COMMAND]),
    row(&["process:arguments"], Take::Text, &[ARGUMENTS]),
    row(&["process:cwd"], Take::Path, &[WORKING_FOLDER]),
    row(&["process:pid"], Take::Number, &[PID]),
    row(&["process:created_time", "process:created"], Take::Time, &[&["process.start"]]),
    row(&["process:parent_ref.name", "process:parent_ref.image_ref.name"], Take::BaseName, &[PARENT_NAME, PARENT_IMAGE]),
    row(&["process:parent_ref.image_ref"], Take::Path, &[PARENT_IMAGE]),
    row(&["process:parent_ref.image_ref.parent_directory_ref.path"], Take::Folder, &[PARENT_IMAGE]),
    row(&["process:parent_ref.image_ref.hashes.md5"], Take::Hash(Kind::Md5), &[PARENT_HASH, &["process.parent.hash.md5"]]),
    row(&["process:parent_ref.image_ref.hashes.sha1"], Take::Hash(Kind::Sha1), &[PARENT_HASH, &["process.parent.hash.sha1"]]),
    row(&["process:parent_ref.image_ref.hashes.sha256"], Take::Hash(Kind::Sha256), &[PARENT_HASH, &["process.parent.hash.sha256"]]),
    row(&["process:parent_ref.command_line"], Take::Text, &[PARENT_COMMAND]),
    row(&["process:parent_ref.pid"], Take::Number, &[PARENT_PID]),
    row(&["process:parent_ref.cwd"], Take::Path, &[&["process.parent.working_directory"]]),
    row(&["process:parent_ref.creator_user_ref.account_login", "process:parent_ref.creator_user_ref.user_id"],
        Take::Login, &[&["ParentUser", "process.parent.user.name"]]),
    row(&["process:extensions.windows-process-ext.integrity_level"], Take::Protocol, &[&["IntegrityLevel"]]),
    row(&["process:extensions.windows-service-ext.service_name"], Take::Text, &[&["ServiceName", "service.name", "param1"]]),
    row(&["process:extensions.windows-service-ext.display_name"], Take::Text, &[&["DisplayName", "ServiceName"]]),

    row(&["windows-registry-key:key"], Take::RegistryKey, &[REGISTRY]),
    row(&["windows-registry-key:key"], Take::Path, &[REGISTRY_KEY]),
    row(&["windows-registry-key:values.name"], Take::BaseName, &[REGISTRY, REGISTRY_VALUE]),
    row(&["windows-registry-key:values.data"], Take::Text, &[REGISTRY_DATA]),
    row(&["windows-registry-key:values.data_type"], Take::Protocol, &[&["registry.data.type"]]),
    row(&["mutex:name"], Take::BaseName, &[&["mutex", "mutant", "mutex_name", "MutexName"]]),

    row(&["user-account:account_login", "user-account:user_id"], Take::Login, &[USER]),
    row(&["user-account:user_id"], Take::Login, &[USER_ID]),
    row(&["user-account:display_name"], Take::Text, &[&["user.full_name", "DisplayName", "AccountDisplayName"]]),

    row(&["email-addr:value"], Take::Email, &[EMAIL_FROM, EMAIL_SENDER, EMAIL_TO, EMAIL_CC, EMAIL_BCC]),
    row(&["email-addr:display_name", "email-message:from_ref.display_name"], Take::DisplayName, &[EMAIL_FROM]),
    row(&["email-message:from_ref.value"], Take::Email, &[EMAIL_FROM]),
    row(&["email-message:sender_ref.value"], Take::Email, &[EMAIL_SENDER, EMAIL_FROM]),
    row(&["email-message:to_refs.value"], Take::Email, &[EMAIL_TO]),
    row(&["email-message:cc_refs.value"], Take::Email, &[EMAIL_CC]),
    row(&["email-message:bcc_refs.value"], Take::Email, &[EMAIL_BCC]),
    row(&["email-message:subject"], Take::Text, &[SUBJECT]),
    row(&["email-message:message_id"], Take::Text, &[&["email.message_id", "msg_id", "message_id", "email.message-id"]]),
    row(&["email-message:date"], Take::Time, &[&["email.origination_timestamp", "email.date"]]),
    row(&["email-message:content_type"], Take::Protocol, &[&["email.content_type"]]),

    row(&["x509-certificate:serial_number"], Take::Of(Kind::X509Serial), &[&[
        "tls.server.x509.serial_number", "tls.client.x509.serial_number", "x509.serial_number", "tls.serial",
        "certificate.serial", "file.x509.serial_number", "CertSerialNumber", "certificate_serial"]]),
    row(&["x509-certificate:hashes.sha1"], Take::Of(Kind::X509Sha1), &[&[
        "tls.server.hash.sha1", "tls.client.hash.sha1", "tls.fingerprint", "CertThumbprint", "cert_sha1",
        "cert_chain_fps", "client_cert_chain_fps"]]),
    row(&["x509-certificate:hashes.sha256"], Take::Of(Kind::X509Sha256), &[&[
        "tls.server.hash.sha256", "tls.client.hash.sha256", "fingerprint", "cert_chain_fps", "cert_sha256",
        "client_cert_chain_fps"]]),
    row(&["x509-certificate:subject"], Take::Text, &[&[
        "tls.server.subject", "tls.server.x509.subject.distinguished_name", "tls.subject", "certificate.subject", "subject"]]),
    row(&["x509-certificate:issuer"], Take::Text, &[&[
        "tls.server.issuer", "tls.server.x509.issuer.distinguished_name", "tls.issuerdn", "certificate.issuer", "issuer"]]),
    row(&["x509-certificate:validity_not_before"], Take::Time, &[&["tls.server.not_before", "tls.server.x509.not_before", "tls.notbefore"]]),
    row(&["x509-certificate:validity_not_after"], Take::Time, &[&["tls.server.not_after", "tls.server.x509.not_after", "tls.notafter"]]),

    row(&["vulnerability:name"], Take::Cves, &[&[
        "vulnerability.id", "cve", "cves", "cve_id", "alert.metadata.cve", "alert.signature", "signature"]]),
    row(&["software:name"], Take::Text, &[&["package.name", "Product", "software.name", "user_agent.name"]]),
    row(&["software:version"], Take::Text, &[&["package.version", "FileVersion", "software.version", "user_agent.version"]]),
    row(&["software:vendor"], Take::Text, &[&["Company", "software.vendor"]]),
    row(&["cryptocurrency-wallet:address"], Take::Text, &[&["wallet", "wallet_address"]]),
    row(&["x-oca-asset:hostname"], Take::Text, &[&["host.name", "host.hostname", "Computer", "hostname", "_HOSTNAME", "dvchost"]]),
    row(&["x-oca-event:code"], Take::Text, &[&["event.code", "EventID", "event_id"]]),
    row(&["x-oca-event:action"], Take::Text, &[&["event.action", "action", "act"]]),
    row(&["x-oca-event:provider"], Take::Text, &[&["event.provider", "Provider_Name"]]),
];
