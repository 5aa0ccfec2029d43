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
