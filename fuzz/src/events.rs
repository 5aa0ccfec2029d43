//! Logs: whatever comes in is read to its end, all fields and times of every line.

use std::ops::ControlFlow;
use std::sync::Arc;

use perisai_events::{Block, Input, Limits, ReadOptions, Sink, Stream, read};
use perisai_model::{Event, Place, Problem};

/// A line of each format, as `examples/` has it; enough of them make the reader take what follows for the same.
const LINES: &[(&str, &str)] = &[
    (
        "json",
        r#"{"@timestamp":"2022-02-23T05:02:00.000Z","host":{"name":"a"},"n":[1,2.5,true,null]}"#,
    ),
    (
        "zeek",
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#fields\tts\tid.orig_h\tquery\tanswers\n#types\ttime\taddr\tstring\tvector[string]",
    ),
    (
        "eve",
        r#"{"timestamp":"2022-02-23T05:02:02.000+0000","event_type":"tls","src_ip":"192.0.2.1","tls":{"sni":"a.example"}}"#,
    ),
    (
        "syslog_3164",
        "<22>Feb 23 04:12:40 mx1 postfix/qmgr[901]: 4Jz: from=<a@example.org>, size=48211",
    ),
    (
        "syslog_5424",
        r#"<86>1 2022-02-23T06:01:20.000Z vpn1 sslvpnd 771 AUTH [auth@32473 user="x" src="192.0.2.1"] text"#,
    ),
    (
        "cef",
        r"CEF:0|Rivenia|Gate|7.1|100|traffic allow|3|rt=1645594880000 src=192.0.2.1 dst=192.0.2.2 cs1Label=policy cs1=a\=b",
    ),
    (
        "leef",
        "LEEF:2.0|Rivenia|Waf|3.2|request|^|devTime=2022-02-23T05:31:40.000Z^src=192.0.2.1^url=https://a.example/",
    ),
    (
        "cri",
        r#"2022-02-24T00:43:50.000Z stdout F {"msg":"upload refused","peer":"192.0.2.1"}"#,
    ),
    (
        "logfmt",
        r#"time=2022-02-24T00:43:50.000Z level=warn msg="upload refused" peer=192.0.2.1"#,
    ),
    (
        "auditd",
        r#"type=EXECVE msg=audit(1645663270.000:2900): argc=2 a0="curl" a1=2F746D70"#,
    ),
    (
        "journald",
        r#"{"__REALTIME_TIMESTAMP":"1645663270000000","_HOSTNAME":"a","MESSAGE":"x","SYSLOG_IDENTIFIER":"sshd"}"#,
    ),
    (
        "csv",
        "timestamp,client_ip,query\n2022-02-23T05:02:00Z,192.0.2.1,a.example",
    ),
    (
        "web",
        r#"192.0.2.1 - - [23/Feb/2022:05:31:02 +0000] "GET /a?b=c HTTP/1.1" 200 12 "https://a.example/" "Mozilla/5.0""#,
    ),
    (
        "w3c",
        "#Software: x\n#Version: 1.0\n#Date: 2022-02-23 04:00:00\n#Fields: date time c-ip cs-method cs-uri-stem\n2022-02-23 05:31:02 192.0.2.1 GET /a",
    ),
    (
        "winxml",
        r#"<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="a"/><EventID>1</EventID><TimeCreated SystemTime="2022-02-23T04:06:23.000Z"/><Channel>Security</Channel><Computer>b</Computer></System><EventData><Data Name="Image">c</Data></EventData></Event>"#,
    ),
    (
        "winjson",
        r#"{"EventTime":"2022-02-23T04:06:23.000Z","Channel":"Security","SourceName":"a","EventID":4688,"Hostname":"b","NewProcessName":"c"}"#,
    ),
    (
        "named",
        "23-Feb-2022 05:02:00.123 queries: info: client @0x7f 192.0.2.1#53 (a.example): query: a.example IN A +E(0)K (192.0.2.2)",
    ),
    (
        "netfilter",
        "Feb 23 04:12:40 gw1 kernel: [UFW BLOCK] IN=eth0 OUT= MAC=00:11 SRC=192.0.2.1 DST=192.0.2.2 LEN=60 PROTO=TCP SPT=1 DPT=2 SYN",
    ),
    (
        "paloalto",
        "<14>Feb 23 04:12:40 fw1 1,2022/02/23 04:12:40,0128,THREAT,url,2562,2022/02/23 04:12:40,192.0.2.1,192.0.2.2,0.0.0.0,0.0.0.0,r,,,ssl,vsys1,a,b,e1,e2,c,2022/02/23 04:12:40,8,1,44557,443,0,0,0x19,tcp,allow,\"a.example/\"",
    ),
    (
        "windns",
        "2/23/2022 5:02:00 AM 0E70 PACKET  000000000264F1D0 UDP Rcv 192.0.2.1 4a5b   Q [0001   D   NOERROR] A (1)a(7)example(0)",
    ),
    (
        "squid",
        "1645590667.000    512 192.0.2.1 TCP_MISS/200 1474560 GET https://a.example/b m.doru HIER_DIRECT/192.0.2.2 text/html",
    ),
    (
        "powershell",
        "**********************\nWindows PowerShell transcript start\nStart time: 20220223052210\nMachine: A\n**********************",
    ),
];

/// How many lines decide on the format.
const VOTERS: usize = 64;

/// Reads bytes as a file.
pub fn any(data: &[u8]) {
    let mut file = std::io::Cursor::new(data);
    run(Input::Seekable(&mut file), 0);
    let mut stream = data;
    run(Input::Stream(&mut stream), 0);
}

/// Reads bytes as further lines of a log of a format.
///
/// # Panics
/// Where no such format stands in the table.
pub fn lines_of(format: &str, data: &[u8]) {
    let (_, sample) = LINES
        .iter()
        .find(|(name, _)| *name == format)
        .expect("a format of the table");
    let mut bytes = Vec::with_capacity(data.len() + 64 * 1024);
    let last = sample.lines().last().expect("a sample has lines");
    bytes.extend_from_slice(sample.as_bytes());
    bytes.push(b'\n');
    if !last.starts_with('#') {
        for _ in 0..VOTERS {
            bytes.extend_from_slice(last.as_bytes());
            bytes.push(b'\n');
        }
    }
    let skipped = bytes.iter().filter(|byte| **byte == b'\n').count();
    bytes.extend_from_slice(data);
    let mut stream = bytes.as_slice();
    run(Input::Stream(&mut stream), skipped);
}

fn run(input: Input<'_>, skipped: usize) {
    let options = ReadOptions {
        limits: Limits {
            line: 16 << 10,
            buffered: 1 << 20,
            ratio: 100,
            unpacked: 4 << 20,
            depth: 3,
            block: 32 << 10,
        },
        ..ReadOptions::default()
    };
    let mut everything = Everything {
        event: Event::default(),
        skipped,
        problems: 0,
    };
    read(Place::file("fuzz"), None, input, &options, &mut everything);
}

/// Reads all that can be read of a block.
struct Everything {
    event: Event,
    /// Lines at the beginning that are not worth reading again and again.
    skipped: usize,
    problems: u64,
}

impl Sink for Everything {
    fn buffer(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn stream(&mut self, _stream: &Arc<Stream>) {}

    fn block(&mut self, block: Block) -> ControlFlow<()> {
        let mut cursor = block.cursor();
        for (position, range) in block.items() {
            if self.skipped > 0 {
                self.skipped -= 1;
                continue;
            }
            assert!(range.end <= block.bytes.len());
            if !range.is_empty() {
                let located = cursor.locate(range.start);
                assert_eq!(located, Some((position, range.clone())));
            }
            let (mut out, mut stood) = (Vec::new(), Vec::new());
            block.retell(range.clone(), &mut out, &mut stood);
            for (from, within) in stood {
                assert!(from < out.len() && within.end <= range.len());
            }
            block.fields(range, &mut self.event);
            serde_json::to_string(&self.event).expect("an event is JSON");
        }
        let problems = &mut self.problems;
        block.each_event(
            &mut self.event,
            &mut |_, event| drop(serde_json::to_string(event).expect("an event is JSON")),
            &mut |_| *problems += 1,
        );
        ControlFlow::Continue(())
    }

    fn problem(&mut self, _problem: Problem) {
        self.problems += 1;
    }
}
