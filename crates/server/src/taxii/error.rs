//! What a client is told where it does not get what it asked for (TAXII 2.1, section 3.6).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use uuid::Uuid;

use super::media;

/// Why something is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("this needs an account or a token")]
    Unauthorized,
    #[error("{0}")]
    Forbidden(&'static str),
    /// The same whether a thing does not exist or the caller may not know of it.
    #[error("there is nothing here, or nothing that you may see")]
    NotFound,
    #[error("{0}")]
    BadRequest(String),
    #[error("a method that this resource does not have")]
    Method { allow: HeaderValue },
    #[error("answers are of type {}", media::TAXII)]
    NotAcceptable,
    #[error("a body has to be of type {}, and not compressed", media::TAXII)]
    UnsupportedType,
    #[error("a body may have at most {limit} bytes; of this one {stored} objects were stored")]
    TooLarge { limit: u64, stored: u64 },
    #[error("{0}")]
    Unprocessable(String),
    #[error("nothing came for too long; of this body {stored} objects were stored")]
    TooSlow { stored: u64 },
    #[error("the body broke off; {stored} objects of it were stored")]
    Broken { stored: u64 },
    #[error("too many deliveries at once")]
    Busy,
    #[error("{}", told(.0))]
    Store(#[from] perisai_store::Error),
    #[error("this cannot be answered")]
    Internal(&'static str),
}

/// What of the store's troubles is told. That there is no room a sender may know: to send less may help.
const fn told(error: &perisai_store::Error) -> &'static str {
    match error {
        perisai_store::Error::Full => "the disk is full: what was sent last is not stored",
        _ => "this cannot be answered now",
    }
}

/// An error message (section 3.6.1).
#[derive(Serialize)]
struct Message {
    title: &'static str,
    description: String,
    error_id: Uuid,
    /// A text, not a number.
    http_status: String,
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadRequest(_) | Self::Broken { .. } => StatusCode::BAD_REQUEST,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(error) if error.is_temporary() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Puts the log's line next to what the client is told: the id is in both.
    fn log(&self, id: Uuid) {
        match self {
            Self::Store(error) => {
                tracing::error!(%id, error = error as &dyn std::error::Error, "TAXII: store")
            }
            Self::Internal(why) => tracing::error!(%id, why, "TAXII"),
            other => tracing::debug!(%id, why = %other, "TAXII: refused"),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = self.status();
        let message = Message {
            title: status.canonical_reason().unwrap_or("Error"),
            description: self.to_string(),
            error_id: Uuid::new_v4(),
            http_status: status.as_u16().to_string(),
        };
        self.log(message.error_id);
        let mut response = (status, Json(message)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media::TAXII));
        let fixed = HeaderValue::from_static;
        let more = match self {
            Self::Unauthorized => Some((
                header::WWW_AUTHENTICATE,
                fixed(r#"Basic realm="Perisai", Bearer"#),
            )),
            Self::Method { allow } => Some((header::ALLOW, allow)),
            Self::Busy => Some((header::RETRY_AFTER, fixed("5"))),
            Self::Store(error) if error.is_temporary() => Some((header::RETRY_AFTER, fixed("5"))),
            // What is left of the body is not read.
            Self::TooLarge { .. } | Self::TooSlow { .. } | Self::Broken { .. } => {
                Some((header::CONNECTION, fixed("close")))
            }
            _ => None,
        };
        if let Some((name, value)) = more {
            headers.insert(name, value);
        }
        response
    }
}
