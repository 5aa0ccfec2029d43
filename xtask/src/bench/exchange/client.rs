//! A small client of HTTP/1.1 over one connection that stays open: no more than the servers measured here need, so that
//! what is measured is the server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

const TAXII: &str = "application/taxii+json;version=2.1";

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where a server is, and as whom it is asked.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) at: SocketAddr,
    /// The whole `Authorization` header; empty for nobody.
    pub(super) authorization: String,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    /// The body of an answer that is a success.
    pub(super) fn good(self) -> Result<String> {
        ensure!(
            (200..300).contains(&self.status),
            "the server answers {}: {:.300}",
            self.status,
            self.body
        );
        Ok(self.body)
    }
}

/// One connection. It is made anew where the server closed it.
pub(super) struct Client {
    server: Server,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    pub(super) fn new(server: &Server) -> Self {
        Self {
            server: server.clone(),
            stream: None,
        }
    }

    pub(super) fn get(&mut self, path: &str, accept: Accept) -> Result<Answer> {
        self.ask("GET", path, accept, &[])
    }

    pub(super) fn post(&mut self, path: &str, accept: Accept, body: &[u8]) -> Result<Answer> {
        self.ask("POST", path, accept, body)
    }

    fn ask(&mut self, method: &str, path: &str, accept: Accept, body: &[u8]) -> Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.server.at).context("no connection")?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                BufReader::with_capacity(256 * 1024, stream)
            }
        };
        let media = match accept {
            Accept::Taxii => TAXII,
            Accept::Json => "application/json",
        };
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAccept: {media}\r\n",
            self.server.at
        );
        if !self.server.authorization.is_empty() {
            head += &format!("Authorization: {}\r\n", self.server.authorization);
        }
        if method == "POST" {
            head += &format!("Content-Type: {media}\r\nContent-Length: {}\r\n", body.len());
        }
        head += "\r\n";
        stream.get_mut().write_all(head.as_bytes())?;
        stream.get_mut().write_all(body)?;
        let read = read(&mut stream).with_context(|| format!("no answer to {method} {path}"));
        let (answer, stays_open) = read?;
        if stays_open {
            self.stream = Some(stream);
        }
        Ok(answer)
    }
}

/// What is asked for, and sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Accept {
    Taxii,
    Json,
}

/// How the length of a body is told.
enum Length {
    Known(usize),
    Chunked,
    ToTheEnd,
}

/// An answer, and whether the connection stays open behind it.
fn read(stream: &mut BufReader<TcpStream>) -> Result<(Answer, bool)> {
    let first = line(stream)?;
    let mut words = first.split(' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().and_then(|status| status.parse().ok());
    let status = status.with_context(|| format!("no HTTP: {first:?}"))?;
    let mut length = Length::ToTheEnd;
    let mut stays_open = version == "HTTP/1.1";
    loop {
        let header = line(stream)?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        let value = value.trim();
        match &*name.to_ascii_lowercase() {
            "content-length" => length = Length::Known(value.parse().context("Content-Length")?),
            "transfer-encoding" => length = Length::Chunked,
            "connection" if value.eq_ignore_ascii_case("close") => stays_open = false,
            _ => {}
        }
    }
    let mut body = Vec::new();
    match length {
        Length::Known(length) => {
            body.resize(length, 0);
            stream.read_exact(&mut body)?;
        }
        Length::Chunked => chunks(stream, &mut body)?,
        Length::ToTheEnd => {
            stays_open = false;
            stream.read_to_end(&mut body)?;
        }
    }
    let body = String::from_utf8(body).context("an answer in UTF-8")?;
    Ok((Answer { status, body }, stays_open))
}

fn chunks(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> Result<()> {
    loop {
        let size = line(stream)?;
        let size = usize::from_str_radix(&size, 16).context("the size of a chunk")?;
        let start = body.len();
        body.resize(start + size, 0);
        stream.read_exact(&mut body[start..])?;
        line(stream)?;
        if size == 0 {
            return Ok(());
        }
    }
}

fn line(stream: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        bail!("the server closed the connection");
    }
    Ok(line.trim_end().to_owned())
}
