//! What may go wrong between a node and a server, told for the person who has to act on it.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;
use url::Url;

/// A result whose error is of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How many characters of what a server says of itself are shown.
const SHOWN: usize = 300;

/// Why a request brought nothing. No variant shows a secret: addresses lose user names, passwords and queries.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// No connection, or it broke off before an answer.
    #[error("{url}: cannot be reached: {reason}")]
    Unreachable {
        /// What was asked.
        url: Box<str>,
        /// What the system says.
        reason: Box<str>,
    },
    /// The server took longer than is waited.
    #[error("{url}: timed out: {waited:?} without {what}")]
    TimedOut {
        /// What was asked.
        url: Box<str>,
        /// What did not come: a connection, an answer, the rest of a body.
        what: &'static str,
        /// How long was waited.
        waited: Duration,
    },
    /// The certificate is not one that is trusted here, or no common ground was found.
    #[error("{url}: no trusted connection: {reason}")]
    Tls {
        /// What was asked.
        url: Box<str>,
        /// Which pin or authority was missed.
        reason: Box<str>,
    },
    /// 401: no or wrong credentials.
    #[error("{url}: the server does not accept the credentials{told}")]
    Unauthorised {
        /// What was asked.
        url: Box<str>,
        /// What the server says, after a colon; may be empty.
        told: Box<str>,
    },
    /// 403: the credentials are good for something else.
    #[error("{url}: these credentials may not do this{told}")]
    Forbidden {
        /// What was asked.
        url: Box<str>,
        /// What the server says, after a colon; may be empty.
        told: Box<str>,
    },
    /// 404 or 410.
    #[error("{url}: not found{told}")]
    NotFound {
        /// What was asked.
        url: Box<str>,
        /// What the server says, after a colon; may be empty.
        told: Box<str>,
    },
    /// An answer of something else: a log-in page, another protocol.
    #[error("{url}: this is no {wanted} answer: {reason}")]
    Foreign {
        /// What was asked.
        url: Box<str>,
        /// What was looked for: `TAXII 2.1`, `MISP`.
        wanted: &'static str,
        /// What came.
        reason: Box<str>,
    },
    /// An answer over the limit.
    #[error("{url}: the answer is over the limit of {limit} {unit}")]
    TooLarge {
        /// What was asked.
        url: Box<str>,
        /// The limit.
        limit: u64,
        /// What is counted: `bytes`, `objects`.
        unit: &'static str,
    },
    /// 413: what was sent is over the server's limit.
    #[error("{url}: the server takes no body of {sent} bytes")]
    RequestTooLarge {
        /// What was asked.
        url: Box<str>,
        /// How much was sent, in bytes.
        sent: u64,
    },
    /// 429, or 503 with a time.
    #[error("{url}: the server asks to wait until {until}")]
    RateLimited {
        /// What was asked.
        url: Box<str>,
        /// When it may be asked again; at most a day from now.
        until: Timestamp,
    },
    /// Any other status that is no success.
    #[error("{url}: the server answers {status}{told}")]
    Server {
        /// What was asked.
        url: Box<str>,
        /// The HTTP status.
        status: u16,
        /// Its title and description, after a colon; may be empty.
        told: Box<str>,
    },
    /// An answer that breaks off.
    #[error("{url}: the answer breaks off after {after} bytes: {reason}")]
    CutOff {
        /// What was asked.
        url: Box<str>,
        /// How much came.
        after: u64,
        /// How it ended.
        reason: Box<str>,
    },
    /// An answer in the right format that says something impossible.
    #[error("{url}: bad answer: {reason}")]
    BadAnswer {
        /// What was asked.
        url: Box<str>,
        /// What is wrong, with its place.
        reason: Box<str>,
    },
    /// A redirect that is not followed.
    #[error("{url}: redirect refused: {reason}")]
    Redirect {
        /// Who redirects.
        url: Box<str>,
        /// Why it is not followed.
        reason: Box<str>,
    },
    /// An address that the server leads to, and that is inside where the server is not.
    #[error("{url}: not asked: {reason}, and the server that leads there is elsewhere")]
    Inward {
        /// What would have been asked.
        url: Box<str>,
        /// The address, and from where it can be reached.
        reason: Box<str>,
    },
    /// An answer that drips.
    #[error("{url}: the answer comes too slowly: less than {speed} bytes a second, after {after} bytes")]
    TooSlow {
        /// What was asked.
        url: Box<str>,
        /// How much came.
        after: u64,
        /// What is the least, in bytes a second.
        speed: u64,
    },
    /// What the user gave cannot be used.
    #[error("{what}: {reason}")]
    Setup {
        /// Which setting.
        what: &'static str,
        /// What is wrong with it.
        reason: Box<str>,
    },
}

impl Error {
    /// Whether the same request may succeed later without anybody doing anything.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::RateLimited { .. }
            | Self::TooSlow { .. }
            | Self::CutOff { .. } => true,
            Self::Server { status, .. } => matches!(status, 408 | 425 | 500 | 502..=504 | 507 | 520..=530),
            _ => false,
        }
    }

    /// When the server may be asked again, where it said so.
    pub fn retry_at(&self) -> Option<Timestamp> {
        match self {
            Self::RateLimited { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// 400, 404, 410, 422: what was asked for is not known, or not in this way.
    pub(crate) fn is_about_the_question(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. }
                | Self::Server {
                    status: 400 | 422,
                    ..
                }
        )
    }

    pub(crate) fn setup(what: &'static str, reason: impl ToString) -> Self {
        Self::Setup {
            what,
            reason: reason.to_string().into(),
        }
    }

    pub(crate) fn bad_answer(url: &Url, reason: impl ToString) -> Self {
        Self::BadAnswer {
            url: shown(url),
            reason: clean(&reason.to_string()).into(),
        }
    }

    pub(crate) fn foreign(url: &Url, wanted: &'static str, reason: impl ToString) -> Self {
        Self::Foreign {
            url: shown(url),
            wanted,
            reason: clean(&reason.to_string()).into(),
        }
    }
}

/// An address without what may be secret in it.
pub(crate) fn shown(url: &Url) -> Box<str> {
    let mut text = format!("{}://", url.scheme());
    text.push_str(url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        let _ = write!(text, ":{port}");
    }
    text.push_str(url.path());
    clean(&text).into()
}

/// A text of a stranger, fit for a terminal: one line, no control or direction characters, of bounded length.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::new();
    let mut blank = false;
    for (count, c) in text.chars().enumerate() {
        if count >= SHOWN {
            out.push('…');
            break;
        }
        let hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if c.is_whitespace() || c.is_control() || hidden {
            blank = !out.is_empty();
        } else {
            if std::mem::take(&mut blank) {
                out.push(' ');
            }
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_strangers() {
        let check = |input: &str, expected: &str| assert_eq!(clean(input), expected, "{input:?}");
        check("plain", "plain");
        check("a\r\nb\t c", "a b c");
        check("\u{1b}[31mred\u{7}", "[31mred");
        check("left\u{202e}thgir", "left thgir");
        check(&"x".repeat(1000), &format!("{}…", "x".repeat(SHOWN)));
    }

    #[test]
    fn addresses_show_no_secret() {
        let check = |input: &str, expected: &str| {
            assert_eq!(&*shown(&input.parse().unwrap()), expected, "{input}");
        };
        check("https://user:secret@a.example/x/?key=1#f", "https://a.example/x/");
        check("http://a.example:8080/", "http://a.example:8080/");
    }

    #[test]
    fn what_may_pass() {
        let check = |status: u16, expected: bool| {
            let error = Error::Server {
                url: "".into(),
                status,
                told: "".into(),
            };
            assert_eq!(error.is_temporary(), expected, "{status}");
        };
        check(500, true);
        check(503, true);
        check(501, false);
        check(406, false);
        check(408, true);
    }
}
