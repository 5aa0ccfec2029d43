//! A file by HTTP, fetched only where it has changed.

use reqwest::StatusCode;
use reqwest::header::{self, HeaderName};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::{Error, Result, shown};
use crate::transport::{Body, Request, Transport};

/// How long a validator may be that is kept for a server.
const MAX_VALIDATOR: usize = 1_024;

/// What a server said of a file, so that it can tell later whether it has changed (RFC 9110, section 8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// Its `ETag`, as it came.
    pub etag: Option<String>,
    /// Its `Last-Modified`, as it came.
    pub last_modified: Option<String>,
}

/// What came of asking for a file.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one a request, and it is soon taken apart"
)]
pub enum Fetched {
    /// It is as it was.
    NotModified,
    /// The file, which is still coming.
    Body {
        /// Its contents.
        body: Body,
        /// To be kept once the whole body is.
        validators: Validators,
        /// Its content type.
        content_type: Option<String>,
    },
}

/// Asks for a file. `known` is what was said when it was fetched last.
///
/// # Errors
/// Where no answer comes, or one that is no file.
pub async fn fetch(transport: &Transport, url: &Url, known: &Validators) -> Result<Fetched> {
    let mut request = Request::get(url.clone(), "*/*");
    let conditions: [(HeaderName, &Option<String>); 2] = [
        (header::IF_NONE_MATCH, &known.etag),
        (header::IF_MODIFIED_SINCE, &known.last_modified),
    ];
    for (name, value) in conditions {
        request.headers.extend(value.clone().map(|value| (name, value)));
    }
    let answer = transport.retry().run(|| transport.send(&request)).await?;
    if answer.status == StatusCode::NOT_MODIFIED {
        if known == &Validators::default() {
            return Err(Error::bad_answer(
                url,
                "not modified, but nothing was known of it",
            ));
        }
        return Ok(Fetched::NotModified);
    }
    if answer.status != StatusCode::OK && answer.status != StatusCode::NON_AUTHORITATIVE_INFORMATION {
        return Err(Error::Server {
            url: shown(url),
            status: answer.status.as_u16(),
            told: ": this is no file".into(),
        });
    }
    let text = |name: &str| {
        let value = answer.header(name)?;
        (value.len() <= MAX_VALIDATOR).then(|| value.to_owned())
    };
    let validators = Validators {
        etag: text("etag"),
        last_modified: text("last-modified"),
    };
    let content_type = text("content-type");
    Ok(Fetched::Body {
        body: answer.body,
        validators,
        content_type,
    })
}
