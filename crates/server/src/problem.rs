//! What the API says where something went wrong: problem documents (RFC 9457). What happened inside is logged and never
//! sent.

use axum::Json;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use perisai_store::Error;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

/// Why a request was not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    retry_after: Option<u64>,
}

/// A problem as it is sent (RFC 9457, section 3.1). Its type is `about:blank`: the status says all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ProblemBody {
    /// What kind of problem it is: the words of the status.
    #[schema(example = "Not Found")]
    pub title: String,
    /// The status.
    #[schema(example = 404)]
    pub status: u16,
    /// What is wrong with this request.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Problem {
    /// A problem of a status, with what is wrong with this request.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// Who calls has not shown who they are, or the proof does not count.
    #[must_use]
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// Who calls may not do this.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// What was asked for is not understood.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// What was named is not there.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "")
    }

    /// Too much was asked in too short a time; more may be asked after so many seconds.
    #[must_use]
    pub fn too_many(seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds.max(1)),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too many requests: wait a little")
        }
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong with the request.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl Problem {
    /// As a client of TAXII takes it: an error message (TAXII 2.1, section 3.6.1).
    #[must_use]
    pub fn into_taxii(self) -> Response {
        let status = self.status;
        let body = json!({
            "title": status.canonical_reason().unwrap_or("Problem"),
            "description": self.detail,
            "error_id": Uuid::new_v4(),
            "http_status": status.as_u16().to_string(),
        });
        let mut response = self.into_response();
        *response.body_mut() = body.to_string().into();
        let headers = response.headers_mut();
        headers.remove(CONTENT_LENGTH);
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/taxii+json;version=2.1"),
        );
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match &error {
            Error::Missing { .. } => Self::new(StatusCode::NOT_FOUND, error.to_string()),
            Error::Exists { .. } => Self::new(StatusCode::CONFLICT, error.to_string()),
            Error::Invalid { .. } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
            _ if error.is_temporary() => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the store is not there");
                let told = Self::new(StatusCode::SERVICE_UNAVAILABLE, "try again later");
                Self {
                    retry_after: Some(5),
                    ..told
                }
            }
            _ => {
                tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "something failed here; it was logged",
                )
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            title: self.status.canonical_reason().unwrap_or("Problem").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.append(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"Perisai\""),
            );
            let basic = HeaderValue::from_static("Basic realm=\"Perisai\", charset=\"UTF-8\"");
            headers.append(WWW_AUTHENTICATE, basic);
        }
        response
    }
}
