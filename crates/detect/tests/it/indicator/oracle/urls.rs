//! URLs, as the oracle knows them.

use perisai_model::Kind;
use perisai_values::{canonical, url};

/// True where the URL stands at that host: what follows, in normal form, begins with its path and ends or goes on with
/// something else.
pub(super) fn url_stands(value: &str, line: &str, host: &str, start: usize, end: usize) -> bool {
    let wanted = url::split(value);
    if wanted.host != host {
        return false;
    }
    let mut rest = &line[end..];
    if [".:", "./", ".?"].iter().any(|dot| rest.starts_with(dot)) {
        rest = &rest[1..];
    }
    let mut port = None;
    if rest.starts_with(":/") || rest.starts_with(":?") {
        rest = &rest[1..];
    } else if let Some(behind) = rest.strip_prefix(':') {
        let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if let Ok(number) = behind[..digits.min(6)].parse::<u16>() {
            port = Some(number.to_string()).filter(|port| !url::is_default_port(port));
            rest = &behind[digits..];
        }
    }
    if wanted.port != port.as_deref() {
        return false;
    }
    let before = plain_slashes(&line[..start]);
    let has_scheme = before.ends_with("://");
    // In the query of another URL.
    let token = before
        .rsplit(|c: char| c <= ' ' || "\"<>`\\^\u{7f}".contains(c))
        .next();
    let inside = has_scheme && token.is_some_and(|token| token.contains('?'));
    path_stands(wanted.path, rest, has_scheme, inside)
}

fn path_stands(wanted: &str, rest: &str, has_scheme: bool, inside: bool) -> bool {
    let rest = plain_slashes(rest);
    let stop = rest.find(|c: char| c <= ' ' || matches!(c, '"' | '<' | '>' | '`' | '\\' | '^' | '\u{7f}'));
    let text = &rest[..stop.unwrap_or(rest.len())];
    let in_normal_form = |text: &str| match text {
        _ if text.to_ascii_uppercase().starts_with("%2F") => Some(decoded_once(text)),
        _ if text.starts_with('/') => Some(normal(text)),
        _ if text.starts_with('?') => Some(normal(&format!("/{text}"))),
        _ => has_scheme.then(|| "/".to_owned()),
    };
    // Text without blanks may follow.
    let letters = text.char_indices().filter(|(_, c)| !c.is_ascii());
    let first_letters = letters.filter(|(at, _)| text[..*at].ends_with(|c: char| c.is_ascii()));
    if first_letters
        .into_iter()
        .any(|(at, _)| in_normal_form(&text[..at]).is_some_and(|before| before == wanted))
    {
        return true;
    }
    let Some(normal) = in_normal_form(text) else {
        return false;
    };
    let Some(behind) = normal.strip_prefix(wanted) else {
        return false;
    };
    let only_marks = behind.chars().all(|c| ".,;:!?)]}'*".contains(c));
    let first_query = normal.find('?') == Some(wanted.len());
    let inside = inside || rest.to_ascii_uppercase().starts_with("%2F");
    let marks: &[&str] = if inside {
        &["%20", "%22", "%26", "%27", "%3C", "%3E"]
    } else {
        &["%22", "%3C", "%3E"]
    };
    let encoded = marks.iter().any(|mark| behind.starts_with(mark));
    only_marks || first_query || encoded || behind.starts_with(['#', ',', ';', ')', ']', '}', '\'', '|', '&'])
}

/// A text whose slashes are not escaped.
fn plain_slashes(text: &str) -> String {
    let mut text = text.to_owned();
    for backslashes in (1..=16).rev() {
        text = text.replace(&("\\".repeat(backslashes) + "/"), "/");
    }
    text
}

/// A path in normal percent-encoding, with its fragment as it is.
fn normal(path: &str) -> String {
    let (path, fragment) = path.split_at(path.find('#').unwrap_or(path.len()));
    let url = canonical(Kind::Url, &format!("host.test{path}"))
        .expect("a URL")
        .into_owned();
    format!("{}{fragment}", url.trim_start_matches("host.test"))
}

/// One level of percent-encoding taken off.
fn decoded_once(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut at = 0;
    while at < bytes.len() {
        let pair = text
            .get(at + 1..at + 3)
            .filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match pair.filter(|_| bytes[at] == b'%') {
            Some(pair) => {
                match u8::from_str_radix(pair, 16).expect("two hexadecimal digits") {
                    byte @ (0..=b' ' | 0x7f..) => out.push_str(&format!("%{byte:02X}")),
                    byte => out.push(char::from(byte)),
                }
                at += 3;
            }
            None => {
                match bytes[at] {
                    byte if byte.is_ascii() => out.push(char::from(byte)),
                    byte => out.push_str(&format!("%{byte:02X}")),
                }
                at += 1;
            }
        }
    }
    out
}
