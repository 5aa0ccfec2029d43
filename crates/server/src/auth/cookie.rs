//! The cookie of a session, and what a request that comes with one must show beside it.

use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri};
use perisai_store::Session;
use subtle::ConstantTimeEq;

use crate::Problem;

/// Over TLS: a browser takes a cookie of this beginning only from this host itself, over TLS, for all paths.
const SECURE: &str = "__Host-perisai";

/// Over plain HTTP on loopback, where browsers refuse the other.
const PLAIN: &str = "perisai";

/// The header in which scripts of ours repeat what they were told at log-in.
pub(crate) const CSRF: &str = "x-csrf-token";

const fn name(is_tls: bool) -> &'static str {
    if is_tls { SECURE } else { PLAIN }
}

/// What the cookie of a request says, where it has one. Two are none: one of them somebody else has set.
pub(super) fn read(headers: &HeaderMap, is_tls: bool) -> Option<Result<&str, Problem>> {
    let lines = headers.get_all(COOKIE).iter();
    let pairs = lines.flat_map(|line| line.to_str().unwrap_or_default().split(';'));
    let mut ours = pairs.filter_map(|pair| {
        let (found, value) = pair.split_once('=')?;
        (found.trim() == name(is_tls)).then(|| value.trim())
    });
    let first = ours.next()?;
    if ours.next().is_some() {
        return Some(Err(Problem::unauthorized("two sessions in one request")));
    }
    Some(Ok(first))
}

/// A cookie that a browser keeps until it is closed.
pub(crate) fn set(secret: &str, is_tls: bool) -> HeaderValue {
    let secure = if is_tls { "; Secure" } else { "" };
    let text = format!(
        "{}={secret}; Path=/; HttpOnly; SameSite=Strict{secure}",
        name(is_tls)
    );
    HeaderValue::try_from(text).expect("a session's secret is hexadecimal")
}

/// Makes a browser forget it.
pub(crate) fn clear(is_tls: bool) -> HeaderValue {
    let secure = if is_tls { "; Secure" } else { "" };
    let text = format!(
        "{}=; Path=/; HttpOnly; SameSite=Strict{secure}; Max-Age=0",
        name(is_tls)
    );
    HeaderValue::try_from(text).expect("this is ASCII")
}

/// Refuses what another site makes a browser send in the name of who is logged in.
pub(super) fn check_csrf(parts: &Parts, session: &Session) -> Result<(), Problem> {
    if parts.method.is_safe() {
        return Ok(());
    }
    let told = parts.headers.get(CSRF).map_or(&b""[..], HeaderValue::as_bytes);
    if !bool::from(told.ct_eq(session.csrf.as_bytes())) {
        return Err(Problem::forbidden(
            "a request that changes something repeats the session's `csrf` in X-CSRF-Token",
        ));
    }
    Ok(())
}

/// Refuses what comes from another site, as far as the browser says so: it adds cookies, certificates and names with
/// pass-phrases by itself. A proxy may change the host, so what the browser itself has compared counts first.
pub(crate) fn check_site(parts: &Parts) -> Result<(), Problem> {
    let refused = || Problem::forbidden("this came from another site");
    if parts.method.is_safe() {
        return Ok(());
    }
    if let Some(site) = parts.headers.get("sec-fetch-site") {
        let is_ours = site == "same-origin" || site == "none";
        return if is_ours { Ok(()) } else { Err(refused()) };
    }
    if let Some(origin) = parts.headers.get(ORIGIN) {
        let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
        let origin = origin.as_ref().and_then(Uri::authority);
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
        let is_same =
            origin.is_some_and(|origin| host.is_some_and(|host| origin.as_str().eq_ignore_ascii_case(host)));
        if !is_same {
            return Err(refused());
        }
    }
    Ok(())
}
