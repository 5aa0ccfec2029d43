//! What expressions mean, and which are refused.

use proptest::prelude::*;

use super::*;

fn compiled(python: String) -> Result<PythonRegex, String> {
    PythonRegex::new(python, &mut Room::default())
}

fn check(python: &str, found: &[&str], missed: &[&str]) {
    let regex = compiled(python.to_owned()).unwrap();
    for text in found {
        assert_eq!(
            regex.is_match(text, &mut { EFFORT }),
            Ok(true),
            "{python} in {text:?}"
        );
    }
    for text in missed {
        assert_eq!(
            regex.is_match(text, &mut { EFFORT }),
            Ok(false),
            "{python} in {text:?}"
        );
    }
}

#[test]
fn means_what_python_means() {
    check("^a$", &["a", "a\n"], &["a\n\n", "ba", "ab"]);
    check("(?m)^a$", &["b\na\nc"], &["ba"]);
    check(r"\Aa\Z", &["a"], &["a\n"]);
    check("a.c", &["abc"], &["a\nc"]);
    check("(?s)a.c", &["a\nc"], &[]);
    check("a{,2}b{x}{", &["aab{x}{"], &["b{x}"]);
    check("[[&&~~-]", &["[", "&", "~", "-"], &["a"]);
    check(r"[]\b-\n^]", &["]", "\x08", "\t", "^"], &["\x0b"]);
    check("[^]a]", &["b"], &["]a"]);
    check(r"\w", &["é", "½", "_"], &["\u{301}", "‿", " "]);
    check(r"(?a)^\w$", &["e"], &["é"]);
    check(r"\s", &["\x1f", "\u{a0}"], &["a"]);
    check(r"[\W\d]", &["1", "-"], &["a"]);
    check(r"\<\101\0\x41\u0041", &["<A\0AA"], &[]);
    check("(?x) a b # c\n{2}", &["abb"], &["ab"]);
    check("(?i:A)b(?P<n>c)(?#d)", &["abc", "Abc"], &["ABC"]);
    check(r"\b{start}", &[], &["start"]);
}

#[test]
fn takes_the_exact_way_where_it_must() {
    check("a(?=b)", &["ab"], &["ac"]);
    check("a(?!b)", &["ac"], &["ab"]);
    check("(?<=a)b", &["ab"], &["cb"]);
    check("(?<!a)b", &["cb"], &["ab"]);
    check(r"(a|b)\1", &["aa", "bb"], &["ab"]);
    check("(?P<n>a|b)x(?P=n)", &["axa"], &["axb"]);
    check("(?>a*)ab", &[], &["aaab"]);
    check("a++b", &["aab"], &["b"]);
    check(r"a$\n", &["a\n"], &["a", "a\n\n"]);
    check("(a$|b)c?", &["a\n", "bc"], &["ac"]);
    check(r"\b1", &["é 1"], &["½1", "é1"]);
    check(r"1\B", &["1½"], &["1 ½"]);
    check(r"\B", &["ab"], &["", "a"]);
}

#[test]
fn gives_up_at_last() {
    let check = |python: &str, text: &str, expected| {
        let regex = compiled(python.to_owned()).unwrap();
        let mut effort = EFFORT;
        assert_eq!(regex.is_match(text, &mut effort), expected, "{python}");
        EFFORT - effort
    };
    let long = "a".repeat(5_000);
    // What is nowhere near costs nothing.
    assert_eq!(check("^(?:(?=a)a|a(?!b))*b", &long, Ok(false)), 0);
    assert_eq!(check("(?=(a+)+z0)b", &long, Ok(false)), 0);
    assert_eq!(check("(?<!x)evil", &format!("{long}xevi"), Ok(false)), 0);
    let cheap = check(r"(\w)\1{5}", &format!("ab{}", &long[..50]), Ok(true));
    assert!(cheap < EFFORT / 1_000_000, "{cheap}");
    assert!(check("(?<!x)evil", &format!("{long}evil"), Ok(true)) < EFFORT / 1_000_000);
    // Where it may lie, it takes steps, and at last too many.
    let dear = check(
        "^(?:(?=a)a|a(?!b))*b(?!$)",
        &format!("{long}b"),
        Err(DataError::Steps),
    );
    assert!(dear > EFFORT / 100, "{dear}");
    let dear = check("(?=(a+)+z0)b|a(?!a)", &format!("{long}b"), Ok(true));
    assert!(dear > EFFORT / 100, "{dear}");
    let regex = compiled("a(?=b)".to_owned()).unwrap();
    assert_eq!(regex.is_match("ab", &mut 0), Err(DataError::Steps));
    assert_eq!(regex.is_match("b", &mut 0), Ok(false));
    let huge = format!("{}b", "a".repeat(2 << 20));
    check("a+(?=c)", &huge, Err(DataError::Steps));
}

#[test]
fn refuses_what_python_refuses_or_no_crate_has() {
    for bad in [
        "(",
        ")",
        "[",
        "[z-a]",
        r"[\d-z]",
        "*",
        "a**",
        "^*",
        "(?<=a*)b",
        "(?(1)a)",
        r"(a\1)",
        r"\1",
        "(?P=n)",
        r"\y",
        r"\p{L}",
        r"\z",
        r"\x4",
        r"\u12",
        r"\N{DOT}",
        r"\ud800",
        "\\",
        "a(?i)b",
        "(?L)a",
        "(?-a:b)",
        "(?#",
        r"\400",
        "a|*",
        "(?P<1>a)",
        "(?)",
        "(?-:a)",
        "(?P<n>a)(?P<n>a)",
        r"[\8]",
        "a{2}+",
    ] {
        assert!(compiled(bad.to_owned()).is_err(), "{bad}");
    }
}

#[test]
fn bytes_are_searched_as_bytes() {
    let check = |python: &str, bytes: &[u8], expected: bool| {
        let regex = compiled(python.to_owned()).unwrap();
        assert_eq!(
            regex.is_match_bytes(bytes, &mut { EFFORT }),
            Ok(expected),
            "{python}"
        );
    };
    check(r"^\xff.$", &[0xff, 0xfe], true);
    check("é", &[0xe9], true);
    check(r"\w", &[0xe9], false);
    check("[^a]", &[0x80], true);
    check("(?s)^.$", b"\n", true);
    check(r"(?<=\xff)\w", &[0xff, b'a'], true);
    check(r"(?<=\xff)\w", &[0xff, 0xe9], false);
    check("ă", b"a", false);
}

proptest! {
    #[test]
    fn never_panics(python in r"(?:(?:[a-c.]|\(\?[=!>:][a-c|*]{0,3}\)|\(\?<[=!][a-c]\)|\([ab|]{1,3}\)|\\[1b])[*+?]?\$?){1,6}|[a-c\\(){}\[\]|*+?^$.:#<>=!iPxsmu0-9, -]{0,30}|\PC{0,20}", text in "[a-c0-9 é\n]{0,10}") {
        if let Ok(regex) = compiled(python) {
            let found = regex.is_match(&text, &mut { EFFORT });
            let _ = regex.is_match_bytes(text.as_bytes(), &mut { EFFORT });
            // The relaxed expression leaves nothing out.
            let exact = regex.exact.quick(&regex.source).filter(|_| regex.plain.is_none());
            if let Some(Ok(exact)) = exact.map(|exact| exact.is_match(text.as_str())) {
                prop_assert_eq!(found, Ok(exact));
            }
        }
    }
}
