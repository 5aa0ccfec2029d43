//! A node, as commands talk to it: over its API, wherever it runs. A node elsewhere is named by its address; one on this
//! machine is reached through the socket in its data folder; where none runs there, it is opened for as long as the
//! command lasts.

mod listing;
mod local;
mod names;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueHint};
use perisai_app::NodeSettings;
use perisai_exchange::{Fingerprint, Settings, tls_config, tls_trouble};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde_json::Value;
use tokio::runtime::Builder;

pub(crate) use self::listing::{Column, Listing, list};
use self::local::Local;
pub(crate) use self::names::Kind;

/// Where the token for a node elsewhere is: on a command line, all who use the machine could read it.
const TOKEN: &str = "PERISAI_TOKEN";

/// How a node is believed whose certificate no authority has signed.
const HOW: &str =
    "--pin names the certificate of one that is self-signed: the node says its SHA-256 when it starts";

/// How long it may take until there is a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Which node a command is for.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which node")]
pub(crate) struct Which {
    /// A node elsewhere, by its address; the token for it stands in PERISAI_TOKEN
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "config", "database"])]
    node: Option<Url>,
    /// SHA-256 of that node's certificate, where it is self-signed: the node says it when it starts
    #[arg(long, value_name = "SHA256", requires = "node")]
    pin: Vec<String>,
    /// The folder of a node on this machine, whether it runs or not
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data: Option<String>,
    /// That node's file of settings
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// That node's database of PostgreSQL
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

/// A node that answers.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<HeaderValue>,
}

impl Which {
    /// Whether a node was named at all.
    pub(crate) fn is_named(&self) -> bool {
        self.node.is_some() || self.data.is_some()
    }

    /// What the node is called: by its address, or its folder.
    pub(crate) fn name(&self) -> String {
        match (&self.node, &self.data) {
            (Some(url), _) => format!("node {}", url.as_str().trim_end_matches('/')),
            (None, Some(folder)) => format!("node {folder}"),
            (None, None) => "node".to_owned(),
        }
    }

    /// Lets a command work with the node, where there is one.
    pub(crate) fn with<T>(&self, work: impl AsyncFnOnce(&Client) -> anyhow::Result<T>) -> anyhow::Result<T> {
        self.run(false, work)
    }

    /// The same; a node on this machine is made where there is none.
    pub(crate) fn with_new<T>(
        &self,
        work: impl AsyncFnOnce(&Client) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.run(true, work)
    }

    fn run<T>(&self, make: bool, work: impl AsyncFnOnce(&Client) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let runtime = Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.context("no threads can be started")?;
        runtime.block_on(async {
            if let Some(url) = &self.node {
                return work(&self.remote(url)?).await;
            }
            let local = Local::open(self.settings()?, make).await?;
            let outcome = match client_of(local.socket()) {
                Ok(client) => work(&client).await,
                Err(error) => Err(error),
            };
            local.close().await;
            outcome
        })
    }

    /// The settings of the node on this machine.
    pub(crate) fn here(&self) -> anyhow::Result<NodeSettings> {
        match &self.node {
            Some(url) => bail!("--node {url}: this is done on the node's own machine"),
            None => self.settings(),
        }
    }

    fn settings(&self) -> anyhow::Result<NodeSettings> {
        let given = [("data", &self.data), ("database", &self.database)];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)));
        let flags: Vec<_> = given.collect();
        Ok(NodeSettings::load(
            self.config.as_deref(),
            std::env::vars(),
            &flags,
        )?)
    }

    fn remote(&self, url: &Url) -> anyhow::Result<Client> {
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
            bail!("--node {url}: an address begins with https:// and names a machine");
        }
        let token = std::env::var(TOKEN).ok();
        let token = token.ok_or_else(|| anyhow!("{TOKEN} holds no token for {url}"))?;
        let is_loopback = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if url.scheme() == "http" && !is_loopback {
            bail!("--node {url}: others could read the token on the way; use https");
        }
        let pins = self.pin.iter().map(|pin| pin.parse::<Fingerprint>());
        let pins: Vec<_> = pins.collect::<Result<_, _>>().context("--pin")?;
        Client::at(url, token.trim(), &pins)
    }
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .user_agent(concat!("perisai/", env!("CARGO_PKG_VERSION")))
}

fn client_of(socket: &std::path::Path) -> anyhow::Result<Client> {
    let http = builder()
        .tls_backend_preconfigured(tls_config(&Settings::default())?)
        .unix_socket(socket);
    Ok(Client {
        http: http.build().context("no client can be made")?,
        base: Url::parse("http://localhost/").expect("a plain address"),
        token: None,
    })
}

impl Client {
    /// A node at an address, by a token. Where there are fingerprints, its certificate has one of them.
    ///
    /// # Errors
    /// Where the token cannot stand in a header.
    pub(crate) fn at(url: &Url, token: &str, pins: &[Fingerprint]) -> anyhow::Result<Self> {
        let settings = Settings {
            pins: pins.to_vec(),
            ..Settings::default()
        };
        let http = builder().tls_backend_preconfigured(tls_config(&settings)?);
        let mut token = HeaderValue::try_from(format!("Bearer {token}")).context("that is no token")?;
        token.set_sensitive(true);
        let mut base = url.clone();
        base.set_path("/");
        Ok(Self {
            http: http.build().context("no client can be made")?,
            base,
            token: Some(token),
        })
    }

    /// Asks, and gives what is answered; an answer without a body is `null`.
    ///
    /// # Errors
    /// Where the node cannot be reached, or refuses: then with what it says.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let mut request = self.request(method, path)?;
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = self.send(request).await?;
        let bytes = answer.bytes().await.map_err(|error| self.unreached(&error))?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).context("the node's answer is not JSON: is it a node of Perisai?")
    }

    /// Asks for something.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(Method::GET, path, None).await
    }

    /// All items of a list, page by page.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub(crate) async fn all(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let query = after
                .as_deref()
                .map(|after| format!("?limit=500&after={}", encoded(after)));
            let mut page = self.get(&format!("{path}{}", query.unwrap_or_default())).await?;
            match page.take() {
                Value::Array(all) => return Ok(all),
                Value::Object(mut page) => {
                    if let Some(Value::Array(some)) = page.remove("items") {
                        items.extend(some);
                    }
                    after = page.get("next").and_then(Value::as_str).map(str::to_owned);
                }
                _ => bail!("the node's answer to {path} is no list"),
            }
            if after.is_none() {
                return Ok(items);
            }
        }
    }

    /// A request to be filled.
    ///
    /// # Errors
    /// Where the path is none.
    pub(crate) fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let url = self.base.join(path).with_context(|| path.to_owned())?;
        let request = self.http.request(method, url);
        Ok(match &self.token {
            Some(token) => request.header(AUTHORIZATION, token.clone()),
            None => request,
        })
    }

    /// Sends a request; a refusal is an error with what the node says.
    ///
    /// # Errors
    /// Where the node cannot be reached, or refuses.
    pub(crate) async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let answer = request.send().await.map_err(|error| self.unreached(&error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer.bytes().await.unwrap_or_default();
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        let detail = problem["detail"].as_str().filter(|detail| !detail.is_empty());
        let title = status.canonical_reason().unwrap_or("refused");
        Err(anyhow::Error::new(Refused {
            status: status.as_u16(),
            text: match detail {
                Some(detail) => detail.to_owned(),
                None => title.to_lowercase(),
            },
        }))
    }

    /// Why there was no answer, without what only says that there was none.
    pub(crate) fn unreached(&self, error: &reqwest::Error) -> anyhow::Error {
        if let Some(trouble) = tls_trouble(error, HOW) {
            return anyhow!("{}: {trouble}", self.base);
        }
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let cause = cause.to_string();
        // It answers a request in plain text with an alert of TLS.
        if self.base.scheme() == "http" && cause.contains("invalid HTTP version") {
            return anyhow!(
                "{}: it does not speak HTTP; where it speaks TLS, its address begins with https://",
                self.base
            );
        }
        match self.token {
            Some(_) => anyhow!("{}: {cause}", self.base),
            None => anyhow!("the node on this machine does not answer: {cause}"),
        }
    }
}

/// What the node refused.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The status.
    pub(crate) status: u16,
    text: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Refused {}

/// A text as a part of a path or a query.
pub(crate) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .map(|piece| if piece == "+" { "%20" } else { piece })
        .collect()
}

/// A query of those parts that are given.
pub(crate) fn query(parts: &[(&str, Option<String>)]) -> String {
    let given = parts.iter().filter_map(|(name, value)| {
        let value = value.as_deref()?;
        Some(format!("{name}={}", encoded(value)))
    });
    let given: Vec<_> = given.collect();
    if given.is_empty() {
        return String::new();
    }
    format!("?{}", given.join("&"))
}
