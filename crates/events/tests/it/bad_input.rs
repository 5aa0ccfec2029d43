//! Input that is broken or hostile: told with its place, all else read, memory bounded.

use std::io::Read;
use std::ops::ControlFlow;

use perisai_events::{Block, Input, Limits, ReadOptions, Sink, read};
use perisai_model::{Place, Position, Problem};
use proptest::prelude::*;

use crate::containers::{bz2, gz, lines, lz4, tar, xz, zip, zstd};
use crate::{file, small, stream};

#[test]
fn truncated_files_give_what_is_left() {
    let mut noise = 1_u32;
    let text: String = (0..20_000)
        .map(|line| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            format!("line {line} {noise:x}\n")
        })
        .collect();
    let check = |packed: Vec<u8>, least: usize| {
        let found = file(&packed[..packed.len() * 3 / 4], &ReadOptions::default());
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
        assert!(found.problems[0].contains(':'), "{:?}", found.problems);
        assert!(
            found.items.len() > least,
            "{}: {:?}",
            found.items.len(),
            found.problems
        );
        for (item, line) in found.texts().iter().zip(text.lines()).take(least) {
            assert_eq!(*item, line);
        }
    };
    check(gz(text.as_bytes()), 12_000);
    check(lz4(text.as_bytes()), 6_000);
    check(zstd(text.as_bytes()), 1_000);
    check(xz(text.as_bytes()), 1_000);
    check(tar(&[("a.log", text.as_bytes())]), 14_000);
}

#[test]
fn no_cut_goes_unnoticed() {
    let text = lines();
    for pack in [gz, zstd, xz, bz2, lz4] {
        let packed = [pack(text.as_bytes()), pack(text.as_bytes())].concat();
        // Behind the first member all is whole.
        let whole = packed.len() / 2;
        // Of its first bytes alone no one can tell what it was.
        for end in (16..packed.len()).filter(|end| *end != whole) {
            let found = file(&packed[..end], &ReadOptions::default());
            assert_eq!(
                found.problems.len(),
                1,
                "{end} of {}: {:?}",
                packed.len(),
                found.problems
            );
            assert!(found.items.len() >= if end > whole { 60 } else { 0 }, "{end}");
        }
        assert_eq!(file(&packed, &ReadOptions::default()).items.len(), 120);
    }
}

#[test]
fn what_stands_behind_packed_data_is_searched_and_told() {
    let text = lines();
    for pack in [gz, zstd, xz, bz2, lz4] {
        let packed = pack(text.as_bytes());
        let check = |behind: &[u8], more: usize, expected: &[&str]| {
            for found in [
                file(&[&packed, behind].concat(), &ReadOptions::default()),
                stream(&[&packed, behind].concat(), &small()),
            ] {
                assert_eq!(found.items.len(), 60 + more);
                assert_eq!(found.problems, expected, "{behind:?}");
            }
        };
        let garbage = ["f: something else behind the end of the packed data: \
            searched as it stands, with lines of its own"];
        check(b"", 0, &[]);
        check(&[0; 700], 0, &[]);
        check(b"visit evil.com\nnow", 2, &garbage);
        check(b"\x00x", 1, &garbage);
        check(b"\x1fgarbage that is long enough", 1, &garbage);
        check(&packed, 60, &[]);
        check(&[&[0; 7], packed.as_slice()].concat(), 60, &[]);
        check(
            &zip(&[("a", b"1\n2")], zip::CompressionMethod::Stored),
            2,
            &garbage,
        );
        check(&packed[..2], 0, &["f:61: ends too early (truncated)"]);
    }
}

#[test]
fn other_encodings_in_one_file_are_read() {
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let check = |parts: &[&[u8]], lines: usize| {
        for found in [
            file(&parts.concat(), &small()),
            stream(&parts.concat(), &ReadOptions::default()),
        ] {
            assert_eq!(found.problems, [""; 0]);
            assert_eq!(found.texts().len(), lines);
            assert!(
                found.texts()[..lines - 1]
                    .iter()
                    .all(|line| line.is_empty() || *line == "ok")
            );
            assert_eq!(found.texts()[lines - 1], "visit evil.com now");
        }
    };
    let plain = b"visit evil.com now\n".as_slice();
    let oks = "ok\r\n".repeat(30_000);
    check(&[b"\xff\xfe", &wide(&oks), plain], 30_001);
    check(&[oks.as_bytes(), &wide("visit evil.com now\r\n")], 30_001);
    check(
        &[oks.as_bytes(), b"\xff\xfe", &wide("visit evil.com now\r\n")],
        30_001,
    );
    // An odd byte among them, and behind it the other order and a mark.
    let more = "visit evil.com now\r\n";
    for odd in [&b"\n"[..], b"ok\n", b"ok\r\nok\n", b"\r\n\n"] {
        let count = odd.iter().filter(|byte| **byte == b'\n').count();
        check(&[b"\xff\xfe", &wide(&oks), odd, &wide(more)], 30_001 + count);
        check(&[&wide(&oks), odd, &wide(more)], 30_001 + count);
        let marked = wide(&format!("\u{feff}{more}"));
        check(&[&wide(&oks), odd, &marked], 30_001 + count);
    }
    let big: Vec<u8> = "\u{feff}visit evil.com now"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    check(&[b"\xff\xfe", &wide(&oks), &big], 30_001);
    let widest = |text: &str, unit: fn(u32) -> [u8; 4]| -> Vec<u8> {
        text.chars().flat_map(|letter| unit(letter.into())).collect()
    };
    for unit in [u32::to_le_bytes, u32::to_be_bytes] {
        check(
            &[&widest(&format!("\u{feff}{oks}visit evil.com now"), unit)],
            30_001,
        );
    }
    check(&[b"\xff\xfe", oks.as_bytes(), plain], 30_001);
    check(&[b"\xfe\xff", oks.as_bytes(), plain], 30_001);
}

#[test]
fn what_stands_behind_a_tar_is_read_or_told() {
    let (one, two) = (tar(&[("a.log", b"one")]), tar(&[("b.log", b"two")]));
    let check = |bytes: &[u8], expected: &[&str], problems: usize| {
        for found in [
            file(bytes, &ReadOptions::default()),
            stream(bytes, &ReadOptions::default()),
        ] {
            assert_eq!(found.texts(), expected);
            assert_eq!(found.problems.len(), problems, "{:?}", found.problems);
        }
    };
    check(&[one.as_slice(), &two].concat(), &["one", "two"], 0);
    check(&[gz(&one), gz(&two)].concat(), &["one", "two"], 0);
    check(&[one.as_slice(), &[0; 9216], &two].concat(), &["one", "two"], 0);
    check(
        &gz(&[one.as_slice(), &[0; 9216], &two].concat()),
        &["one", "two"],
        0,
    );
    check(&[one.as_slice(), &[0; 9216]].concat(), &["one"], 0);
    check(
        &[one.as_slice(), &b"visit evil.com now\n".repeat(2)].concat(),
        &["one", "visit evil.com now", "visit evil.com now"],
        1,
    );
}

#[test]
fn a_broken_member_does_not_end_the_archive() {
    let text = lines();
    let mut broken = gz(text.as_bytes());
    let middle = broken.len() / 2;
    broken[middle..].fill(0x55);
    let packed = tar(&[("a.gz", &broken), ("b.bz2", &bz2(text.as_bytes()))]);
    let found = file(&packed, &ReadOptions::default());
    assert_eq!(found.problems.len(), 1);
    assert!(found.problems[0].starts_with("f!a.gz"), "{:?}", found.problems);
    let of_b = found
        .items
        .iter()
        .filter(|(member, _, _)| member.as_deref() == Some("b.bz2"));
    assert_eq!(of_b.count(), 60);
}

#[test]
fn a_broken_part_does_not_hide_those_behind_it() {
    let text = lines();
    for pack in [gz, zstd, xz, bz2, lz4] {
        let sound = pack(text.as_bytes());
        for at in [sound.len() / 2, sound.len() - 5] {
            let mut broken = sound.clone();
            broken[at] ^= 0x55;
            for count in 1..3 {
                let packed = [sound.clone(), broken.clone(), sound.repeat(count)].concat();
                let found = file(&packed, &ReadOptions::default());
                assert!(
                    found.items.len() >= 60 * (count + 1),
                    "{at}: {:?}",
                    found.problems
                );
                // Some formats have no sums: there the damage is in a line.
                let damaged = found.texts().iter().any(|line| !text.contains(line));
                assert!(damaged || !found.problems.is_empty(), "{at}");
            }
        }
    }
    // Beginnings without end cost little.
    let flood = [gz(b"one\n"), b"\x1f\x8b\x08".repeat(1 << 20)].concat();
    assert!(file(&flood, &ReadOptions::default()).problems.len() <= 1024);
}

#[test]
fn a_zip_without_its_directory_is_read_in_order() {
    let text = lines();
    let packed = zip(
        &[("a.log", text.as_bytes()), ("b.log", text.as_bytes())],
        zip::CompressionMethod::Stored,
    );
    let found = file(&packed[..packed.len() - 120], &ReadOptions::default());
    assert!(found.items.len() >= 60, "{:?}", found.problems);
    assert!(!found.problems.is_empty());
}

#[test]
fn encrypted_members_are_told() {
    let text = lines();
    let mut packed = zip(
        &[("a.log", text.as_bytes()), ("b.log", text.as_bytes())],
        zip::CompressionMethod::Stored,
    );
    // The flag stands in the local header and in the directory.
    packed[6] |= 1;
    let directory = packed
        .windows(4)
        .position(|magic| magic == b"PK\x01\x02")
        .unwrap();
    packed[directory + 8] |= 1;
    let found = file(&packed, &ReadOptions::default());
    assert_eq!(found.problems.len(), 1);
    assert!(found.problems[0].starts_with("f!a.log: "), "{:?}", found.problems);
    assert_eq!(found.items.len(), 60);
}

#[test]
fn logs_that_only_begin_like_containers_are_searched() {
    let mut tar = vec![b'x'; 257];
    tar.extend(b"ustar");
    tar.extend([b'x'; 300]);
    let magics: [&[u8]; 8] = [
        b"\x1f\x8b\x08",
        b"\x28\xb5\x2f\xfd",
        b"\xfd7zXZ\0",
        b"\x04\x22\x4d\x18",
        b"BZh91AY&SY",
        b"PK\x03\x04",
        b"PK\x05\x06",
        &tar,
    ];
    for magic in magics {
        let log = [magic, b" GET /\n", lines().as_bytes()].concat();
        let found = file(&log, &ReadOptions::default());
        assert_eq!(found.items.len(), 61, "{magic:?} {:?}", found.problems);
        let told = found
            .problems
            .iter()
            .any(|why| why.ends_with("searched as it stands"));
        assert!(told, "{magic:?} {:?}", found.problems);
    }
}

#[test]
fn bombs_are_told() {
    let mut zeros = vec![b'0'; 200 << 20];
    zeros.iter_mut().step_by(1 << 16).for_each(|byte| *byte = b'\n');
    let check = |packed: Vec<u8>, limits: Limits, why: &str| {
        let options = ReadOptions {
            limits,
            ..ReadOptions::default()
        };
        let found = file(&packed, &options);
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
        assert!(found.problems[0].contains(why), "{:?}", found.problems);
        assert!(found.largest <= 1 << 20);
    };
    let ratio = |ratio| Limits {
        ratio,
        ..Limits::default()
    };
    let packed = gz(&zeros);
    check(packed.clone(), ratio(500), "more than 500 times");
    check(
        zip(&[("z", &zeros)], zip::CompressionMethod::Deflated),
        ratio(500),
        "more than 500 times",
    );
    let unpacked = Limits {
        unpacked: 1 << 20,
        ..Limits::default()
    };
    check(packed, unpacked, "more than 1048576 bytes");
}

#[test]
fn an_endless_line_is_searched_in_pieces() {
    let mut text = b"first\n".to_vec();
    text.extend(b"evil.example ".repeat(1000));
    text.extend(b"\nlast\n");
    for found in [file(&text, &small()), stream(&text, &small())] {
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
        assert!(
            found.problems[0].starts_with("f:2: a line of more than"),
            "{:?}",
            found.problems
        );
        assert!(found.largest <= 1024);
        let whole: usize = found
            .texts()
            .iter()
            .map(|text| text.matches("evil.example").count())
            .sum();
        assert_eq!(whole, 1000);
        assert_eq!(
            found.items.last().unwrap(),
            &(None, Position::Line(3), "last".to_owned())
        );
    }
}

/// Keeps nothing but counts.
#[derive(Default)]
struct Weigh {
    spare: Vec<u8>,
    bytes: u64,
    largest: usize,
    problems: usize,
}

impl Sink for Weigh {
    fn buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.spare)
    }

    fn block(&mut self, block: Block) -> ControlFlow<()> {
        self.bytes += block.bytes.len() as u64;
        self.largest = self.largest.max(block.bytes.capacity());
        self.spare = block.bytes;
        ControlFlow::Continue(())
    }

    fn problem(&mut self, _: Problem) {
        self.problems += 1;
    }
}

#[test]
fn a_huge_line_takes_bounded_memory() {
    let size = 300 << 20;
    for begin in ["", "[{\"a\":\"", "<Events><Event><System>"] {
        let mut weigh = Weigh::default();
        let mut endless = begin.as_bytes().chain(std::io::repeat(b'a').take(size));
        let input = Input::Stream(&mut endless);
        read(Place::file("f"), None, input, &ReadOptions::default(), &mut weigh);
        assert_eq!(weigh.bytes, size + begin.len() as u64);
        assert!(weigh.largest <= 32 << 20, "{}", weigh.largest);
        // Told where it begins; and, for records, that it never ends.
        assert!((1..=2).contains(&weigh.problems), "{}", weigh.problems);
    }
}

#[test]
fn headers_without_end_cost_little() {
    let text: String = (0..40_000).map(|at| format!("#Fields: a{at} b\n1 2\n")).collect();
    let found = file(text.as_bytes(), &ReadOptions::default());
    assert_eq!(found.items.len(), 80_000);
    assert_eq!(found.events.len(), 40_000);
    assert!(found.events[9_998].1.get("a9998").is_some());
    assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
}

#[test]
fn binaries_are_searched_without_complaint() {
    let mut bytes = b"\x7fELF".to_vec();
    bytes.extend([0; 3000]);
    bytes.extend(b"http://evil.example/x\0");
    bytes.extend([0; 3000]);
    let found = file(&bytes, &small());
    assert_eq!(found.problems, Vec::<String>::new());
    assert!(
        found
            .texts()
            .iter()
            .any(|text| text.contains("http://evil.example/x"))
    );
    assert!(found.largest <= 256);
}

#[test]
fn fields_beyond_the_limit_are_told_once_a_file() {
    let check = |count: usize, problems: &[&str]| {
        let fields: Vec<String> = (0..count).map(|number| format!("\"k{number}\":1")).collect();
        let record = format!("{{{}}}\n", fields.join(","));
        let found = file(record.repeat(3).as_bytes(), &ReadOptions::default());
        assert_eq!(found.problems, problems);
        assert_eq!(found.events.len(), 3);
    };
    check(4000, &[]);
    check(
        5000,
        &["f: has records of 4096 fields or more: rules do not see those beyond"],
    );
}

#[test]
fn the_first_lines_do_not_hide_the_fields_of_the_others() {
    let web = "10.0.0.1 - - [01/Jan/2026:00:00:05 +0000] \"GET /evil.php HTTP/1.1\" 200 5\n";
    let sshd = "Jan  1 00:00:05 h sshd[1]: Accepted password for root\n";
    let check = |first: &str, line: &str, format: &str| {
        for options in [ReadOptions::default(), small()] {
            let found = file(format!("{first}{}", line.repeat(50)).as_bytes(), &options);
            let read = found.events.iter().filter(|(_, event)| event.format == format);
            assert_eq!(read.count(), 50, "{first:.20}");
        }
    };
    check(&"{\"a\":1}\n".repeat(70), web, "web");
    check("#fields\ta\tb\n", sshd, "syslog");
    check(&"CEF:0|a|b|c|d|e|f|x=1\n".repeat(64), sshd, "syslog");
    check(&"some words\n".repeat(64), web, "web");
    check(&web.repeat(64), sshd, "syslog");
}

#[test]
fn an_event_log_without_chunks_is_told() {
    let header = |chunks: u8| {
        let mut header = vec![0; 4096];
        header[..8].copy_from_slice(b"ElfFile\0");
        header[42] = chunks;
        header
    };
    let check = |bytes: &[u8], expected: &[&str]| {
        assert_eq!(file(bytes, &ReadOptions::default()).problems, expected);
    };
    let truncated = ["f: ends before its first chunk (truncated): nothing to search"];
    check(b"ElfFile\0", &truncated);
    check(&header(0)[..40], &truncated);
    check(&header(1)[..4095], &truncated);
    check(&header(1), &truncated);
    check(&header(0), &[]);
    let mut chunk = vec![0; 64 << 10];
    chunk[..8].copy_from_slice(b"ElfChnk\0");
    let told = file(&[header(3), chunk].concat(), &ReadOptions::default()).problems;
    let last = told.last().map(String::as_str);
    assert_eq!(
        last,
        Some("f: ends too early (truncated): 1 of its 3 chunks are here")
    );
}

#[test]
fn a_truncated_export_is_told() {
    let found = file(br#"[{"a":1},{"a":2},{"a":"#, &ReadOptions::default());
    assert_eq!(found.problems, ["f#3: ends in the middle of a record"]);
    assert_eq!(found.events.len(), 2);
    assert_eq!(found.items.len(), 3);
}

#[test]
fn a_record_over_the_limit_is_searched_in_pieces() {
    let long = "evil.example ".repeat(500);
    let text = format!(r#"[{{"a":1}},{{"a":"{long}"}},{{"a":3}}]"#);
    let found = file(text.as_bytes(), &small());
    assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
    let whole: usize = found
        .texts()
        .iter()
        .map(|text| text.matches("evil.example").count())
        .sum();
    assert_eq!(whole, 500);
    assert_eq!(
        found.events.last().unwrap().1.get("a"),
        Some(perisai_model::Value::Int(3))
    );
    assert_eq!(found.events.last().unwrap().0, Position::Record(3));
}

#[test]
fn empty_inputs_are_streams_without_blocks() {
    let found = file(b"", &ReadOptions::default());
    assert_eq!(
        (found.streams.len(), found.blocks, found.problems.len()),
        (1, 0, 0)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every byte of a text comes out again, in order, whatever the text; but for blanks, which may stand between
    /// records.
    #[test]
    fn no_byte_is_lost(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b' '), 0..0xff_u8], 0..4000)) {
        // Without 0xff there is no byte order mark, behind which UTF-16 may stand.
        prop_assume!(!bytes.starts_with(b"\x1f\x8b") && !bytes.starts_with(b"\xef\xbb\xbf"));
        let found = file(&bytes, &small());
        let again: String = found.texts().concat();
        let expected = String::from_utf8_lossy(&bytes);
        let strip = |text: &str| text.replace([' ', '\n', '\r', '\u{fffd}'], "");
        prop_assert_eq!(strip(&again), strip(&expected));
    }

    /// Damaged containers never panic.
    #[test]
    fn damage_never_panics(which in 0..7_usize, at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<prop::sample::Index>()) {
        let text = lines();
        let members: [(&str, &[u8]); 2] = [("a", text.as_bytes()), ("b", text.as_bytes())];
        let mut packed = match which {
            0 => gz(text.as_bytes()),
            1 => zstd(text.as_bytes()),
            2 => xz(text.as_bytes()),
            3 => bz2(text.as_bytes()),
            4 => lz4(text.as_bytes()),
            5 => tar(&members),
            _ => zip(&members, zip::CompressionMethod::Deflated),
        };
        let at = at.index(packed.len());
        packed[at] ^= 1_u8 << bit;
        let _ = file(&packed, &small());
        packed.truncate(cut.index(packed.len()));
        let _ = stream(&packed, &small());
    }
}
