//! Tar archives whose headers are damaged or hostile: what they hold is read all the same.

use perisai_events::ReadOptions;
use perisai_model::Place;
use tar::{EntryType, Header};

use crate::containers::{bz2, gz, tar};
use crate::{file, stream};

/// A member: its header, changed at will before it is summed, and its data, padded.
fn entry(kind: u8, data: &[u8], change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_path("e.log").unwrap();
    header.set_size(data.len() as u64);
    header.set_entry_type(EntryType::new(kind));
    change(&mut header);
    header.set_cksum();
    let padding = data.len().next_multiple_of(512) - data.len();
    [header.as_bytes(), data, &[0; 512][..padding]].concat()
}

/// Checks that the lines with `evil` in them are found at these members, and that so much is told.
fn check(parts: &[&[u8]], expected: &[&str], told: &[&str]) {
    let packed = parts.concat();
    for found in [
        file(&packed, &ReadOptions::default()),
        stream(&packed, &ReadOptions::default()),
        file(&gz(&packed), &ReadOptions::default()),
    ] {
        let members: Vec<_> = found
            .items
            .iter()
            .filter(|(_, _, text)| text.contains("evil.com"))
            .map(|(member, _, _)| member.as_deref().unwrap_or_default())
            .collect();
        assert_eq!(members, expected, "{:?}", found.problems);
        assert_eq!(found.problems.len(), told.len(), "{:?}", found.problems);
        for (problem, told) in found.problems.iter().zip(told) {
            assert!(problem.contains(told), "{problem}");
        }
    }
}

#[test]
fn a_damaged_header_ends_nothing() {
    let (first, last) = (
        tar(&[("a.log", b"visit evil.com\n")]),
        tar(&[("z.log", b"evil.com\n")]),
    );
    let first = &first[..1024];
    let evil = b"one\nvisit evil.com now\n";
    let both = |between: &[u8], members: &[&str], told: &[&str]| {
        let members = [&["a.log"], members, &["z.log"]].concat();
        check(&[first, between, &last], &members, told);
    };
    const DAMAGED: &str = "headers of the tar archive are damaged";
    const STRAY: &str = "belong to no member: searched as they stand";
    let sound = entry(b'0', evil, |_| {});
    both(&sound, &["e.log"], &[]);
    let with = |at: usize, bytes: &[u8]| {
        let mut entry = sound.clone();
        entry[at..at + bytes.len()].copy_from_slice(bytes);
        entry
    };
    both(&with(148, b"000000\0 "), &["e.log"], &[DAMAGED]);
    both(&with(148, b"zzzzzzzz"), &["e.log"], &[DAMAGED]);
    both(
        &[&[b'x'; 257][..], &sound[257..]].concat(),
        &[
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ],
        &[DAMAGED],
    );
    both(&[&[b'x'; 512][..], &sound[512..]].concat(), &[""], &[STRAY]);
    both(&[&[b'x'; 100][..], &sound].concat(), &["e.log"], &[STRAY]);
    both(&sound[100..], &[""], &[STRAY]);
    both(&vec![b'x'; 512], &[], &[STRAY]);
    both(b"visit evil.com now\n", &[""], &[STRAY]);
    both(&b"ustar\n".repeat(9_000), &[], &[STRAY]);
    both(&vec![0; 20_000], &[], &[]);
    for size in [
        b"zzzzzzzzzzzz",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        let bad = entry(b'0', evil, |header| {
            header.as_mut_bytes()[124..136].copy_from_slice(size)
        });
        both(&bad, &["e.log"], &[DAMAGED]);
    }
    let packed = entry(b'0', &bz2(evil), |_| {});
    both(
        &[&packed[..148], b"000000\0 ", &packed[156..]].concat(),
        &["e.log"],
        &[DAMAGED],
    );
    // Behind the end of the archive, and less than states its size.
    check(&[&last, evil], &["z.log", ""], &[STRAY]);
    let short = entry(b'0', evil, |header| header.set_size(4));
    both(&short, &[""], &[STRAY]);
}

#[test]
fn the_first_header_may_be_of_any_kind() {
    let evil = b"visit evil.com\n";
    let mut old = Header::new_old();
    old.set_path("old.log").unwrap();
    old.set_size(evil.len() as u64);
    old.set_cksum();
    let sound = entry(b'0', b"one", |_| {});
    // Without a magic it is found where blocks begin.
    check(
        &[&sound, &[b'x'; 1024], old.as_bytes(), evil],
        &["old.log"],
        &["belong to no member"],
    );
}

#[test]
fn descriptions_of_a_member_have_a_limit() {
    let evil = entry(b'0', b"visit evil.com\n", |_| {});
    let check = |kind: u8, data: &[u8], name: &str, told: &[&str]| {
        let described = entry(kind, data, |header| header.set_path("long").unwrap());
        super::tars::check(&[&described, &evil], &[name], told);
    };
    let pax = |key: &str, value: &str| {
        let length = key.len() + value.len() + 3;
        let digits = (length + 1..)
            .find(|sum| sum.to_string().len() + length == *sum)
            .unwrap();
        format!("{digits} {key}={value}\n").into_bytes()
    };
    check(b'L', b"l.log\0", "l.log", &[]);
    check(b'K', b"l.log\0", "e.log", &[]);
    check(b'x', &pax("path", "p.log"), "p.log", &[]);
    check(b'x', &pax("size", "15"), "e.log", &[]);
    check(b'x', &pax("size", "-1"), "e.log", &[]);
    check(b'x', b"99999999999999999999 path=x\n", "e.log", &[]);
    check(
        b'x',
        &[pax("path", "p.log"), pax("mtime", "1.5")].concat(),
        "p.log",
        &[],
    );
    let long = "a".repeat(60_000);
    let shown = Place::file("t").member(&long).member.unwrap();
    check(b'L', long.as_bytes(), &shown, &[]);
    let long = "that describes the next member: searched as a file";
    check(b'L', &b"word ".repeat(2_000_000), "e.log", &[long]);
    check(b'K', &b"word ".repeat(2_000_000), "e.log", &[long]);
    check(b'x', &pax("path", &"word ".repeat(2_000_000)), "e.log", &[long]);
}

#[test]
fn an_error_where_nothing_is_searched_is_told() {
    let mut noise = 1_u32;
    let mut next = || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 24) as u8
    };
    let global: Vec<u8> = (0..200_000).map(|_| next()).collect();
    let packed = gz(&[
        entry(b'g', &global, |_| {}),
        entry(b'0', b"visit evil.com\n", |_| {}),
    ]
    .concat());
    let found = file(&packed[..packed.len() / 2], &ReadOptions::default());
    assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
    let found = file(&packed, &ReadOptions::default());
    assert_eq!(
        (found.problems.len(), found.items.len()),
        (0, 1),
        "{:?}",
        found.problems
    );
}

#[test]
fn holes_are_filled() {
    let last = entry(b'0', b"visit evil.com\n", |_| {});
    // The pieces of data and the size of the file.
    let sparse = |pieces: &[(u64, u64)], real: u64, data: &[u8]| {
        entry(b'S', data, |header| {
            let gnu = header.as_gnu_mut().unwrap();
            for (piece, (offset, length)) in gnu.sparse.iter_mut().zip(pieces) {
                piece.set_offset(*offset);
                piece.set_length(*length);
            }
            gnu.set_real_size(real);
        })
    };
    let evil = b"evil.com\n".repeat(60);
    let length = evil.len() as u64;
    let found = file(
        &sparse(&[(0, 4), (8, length - 4)], length + 10, &evil),
        &ReadOptions::default(),
    );
    assert_eq!(found.problems, [""; 0]);
    let text = [&b"evil\0\0\0\0"[..], &evil[4..], &[0; 6]].concat();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(found.texts(), text.split('\n').collect::<Vec<_>>());
    let check = |packed: Vec<u8>, told: &[&str]| {
        let members = [["e.log"; 60].as_slice(), &["e.log"]].concat();
        super::tars::check(&[&packed, &last], &members, told);
    };
    check(sparse(&[(1 << 20, length)], (1 << 20) + length, &evil), &[]);
    check(sparse(&[(0, length)], 1 << 38, &evil), &[]);
    let wrong = ["the map of its holes does not fit it: searched without them"];
    check(sparse(&[(0, length)], 3, &evil), &wrong);
    check(sparse(&[(0, 7)], length, &evil), &wrong);
    check(sparse(&[(90, 7), (3, length - 7)], length, &evil), &wrong);
}
