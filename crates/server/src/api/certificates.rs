//! Certificates of partners, pinned by their fingerprint.

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use jiff::Timestamp;
use perisai_model::Organisation;
use perisai_store::{Certificate, Fingerprint, NewCertificate};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Admin;
use super::body::{Asked, Body, Named};
use super::paging::{Page, Part, future, time};
use crate::problem::ProblemBody;
use crate::{Problem, State};

pub(crate) fn router() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(revoke))
}

/// A certificate that names a partner.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CertificateBody {
    /// Its SHA-256, in hexadecimal.
    fingerprint: String,
    /// Whom it names.
    organisation: Uuid,
    /// What it is for.
    name: String,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    added: Timestamp,
    /// From when on it does not count.
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked: Option<Timestamp>,
}

impl From<Certificate> for CertificateBody {
    fn from(certificate: Certificate) -> Self {
        Self {
            fingerprint: certificate.fingerprint.to_string(),
            organisation: certificate.organisation.0,
            name: certificate.name,
            added: time(certificate.added),
            valid_until: certificate.valid_until.map(time),
            revoked: certificate.revoked.map(time),
        }
    }
}

/// A certificate that is to name a partner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PinnedCertificate {
    /// Its SHA-256 in hexadecimal, with colons or without. Take it from the partner by another way than this network.
    fingerprint: String,
    /// Whom it names.
    organisation: Uuid,
    /// What it is for.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// From when on it does not count.
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Timestamp>,
}

/// List certificates
#[utoipa::path(get, path = "/api/certificates", tag = "keys", params(Part), responses(
    (status = 200, body = Page<CertificateBody>),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    _: Admin,
    Shared(state): Shared<State>,
    Asked(part): Asked<Part>,
) -> Result<Json<Page<CertificateBody>>, Problem> {
    let limit = part.limit()?;
    let after = part.after.as_deref().map(str::parse::<Fingerprint>).transpose();
    let after = after.map_err(|error| Problem::bad_request(error.to_string()))?;
    let rows = state.node.store().certificates(None, after, limit).await?;
    Ok(Json(Page::of(rows, limit, |one| one.fingerprint.to_string())))
}

/// Pin a certificate
#[utoipa::path(post, path = "/api/certificates", tag = "keys", request_body = PinnedCertificate, responses(
    (status = 201, body = CertificateBody),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn add(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Body(pinned): Body<PinnedCertificate>,
) -> Result<(StatusCode, Json<CertificateBody>), Problem> {
    let fingerprint = pinned.fingerprint.trim().parse::<Fingerprint>();
    let fingerprint = fingerprint.map_err(|error| Problem::bad_request(error.to_string()))?;
    let new = NewCertificate {
        fingerprint,
        organisation: Organisation(pinned.organisation),
        name: pinned.name,
        valid_until: future(pinned.valid_until)?,
    };
    let added = state.node.store().add_certificate(new).await?;
    state
        .made(&caller, "certificate.add", CertificateBody::from(added))
        .await
}

/// Revoke a certificate
///
/// It never comes to count again.
#[utoipa::path(delete, path = "/api/certificates/{fingerprint}", tag = "keys",
    params(("fingerprint" = String, Path,)), responses(
    (status = 204, description = "It counts no more"),
    (status = "4XX", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn revoke(
    Admin(caller): Admin,
    Shared(state): Shared<State>,
    Named(fingerprint): Named<String>,
) -> Result<StatusCode, Problem> {
    let fingerprint = fingerprint
        .parse::<Fingerprint>()
        .map_err(|_| Problem::not_found())?;
    state.node.store().revoke_certificate(fingerprint).await?;
    let data = json!({"fingerprint": fingerprint.to_string()});
    state.done(&caller, "certificate.revoke", data).await
}
