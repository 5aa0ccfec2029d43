//! Requests and answers over HTTP: credentials, redirects, patience, and what a status means.
//!
//! Credentials are for one server, the *home* of a transport. A redirect, or an address that another document names,
//! may lead elsewhere; what goes there carries neither a password nor our certificate, and it does not lead to what only
//! this machine or its network can reach.

mod body;
mod inward;
mod refusal;
mod tls;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use tokio::time::{Duration, Instant, timeout};
use url::{Origin, Url};

use self::body::{Pace, innermost};
use self::inward::{Guard, Inward, Lookup};
use self::refusal::refusal;
use crate::error::{Error, Result, clean, shown};
use crate::retry::Retry;

pub use body::Body;
pub use tls::Fingerprint;

const MAX_REDIRECTS: usize = 5;

/// How a node says who it is. A client certificate is given apart, in [`Settings::identity_pem`].
#[derive(Clone, Default)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// User and password (RFC 7617).
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token (RFC 6750).
    Bearer(String),
    /// A key that stands alone in `Authorization`, as MISP takes it.
    Key(String),
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic { .. } => "Basic(…)",
            Self::Bearer(_) => "Bearer(…)",
            Self::Key(_) => "Key(…)",
        })
    }
}

/// How much is taken, and how long is waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest body of an answer, unpacked, in bytes.
    pub body: u64,
    /// Until there is a connection.
    pub connect: Duration,
    /// Until an answer begins.
    pub answer: Duration,
    /// Until the next piece of an answer.
    pub idle: Duration,
    /// Until the end of an answer.
    pub total: Duration,
    /// The least that comes of an answer, in bytes a second, over each time as long as `idle`.
    pub speed: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 256 << 20,
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(15 * 60),
            speed: 1 << 10,
        }
    }
}

/// All that is set for a server.
#[derive(Clone, Default)]
pub struct Settings {
    /// Who we are.
    pub auth: Auth,
    /// Our certificate (and chain) and its key, in PEM, for mutual TLS.
    pub identity_pem: Option<Vec<u8>>,
    /// Authorities in PEM that are believed besides those of the system.
    pub ca_pem: Option<Vec<u8>>,
    /// Where there are any, only these server certificates are believed. Several, so that keys rotate with overlap.
    pub pins: Vec<Fingerprint>,
    /// How much, and how long.
    pub limits: Limits,
    /// How often.
    pub retry: Retry,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("auth", &self.auth)
            .field("identity_pem", &self.identity_pem.as_ref().map(|_| "…"))
            .field("pins", &self.pins)
            .field("limits", &self.limits)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// Connections to a server, with all that is set for it.
#[derive(Debug, Clone)]
pub struct Transport {
    home: Url,
    /// With our certificate.
    known: reqwest::Client,
    /// Without it.
    stranger: reqwest::Client,
    guard: Arc<Guard>,
    auth: Option<HeaderValue>,
    limits: Limits,
    retry: Retry,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Option<Bytes>,
    /// The longest answer, in bytes, where that is less than what the settings say.
    pub(crate) limit: Option<u64>,
}

/// A success, or 304.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

impl Request {
    pub(crate) fn get(url: Url, accept: &'static str) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: vec![(header::ACCEPT, accept.to_owned())],
            body: None,
            limit: None,
        }
    }

    pub(crate) fn post(url: Url, accept: &'static str, content_type: &'static str, body: Bytes) -> Self {
        let mut request = Self::get(url, accept);
        request.method = Method::POST;
        request
            .headers
            .push((header::CONTENT_TYPE, content_type.to_owned()));
        request.body = Some(body);
        request
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Transport {
    /// Connections to the server of an address. Nothing is sent yet. A user and password in the address are used where
    /// no other credentials are set.
    ///
    /// # Errors
    /// Where the address is not of HTTP, or certificates, keys or credentials cannot be read.
    pub fn new(home: &Url, settings: &Settings) -> Result<Self> {
        if !matches!(home.scheme(), "http" | "https") || home.host_str().is_none() {
            return Err(Error::setup(
                "address",
                "it begins with https:// (or http://) and names a server",
            ));
        }
        let guard = Arc::new(Guard::new(home));
        let stranger = client(settings, false, &guard)?;
        let known = match settings.identity_pem {
            Some(_) => client(settings, true, &guard)?,
            None => stranger.clone(),
        };
        let auth = match (&settings.auth, home.password()) {
            (Auth::None, Some(password)) => authorization(&Auth::Basic {
                user: decoded(home.username()),
                password: decoded(password),
            })?,
            (auth, _) => authorization(auth)?,
        };
        if auth.is_some() && home.scheme() == "http" && !is_loopback(home) {
            tracing::warn!(server = %shown(home), "credentials go over plain HTTP");
        }
        Ok(Self {
            home: home.clone(),
            known,
            stranger,
            guard,
            auth,
            limits: settings.limits,
            retry: settings.retry,
        })
    }

    pub(crate) fn retry(&self) -> &Retry {
        &self.retry
    }

    /// Sends a request and reads its whole answer, again where that may help.
    pub(crate) async fn whole(&self, request: &Request) -> Result<(StatusCode, HeaderMap, Vec<u8>)> {
        self.retry
            .run(|| async {
                let answer = self.send(request).await?;
                Ok((answer.status, answer.headers, answer.body.bytes().await?))
            })
            .await
    }

    /// Sends a request, follows redirects, and turns all but a success (and 304) into an error.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer> {
        let mut url = without_credentials(&request.url);
        // Once a server has sent us elsewhere, what comes after is strange, too.
        let mut trusted = true;
        for _ in 0..=MAX_REDIRECTS {
            trusted = trusted && is_same_server(&self.home, &url);
            let begun = Instant::now();
            let response = self.once(request, &url, trusted).await?;
            let status = response.status();
            if let Some(target) = redirect(&response, &url, request)? {
                tracing::debug!(from = %shown(&url), to = %shown(&target), "redirected");
                url = target;
                continue;
            }
            let headers = response.headers().clone();
            let body = Body {
                response: Box::new(response),
                url,
                limit: request
                    .limit
                    .map_or(self.limits.body, |limit| limit.min(self.limits.body)),
                idle: self.limits.idle,
                begun,
                total: self.limits.total,
                read: 0,
                pace: Pace::new(self.limits.speed),
            };
            if status.is_success() || status == StatusCode::NOT_MODIFIED {
                return Ok(Answer {
                    status,
                    headers,
                    body,
                });
            }
            let sent = request.body.as_ref().map_or(0, |body| body.len() as u64);
            return Err(refusal(status, &headers, body, sent).await);
        }
        Err(Error::Redirect {
            url: shown(&request.url),
            reason: format!("more than {MAX_REDIRECTS}, one after another").into(),
        })
    }

    async fn once(&self, request: &Request, url: &Url, trusted: bool) -> Result<reqwest::Response> {
        self.guard.check(url).map_err(|inward| not_asked(url, inward))?;
        let client = if trusted { &self.known } else { &self.stranger };
        let mut builder = client.request(request.method.clone(), url.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(auth) = self.auth.as_ref().filter(|_| trusted) {
            builder = builder.header(header::AUTHORIZATION, auth.clone());
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        // The time to connect counts apart.
        let patience = self.limits.connect + self.limits.answer;
        match timeout(patience, builder.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(failure(url, &error, self.limits.connect)),
            Err(_) => Err(Error::TimedOut {
                url: shown(url),
                what: "an answer",
                waited: patience,
            }),
        }
    }

    /// An address that a document of this server names: relative, or absolute. A server behind a proxy often takes
    /// itself for one without TLS; where only that differs, it is the server that was asked.
    pub(crate) fn resolve(&self, base: &Url, named: &str) -> Option<Url> {
        let mut url = base.join(named).ok()?;
        if url.scheme() == "http" && base.scheme() == "https" && url.host() == base.host() {
            url.set_scheme("https").ok()?;
            url.set_port(base.port()).ok()?;
        }
        matches!(url.scheme(), "http" | "https").then(|| without_credentials(&url))
    }
}

/// How TLS is spoken under some settings, for who makes connections of their own.
///
/// # Errors
/// Where certificates or keys cannot be read.
pub fn tls_config(settings: &Settings) -> Result<rustls::ClientConfig> {
    tls::config(settings, true)
}

/// What is wrong with the other side's certificate, where that is what a request failed of. `how` says how it is believed
/// where no authority has signed it.
pub fn tls_trouble(error: &(dyn std::error::Error + 'static), how: &str) -> Option<String> {
    cause(error).map(|error| clean(&tls::explain(error, how)))
}

fn client(settings: &Settings, identified: bool, guard: &Arc<Guard>) -> Result<reqwest::Client> {
    let limits = settings.limits;
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config(settings, identified)?)
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Lookup(Arc::clone(guard)))
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(limits.connect)
        .pool_idle_timeout(Duration::from_secs(30))
        .user_agent(concat!("perisai/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Error::setup("HTTP client", innermost(&error)))
}

fn authorization(auth: &Auth) -> Result<Option<HeaderValue>> {
    let text = match auth {
        Auth::None => return Ok(None),
        Auth::Basic { user, .. } if user.contains(':') => {
            return Err(Error::setup("user name", "it may have no colon in it"));
        }
        Auth::Basic { user, password } => {
            format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
        }
        Auth::Bearer(token) => format!("Bearer {token}"),
        Auth::Key(key) => key.clone(),
    };
    let mut value = HeaderValue::from_str(text.trim()).map_err(|_| {
        Error::setup(
            "credentials",
            "there are characters in them that no header may have",
        )
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

fn without_credentials(url: &Url) -> Url {
    let mut url = url.clone();
    // Both fail only where there is no host, and then there are no credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    url
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether credentials for `home` may go to `url`: the same scheme, host and port, or the same host with TLS added on
/// the usual ports.
fn is_same_server(home: &Url, url: &Url) -> bool {
    let upgraded = home.scheme() == "http" && url.scheme() == "https";
    let usual = home.port().is_none() && url.port().is_none();
    matches!(url.origin(), Origin::Tuple(..))
        && (home.origin() == url.origin() || upgraded && usual && home.host() == url.host())
}

/// Where an answer sends us; `None` where it is no redirect.
fn redirect(response: &reqwest::Response, url: &Url, request: &Request) -> Result<Option<Url>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let refuse = |reason: &str| Error::Redirect {
        url: shown(url),
        reason: reason.into(),
    };
    let location = response.headers().get(header::LOCATION);
    let target = location
        .and_then(|value| value.to_str().ok())
        .and_then(|text| url.join(text).ok())
        .ok_or_else(|| refuse("it does not say where to"))?;
    let target = without_credentials(&target);
    match (url.scheme(), target.scheme()) {
        ("https", "http") => return Err(refuse("it leads from https to http")),
        (_, "https") | ("http", "http") => {}
        _ => return Err(refuse("it leads to something else than http")),
    }
    if request.method != Method::GET {
        if matches!(response.status().as_u16(), 301..=303) {
            return Err(refuse("it would turn what is sent into a question"));
        }
        if !is_same_server(url, &target) {
            return Err(refuse("what is sent to one server is not given to another"));
        }
    }
    Ok(Some(target))
}

/// What a request that got no answer failed of.
fn failure(url: &Url, error: &reqwest::Error, connect: Duration) -> Error {
    if let Some(inward) = cause::<Inward>(error) {
        return not_asked(url, *inward);
    }
    if let Some(reason) = tls_trouble(error, "give its authority or pin it") {
        return Error::Tls {
            url: shown(url),
            reason: reason.into(),
        };
    }
    if error.is_timeout() {
        return Error::TimedOut {
            url: shown(url),
            what: "a connection",
            waited: connect,
        };
    }
    Error::Unreachable {
        url: shown(url),
        reason: clean(&innermost(error)).into(),
    }
}

fn not_asked(url: &Url, inward: Inward) -> Error {
    Error::Inward {
        url: shown(url),
        reason: inward.to_string().into(),
    }
}

/// The cause of a kind, where there is one.
fn cause<'a, T: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        // An I/O error hides what it carries from `source`.
        let carried = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if let Some(carried) = carried
            && let Some(found) = cause(carried)
        {
            return Some(found);
        }
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gets_credentials() {
        let check = |home: &str, url: &str, expected: bool| {
            let found = is_same_server(&home.parse().unwrap(), &url.parse().unwrap());
            assert_eq!(found, expected, "{home} {url}");
        };
        check("https://a.example/x", "https://a.example/y", true);
        check("https://a.example/x", "https://A.example:443/y", true);
        check("https://a.example/x", "https://a.example:8443/y", false);
        check("https://a.example/x", "http://a.example/y", false);
        check("http://a.example/x", "https://a.example/y", true);
        check("http://a.example:8080/x", "https://a.example/y", false);
        check("https://a.example/x", "https://b.a.example/y", false);
        check("https://a.example/x", "https://a.example.b.example/y", false);
    }

    #[test]
    fn named_addresses() {
        let check = |base: &str, named: &str, expected: Option<&str>| {
            let base: Url = base.parse().unwrap();
            let transport = Transport::new(&base, &Settings::default()).unwrap();
            let found = transport.resolve(&base, named);
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{base} {named}");
        };
        check(
            "https://a.example/taxii2/",
            "/api/",
            Some("https://a.example/api/"),
        );
        check(
            "https://a.example/taxii2/",
            "http://a.example/api/",
            Some("https://a.example/api/"),
        );
        check(
            "https://a.example:8443/taxii2/",
            "http://a.example:80/api/",
            Some("https://a.example:8443/api/"),
        );
        check(
            "https://a.example/taxii2/",
            "http://b.example/api/",
            Some("http://b.example/api/"),
        );
        check(
            "https://a.example/taxii2/",
            "https://u:p@b.example/api/",
            Some("https://b.example/api/"),
        );
        check("https://a.example/taxii2/", "ftp://a.example/", None);
        check("https://a.example/taxii2/", "https://", None);
    }
}
