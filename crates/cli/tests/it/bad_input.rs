//! Broken and hostile input: told with its place, all else searched, exit code 3.

use std::io::Write;
use std::path::Path;

use crate::tool::{Ran, folder, perisai, perisai_with_input, text};

const LINE: &[u8] = b"2022-02-23T10:00:00Z query evil.example\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Hunts `evil.example` in a folder that holds one bad file beside a good one.
fn hunt(name: &str, bytes: &[u8]) -> Ran {
    let folder = folder(&[
        ("intel/list.txt", b"evil.example\n"),
        (&format!("logs/{name}"), bytes),
        ("logs/z-good.log", LINE),
    ]);
    hunt_in(folder.path())
}

fn hunt_in(folder: &Path) -> Ran {
    let (intel, logs) = (folder.join("intel"), folder.join("logs"));
    perisai(&["hunt", "--intel", text(&intel), "--format", "jsonl", text(&logs)])
}

/// The bad file gives `findings`, and a message that names it and says why; the good one is found in any case.
fn check(name: &str, bytes: &[u8], findings: usize, why: &str) {
    let ran = hunt(name, bytes);
    assert_eq!(ran.code, 3, "{name}: {}", ran.err);
    assert!(
        ran.err.contains(name) && ran.err.contains(why),
        "{name} should say `{why}`, says: {}",
        ran.err
    );
    let in_bad = ran
        .jsonl()
        .iter()
        .filter(|finding| finding["path"].as_str().unwrap().contains(name))
        .count();
    assert_eq!((in_bad, ran.jsonl().len()), (findings, findings + 1), "{name}");
}

#[test]
fn truncated_gzip() {
    let noise: Vec<u8> = (0..200_000u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let whole = gzip(&[LINE, &noise].concat());
    check("cut.log.gz", &whole[..whole.len() / 2], 1, "truncated");
}

#[test]
fn truncated_zstd() {
    let noise: Vec<u8> = (0..500_000u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let whole = zstd::encode_all(&[LINE, &noise].concat()[..], 1).unwrap();
    check("cut.log.zst", &whole[..whole.len() / 2], 1, "truncated");
}

#[test]
fn an_evtx_full_of_garbage() {
    let mut bytes = vec![0xa5; 4096 + 65536];
    bytes[..8].copy_from_slice(b"ElfFile\0");
    bytes[4096..4104].copy_from_slice(b"ElfChnk\0");
    check("broken.evtx", &bytes, 0, "");
}

#[test]
fn a_bomb() {
    let zeros = gzip(&vec![b'x'; 300 << 20]);
    let ran = hunt("bomb.gz", &zeros);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("bomb.gz"), "{}", ran.err);
    assert_eq!(ran.jsonl().len(), 1);
}

#[test]
fn a_line_without_end() {
    let mut bytes = vec![b'x'; 40 << 20];
    bytes.extend_from_slice(b" evil.example\n");
    let ran = hunt("long.log", &bytes);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("long.log:1"), "{}", ran.err);
    let findings = ran.jsonl();
    assert_eq!(findings.len(), 2);
    assert_eq!(findings[0]["line"].as_u64(), Some(1));
}

#[test]
fn deep_json_and_bad_utf8_are_searched_as_text() {
    let deep = format!("{}\"evil.example\"{}\n", "[".repeat(10_000), "]".repeat(10_000));
    let ran = hunt("deep.json", deep.as_bytes());
    assert_eq!(ran.jsonl().len(), 2, "{}", ran.err);
    let nested = format!(
        "{}{}1{}",
        "{\"a\":\"b\"}\n".repeat(3),
        "{\"a\":".repeat(10_000),
        "}".repeat(10_000)
    );
    let logs = format!("{nested}\n{{\"a\":\"evil.example\"}}\n");
    let rule = b"title: x\nlogsource: {product: windows}\ndetection:\n  a: {Image: x}\n  condition: a\n";
    let folder = folder(&[
        ("intel/list.txt", b"evil.example\n"),
        ("intel/r.yml", rule),
        ("logs/deep.json", logs.as_bytes()),
    ]);
    let ran = hunt_in(folder.path());
    assert_eq!((ran.code, ran.jsonl().len()), (3, 1), "{}", ran.err);
    assert!(ran.err.contains("deep.json"), "{}", ran.err);
    let ran = hunt("latin1.log", b"\xe9v\xe8nement evil.example \xff\xfe\n");
    assert_eq!((ran.code, ran.jsonl().len()), (0, 2), "{}", ran.err);
}

#[test]
fn bad_entries_of_intelligence_are_told() {
    let folder = folder(&[
        ("intel/list.txt", b"evil.example\nnot a value\n"),
        ("intel/bad.json", b"{\"type\":\"bundle\",\"objects\":[{\"type\":\"indicator\"},"),
        ("intel/rule.yml", b"title: x\nlogsource: {product: windows}\ndetection:\n  a: {Image|nonsense: x}\n  condition: a\n"),
        ("logs/a.log", LINE),
    ]);
    let ran = hunt_in(folder.path());
    assert_eq!((ran.code, ran.jsonl().len()), (3, 1), "{}", ran.err);
    for place in ["list.txt:2", "bad.json", "rule.yml"] {
        assert!(ran.err.contains(place), "{place} in: {}", ran.err);
    }
}

#[test]
#[cfg(unix)]
fn unreadable_files_and_loops() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = folder(&[
        ("intel/list.txt", b"evil.example\n"),
        ("logs/a.log", LINE),
        ("logs/secret.log", LINE),
    ]);
    let logs = folder.path().join("logs");
    symlink(&logs, logs.join("loop")).unwrap();
    symlink("/no/such/file", logs.join("gone.log")).unwrap();
    std::fs::set_permissions(logs.join("secret.log"), std::fs::Permissions::from_mode(0o000)).unwrap();
    let ran = hunt_in(folder.path());
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("gone.log: No such file"), "{}", ran.err);
    assert!(
        ran.err.contains("loop: a link to a folder above it"),
        "{}",
        ran.err
    );
    // Root reads all files.
    let readable = std::fs::read(logs.join("secret.log")).is_ok();
    assert_eq!(ran.jsonl().len(), if readable { 2 } else { 1 });
    assert!(
        readable || ran.err.contains("secret.log: Permission denied"),
        "{}",
        ran.err
    );
}

#[test]
fn a_gigabyte_from_a_pipe_takes_little_memory() {
    // Much less than a gigabyte, in one line: enough to see that it is not held.
    let folder = folder(&[("list.txt", b"evil.example\n")]);
    let list = folder.path().join("list.txt");
    let mut input = vec![b'.'; 64 << 20];
    input.extend_from_slice(b" evil.example");
    let ran = perisai_with_input(
        &["hunt", "--intel", text(&list), "--format", "jsonl", "-"],
        &input,
    );
    assert_eq!((ran.code, ran.jsonl().len()), (3, 1), "{}", ran.err);
}

#[test]
fn an_event_that_a_feed_lacks() {
    let uuid = |last: u8| format!("5b0a9b32-75a0-4b8e-8a3b-1c3f0a0a0b0{last}");
    let event = |value: &str| {
        format!(
            "{{\"Event\": {{\"info\": \"x\", \"Attribute\": [{{\"type\": \"domain\", \"value\": \"{value}\", \
             \"to_ids\": true}}]}}}}"
        )
    };
    let manifest = format!(
        "{{\"{}\": {{\"info\": \"x\"}},\n\"{}\": {{\"info\": \"y\"}},\n\"{}\": {{}}}}",
        uuid(1),
        uuid(2),
        uuid(3)
    );
    let folder = folder(&[
        ("intel/manifest.json", manifest.as_bytes()),
        (
            &format!("intel/{}.json", uuid(1)),
            event("evil.example").as_bytes(),
        ),
        (
            &format!("intel/{}.json.gz", uuid(3)),
            &gzip(event("packed.example").as_bytes()),
        ),
        (
            &format!("intel/{}.json", uuid(4)),
            event("unnamed.example").as_bytes(),
        ),
        ("logs/a.log", b"evil.example packed.example unnamed.example\n"),
    ]);
    let ran = hunt_in(folder.path());
    assert_eq!((ran.code, ran.jsonl().len()), (3, 3), "{}", ran.err);
    let missing = format!("{}.json, which is not there", uuid(2));
    let told: Vec<_> = ran
        .err
        .lines()
        .filter(|line| line.contains("which is not there"))
        .collect();
    assert_eq!(told.len(), 1, "{}", ran.err);
    assert!(
        told[0].contains("manifest.json:2: names") && told[0].contains(&missing),
        "{}",
        told[0]
    );
}
