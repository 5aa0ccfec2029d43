//! What an answer that is no success says.

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{self, HeaderMap, HeaderValue};
use serde::Deserialize;
use tokio::time::Duration;

use super::Body;
use crate::error::{Error, clean, shown};
use crate::retry::retry_after;

/// How much of the body of an error is read for its title.
const ERROR_BODY: u64 = 64 << 10;

/// What a status that is no success means (TAXII 2.1, section 3.6.1, has the body's properties).
pub(super) async fn refusal(status: StatusCode, headers: &HeaderMap, mut body: Body, sent: u64) -> Error {
    let url = shown(&body.url);
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let after = text(header::RETRY_AFTER);
    if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE && after.is_some()
    {
        return Error::RateLimited {
            url,
            until: retry_after(after, text(header::DATE), Timestamp::now()),
        };
    }
    body.limit = ERROR_BODY;
    body.idle = body.idle.min(Duration::from_secs(5));
    let told = body.bytes().await.map(|bytes| told(&bytes)).unwrap_or_default();
    match status.as_u16() {
        401 => Error::Unauthorised { url, told },
        403 => Error::Forbidden { url, told },
        404 | 410 => Error::NotFound { url, told },
        413 => Error::RequestTooLarge { url, sent },
        status => Error::Server { url, status, told },
    }
}

/// The title and description of an error, after a colon; MISP says `name` and `message`.
fn told(body: &[u8]) -> Box<str> {
    #[derive(Deserialize)]
    struct Told {
        #[serde(alias = "name")]
        title: Option<String>,
        #[serde(alias = "message")]
        description: Option<String>,
    }
    let Ok(told) = serde_json::from_slice::<Told>(body) else {
        return "".into();
    };
    let parts: Vec<String> = [told.title, told.description]
        .into_iter()
        .flatten()
        .map(|part| clean(&part))
        .filter(|part| !part.is_empty())
        .collect();
    let mut text = parts.join(": ");
    if !text.is_empty() {
        text.insert_str(0, ": ");
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_errors_say() {
        let check = |body: &str, expected: &str| assert_eq!(&*told(body.as_bytes()), expected, "{body}");
        check(
            r#"{"title":"No","description":"not\u001b[2Jyou","http_status":"403"}"#,
            ": No: not [2Jyou",
        );
        check(
            r#"{"name":"Authentication failed.","url":"/"}"#,
            ": Authentication failed.",
        );
        check("<html>", "");
        check(r#"{"title":5}"#, "");
    }
}
