//! Round trips: what is packed here must come out whole, from a file and from standard input.

use std::io::{Cursor, Write};

use perisai_events::ReadOptions;
use perisai_model::Position;
use zip::write::SimpleFileOptions;

use crate::{Found, file, small, stream};

/// Sixty lines, more than one block.
pub(crate) fn lines() -> String {
    (1..=60)
        .map(|line| format!("line {line} of a log with some words\n"))
        .collect()
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn bz2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn lz4(bytes: &[u8]) -> Vec<u8> {
    let info = lz4_flex::frame::FrameInfo::new().block_size(lz4_flex::frame::BlockSize::Max64KB);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_767_225_600);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(crate) fn zip(members: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Checks that the packed bytes hold the sixty lines at each of the members, and nothing is amiss.
fn check(packed: &[u8], members: &[Option<&str>]) {
    let one = |found: Found| {
        assert_eq!(found.problems, Vec::<String>::new());
        let expected: Vec<_> = members
            .iter()
            .flat_map(|member| {
                let text = lines();
                let lines: Vec<String> = text.lines().map(str::to_owned).collect();
                lines
                    .into_iter()
                    .zip(1..)
                    .map(|(line, number)| (member.map(str::to_owned), Position::Line(number), line))
            })
            .collect();
        assert_eq!(found.items, expected);
        assert_eq!(found.streams.len(), members.len());
    };
    one(file(packed, &small()));
    one(stream(packed, &small()));
    one(file(packed, &ReadOptions::default()));
}

#[test]
fn compressed_files() {
    let text = lines();
    let plain = text.as_bytes();
    check(plain, &[None]);
    for pack in [gz, zstd, xz, bz2, lz4] {
        check(&pack(plain), &[None]);
        // Two members or frames behind each other are one stream.
        let (one, other) = plain.split_at(700);
        check(&[pack(one), pack(other)].concat(), &[None]);
        check(&gz(&pack(plain)), &[None]);
    }
}

#[test]
fn archives() {
    let text = lines();
    let members: [(&str, &[u8]); 2] = [("a.log", text.as_bytes()), ("d/b.log", text.as_bytes())];
    let names = [Some("a.log"), Some("d/b.log")];
    check(&tar(&members), &names);
    for pack in [gz, zstd, xz, bz2, lz4] {
        check(&pack(&tar(&members)), &names);
    }
    for method in [
        zip::CompressionMethod::Stored,
        zip::CompressionMethod::Deflated,
        zip::CompressionMethod::Zstd,
        zip::CompressionMethod::Bzip2,
    ] {
        check(&zip(&members, method), &names);
    }
}

#[test]
fn tar_of_the_oldest_kind() {
    let text = lines();
    let mut header = tar::Header::new_old();
    header.set_size(text.len() as u64);
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append_data(&mut header, "old.log", text.as_bytes())
        .unwrap();
    check(&builder.into_inner().unwrap(), &[Some("old.log")]);
}

#[test]
fn tar_members_of_any_kind() {
    let text = lines();
    let of_kind = |kind: u8, member: bool| {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind) in [("a.log", b'0'), ("b.log", kind)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_entry_type(tar::EntryType::new(kind));
            builder.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        let names = [Some("a.log"), Some("b.log")];
        check(&builder.into_inner().unwrap(), &names[..1 + usize::from(member)]);
    };
    b"07Z\0VM1256D".iter().for_each(|kind| of_kind(*kind, true));
    of_kind(b'g', false);
}

#[test]
fn archives_in_archives() {
    let text = lines();
    let inner = zip(&[("in.log", text.as_bytes())], zip::CompressionMethod::Deflated);
    let packed = gz(text.as_bytes());
    let outer = gz(&tar(&[("z.zip", &inner), ("p.gz", &packed)]));
    check(&outer, &[Some("z.zip!in.log"), Some("p.gz")]);
}

#[test]
fn nesting_has_an_end() {
    let mut packed = gz(b"deep");
    for _ in 0..5 {
        packed = gz(&packed);
    }
    let found = file(&packed, &ReadOptions::default());
    assert_eq!(found.problems, ["f: archives nested deeper than 4: not unpacked"]);
}

#[test]
fn what_cannot_be_unpacked_is_told() {
    let check = |head: &[u8], expected: &[&str]| {
        let found = file(&[head, b" evil.example \0\0"].concat(), &ReadOptions::default());
        assert_eq!(found.problems, expected, "{head:?}");
        assert_eq!(found.items.len(), 1, "{head:?}");
    };
    check(
        b"7z\xbc\xaf\x27\x1c\0\x04",
        &["f: 7z is not unpacked here: searched as it stands"],
    );
    let lzma = "f: lzma is not unpacked here: searched as it stands";
    let unknown = [0xff; 8];
    let known = 1000_u64.to_le_bytes();
    // As `xz --format=lzma` and LZMA's own tool write, by several presets.
    for dictionary in [1_u32 << 12, 3 << 19, 1 << 23, 1 << 26, u32::MAX] {
        for size in [unknown, known] {
            check(&[&[0x5d][..], &dictionary.to_le_bytes(), &size].concat(), &[lzma]);
        }
    }
    check(&[&[0x5d][..], &[1; 4], &unknown].concat(), &[]);
    check(&[&[0x5d, 0, 0, 0x80, 0][..], &[0x7f; 8]].concat(), &[]);
    check(b"\x5d\0\0\x80\0", &[]);
    check(
        b"LPKSHHRH\0\0\0\0",
        &[
            "f: a systemd journal is not read here: export it with `journalctl --file F -o json`; searched as it stands",
        ],
    );
}

/// A zip whose headers leave the sizes to what stands behind the data, as one that is written to a pipe.
fn piped(members: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut writer = zip::ZipWriter::new_stream(&mut packed);
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap();
    packed
}

/// Where the last of such a header begins.
fn last(packed: &[u8], magic: &[u8]) -> usize {
    packed.windows(4).rposition(|bytes| bytes == magic).unwrap()
}

const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";

/// Checks the members that have a line, in order, and what is told.
fn check_lines(packed: &[u8], expected: &[(&str, &str)], problems: &[&str]) {
    let found = file(packed, &ReadOptions::default());
    let lines: Vec<_> = found
        .items
        .iter()
        .map(|(member, _, text)| (member.as_deref().unwrap_or_default(), text.as_str()))
        .collect();
    assert_eq!(lines, expected, "{:?}", found.problems);
    assert_eq!(found.problems, problems);
}

#[test]
fn a_zips_directory_hides_nothing() {
    const ALL: [(&str, &str); 2] = [("a", "one"), ("b", "two")];
    const UNLISTED: &str = "f: its directory does not list all members: ";
    let members: [(&str, &[u8]); 2] = [("a", b"one"), ("b", b"two")];
    for method in [
        zip::CompressionMethod::Stored,
        zip::CompressionMethod::Deflated,
        zip::CompressionMethod::Zstd,
    ] {
        for packed in [zip(&members, method), piped(&members, method)] {
            let end = last(&packed, END);
            let with = |at: usize, bytes: &[u8]| {
                let mut packed = packed.clone();
                packed[at..at + bytes.len()].copy_from_slice(bytes);
                packed
            };
            check_lines(&packed, &ALL, &[]);
            // Its end record: the counts, the size, the offset.
            let miscounted = |counted: u8| {
                format!("f: its end record counts {counted} members, its directory lists others too")
            };
            check_lines(&with(end + 8, &[0; 4]), &ALL, &[&miscounted(0)]);
            check_lines(&with(end + 8, &[1, 0, 1, 0]), &ALL, &[&miscounted(1)]);
            check_lines(&with(end + 12, &[0; 4]), &ALL, &[]);
            check_lines(&with(end + 16, &[0; 4]), &ALL, &[]);
            let none = with(end + 8, &[0; 12]);
            check_lines(&none, &ALL, &[&format!("{UNLISTED}2 more, read as they stand")]);
            // No directory at all.
            let cut = &packed[..last(&packed, CENTRAL)];
            let told = "f: no directory at its end (truncated?): its members are read as they stand";
            check_lines(cut, &ALL, &[told]);
            // Only the second of two is listed.
            let mut short = packed[..end].to_vec();
            let first = packed.windows(4).position(|bytes| bytes == CENTRAL).unwrap();
            short.drain(first..last(&packed, CENTRAL));
            short.extend(&packed[end..]);
            let at = last(&short, END);
            let size = u32::try_from(at - first).unwrap();
            short[at + 8..at + 12].copy_from_slice(&[1, 0, 1, 0]);
            short[at + 12..at + 16].copy_from_slice(&size.to_le_bytes());
            let other = [ALL[1], ALL[0]];
            check_lines(
                &short,
                &other,
                &[&format!("{UNLISTED}1 more, read as they stand")],
            );
            // Two archives behind each other, and one behind something else.
            let more = zip(&[("c", b"three")], method);
            let joined = [&packed[..], &more].concat();
            let all = [("c", "three"), ALL[0], ALL[1]];
            check_lines(&joined, &all, &[&format!("{UNLISTED}2 more, read as they stand")]);
            let before = "f: 8 bytes of the zip, the first at 0, belong to no member: \
                searched as they stand, with lines of their own";
            for start in [b"MZ stub\n", b"#!/bin/x"] {
                let text = std::str::from_utf8(start).unwrap().trim_end();
                check_lines(
                    &[start, &packed[..]].concat(),
                    &[ALL[0], ALL[1], ("", text)],
                    &[before],
                );
            }
        }
    }
}

#[test]
fn what_stands_behind_a_zip_is_searched_and_told() {
    let packed = zip(&[("a.log", b"one")], zip::CompressionMethod::Stored);
    let check = |behind: &[u8], expected: &[&str], problems: &[&str]| {
        for found in [
            file(&[&packed, behind].concat(), &ReadOptions::default()),
            stream(&[&packed, behind].concat(), &ReadOptions::default()),
        ] {
            assert_eq!(found.texts(), expected);
            assert_eq!(found.problems, problems);
        }
    };
    check(b"", &["one"], &[]);
    check(&[0; 70_000], &["one"], &[]);
    let why = |size: usize| {
        format!("f: {size} bytes behind the end of the zip: searched as they stand, with lines of their own")
    };
    check(b"two\nthree", &["one", "two", "three"], &[&why(9)]);
    let many = b"two\n".repeat(20_000);
    check(&many, &[&["one"][..], &["two"; 20_000]].concat(), &[&why(80_000)]);
}

#[test]
fn a_zip_has_no_room_for_more() {
    let packed = zip(&[("a", b"one"), ("b", b"two")], zip::CompressionMethod::Deflated);
    let hidden = zip(&[("h", b"three")], zip::CompressionMethod::Deflated);
    let hidden = &hidden[..last(&hidden, CENTRAL)];
    let directory = packed.windows(4).position(|bytes| bytes == CENTRAL).unwrap();
    let end = last(&packed, END);
    let with = |at: usize, bytes: &[u8]| {
        let mut packed = packed.clone();
        packed.splice(at..at, bytes.iter().copied());
        packed
    };
    let all = [("a", "one"), ("b", "two"), ("h", "three")];
    let told = ["f: its directory does not list all members: 1 more, read as they stand"];
    check_lines(&with(directory, hidden), &all, &told);
    check_lines(&with(end, hidden), &all, &told);
    let text = "f: 4 bytes of the zip, the first at ";
    let tail = " belong to no member: searched as they stand, with lines of their own";
    let all = [("a", "one"), ("b", "two"), ("", "text")];
    check_lines(
        &with(directory, b"text"),
        &all,
        &[&format!("{text}{directory},{tail}")],
    );
    check_lines(&with(end, b"text"), &all, &[&format!("{text}{end},{tail}")]);
    // A packed size that takes the next member for a part of this one: its data ends where it does.
    let mut wide = packed.clone();
    let size = u32::try_from(directory - 31).unwrap();
    wide[directory + 20..directory + 24].copy_from_slice(&size.to_le_bytes());
    let one = u32::from_le_bytes(*packed[directory + 20..].first_chunk().unwrap());
    let told = format!("f!a: {one} bytes are packed in it, where {size} are stated: all are searched");
    check_lines(&wide, &[("a", "one"), ("b", "two")], &[&told]);
    // A folder that has data, and entries that lead nowhere.
    let folder = zip(&[("d", b"text")], zip::CompressionMethod::Stored);
    let renamed: Vec<u8> = folder
        .iter()
        .map(|byte| if *byte == b'd' { b'/' } else { *byte })
        .collect();
    check_lines(&renamed, &[("/", "text")], &[]);
    let mut lost = packed;
    lost[directory + 42] ^= 1;
    check_lines(
        &lost,
        &[("b", "two"), ("a", "one")],
        &[
            "f: 1 entries of its directory lead to no member, the first of them \"a\"",
            "f: its directory does not list all members: 1 more, read as they stand",
        ],
    );
}

#[test]
fn what_is_stated_of_a_zips_member_hides_nothing() {
    let text = lines();
    for method in [
        zip::CompressionMethod::Stored,
        zip::CompressionMethod::Deflated,
        zip::CompressionMethod::Zstd,
        zip::CompressionMethod::Bzip2,
    ] {
        let packed = zip(&[("a", text.as_bytes())], method);
        let at = last(&packed, CENTRAL);
        let check = |field: usize, bytes: [u8; 4], why: &str| {
            let mut packed = packed.clone();
            packed[at + field..at + field + 4].copy_from_slice(&bytes);
            for options in [ReadOptions::default(), small()] {
                let found = file(&packed, &options);
                assert_eq!(found.texts(), text.lines().collect::<Vec<_>>());
                assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
                assert!(found.problems[0].ends_with(why), "{:?}", found.problems);
            }
        };
        let mut locked = packed.clone();
        locked[at + 8] |= 1;
        assert_eq!(file(&locked, &ReadOptions::default()).items.len(), 60);
        let more = |stated: u32| {
            format!(
                "unpacks to {} bytes, where {stated} are stated: all are searched",
                text.len()
            )
        };
        check(24, [0; 4], &more(0));
        check(24, [200, 0, 0, 0], &more(200));
        check(
            16,
            [1, 2, 3, 4],
            "its checksum is another than stated: some of it may be wrong",
        );
    }
}

#[test]
fn hostile_zips_cost_little() {
    let local = |flags: u8, method: u8| {
        let mut header = b"PK\x03\x04\x14\0".to_vec();
        header.resize(31, 0);
        (header[6], header[8], header[26]) = (flags, method, 1);
        header
    };
    let end = [END, &[0; 18]].concat();
    for unit in [
        local(0, 0),
        local(8, 0),
        local(8, 8),
        local(9, 8),
        [local(8, 0), b"PK\x07\x08".to_vec()].concat(),
        [b"x".to_vec(), local(0, 0)].concat(),
        b"PK\x03\x04".to_vec(),
        b"PK\x01\x02".to_vec(),
        end.clone(),
    ] {
        for end in [&end[..], b""] {
            let packed = [&unit.repeat((1 << 19) / unit.len()), end].concat();
            let found = file(&packed, &ReadOptions::default());
            assert!(found.largest <= 1 << 20);
        }
    }
}
