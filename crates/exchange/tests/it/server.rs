//! An HTTP server that does exactly what it is told, right or wrong.

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use perisai_exchange::{Limits, Retry, Settings};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

/// What a client asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let url = Url::parse("http://a.example/")
            .unwrap()
            .join(&self.target)
            .unwrap();
        let found = url.query_pairs().find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned())
    }
}

/// One thing that the server does. At the end it closes the connection.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Write(Vec<u8>),
    /// Says nothing until the client gives up.
    Hang,
    /// Writes this again and again, slowly.
    Drip(&'static str),
}

type Script = dyn Fn(usize, &Asked) -> Vec<Step> + Send + Sync;

pub(crate) struct Server {
    pub(crate) url: Url,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts one; the script gets the number of the request, from 0.
    pub(crate) async fn start(script: impl Fn(usize, &Asked) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::start_with(None, Arc::new(script)).await
    }

    pub(crate) async fn start_tls(
        acceptor: TlsAcceptor,
        script: impl Fn(usize, &Asked) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(Some(acceptor), Arc::new(script)).await
    }

    async fn start_with(acceptor: Option<TlsAcceptor>, script: Arc<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = match acceptor {
            Some(_) => format!("https://localhost:{port}/"),
            None => format!("http://127.0.0.1:{port}/"),
        };
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log, acceptor) = (Arc::clone(&script), Arc::clone(&log), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, &script, &log).await;
                            }
                        }
                        None => serve(stream, &script, &log).await,
                    }
                });
            }
        });
        Self {
            url: url.parse().unwrap(),
            asked,
        }
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    script: &Arc<Script>,
    log: &Mutex<Vec<Asked>>,
) {
    let Some(asked) = read(&mut stream).await else {
        return;
    };
    let steps = {
        let mut log = log.lock().unwrap();
        log.push(asked.clone());
        script(log.len() - 1, &asked)
    };
    for step in steps {
        match step {
            Step::Write(bytes) => drop(stream.write_all(&bytes).await),
            Step::Hang => drop(stream.read_to_end(&mut Vec::new()).await),
            Step::Drip(text) => loop {
                tokio::time::sleep(Duration::from_millis(50)).await;
                if stream.write_all(text.as_bytes()).await.is_err() {
                    break;
                }
            },
        }
    }
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut asked = Asked {
        method: first.next()?.to_owned(),
        target: first.next()?.to_owned(),
        headers,
        body: bytes[end + 4..].to_vec(),
    };
    let length: usize = asked
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while asked.body.len() < length {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        asked.body.extend_from_slice(&piece[..count]);
    }
    Some(asked)
}

/// An answer with a body, as a server gives it.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<Step> {
    let mut bytes = Vec::new();
    write!(
        bytes,
        "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    )
    .unwrap();
    for (name, value) in headers {
        write!(bytes, "{name}: {value}\r\n").unwrap();
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    vec![Step::Write(bytes)]
}

pub(crate) fn json(value: &serde_json::Value) -> Vec<Step> {
    answer(
        200,
        &[("Content-Type", "application/taxii+json;version=2.1")],
        value.to_string().as_bytes(),
    )
}

/// Little patience, so that tests are short.
pub(crate) fn impatient() -> Settings {
    Settings {
        limits: Limits {
            body: 64 << 10,
            connect: Duration::from_millis(500),
            answer: Duration::from_millis(300),
            idle: Duration::from_millis(300),
            total: Duration::from_millis(900),
            speed: 0,
        },
        retry: Retry {
            attempts: 2,
            first: Duration::from_millis(10),
            longest: Duration::from_millis(50),
        },
        ..Settings::default()
    }
}
