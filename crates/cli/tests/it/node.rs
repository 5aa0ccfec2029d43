//! The binary as a node: started in a folder, asked over HTTP, killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::tool::text;

/// What TAXII is spoken in.
const TAXII: &str = "application/taxii+json;version=2.1";

/// Where the objects of a collection are.
pub(crate) const OBJECTS: &str = "/taxii2/api/collections/basket/objects/";

/// A running node; it is killed with this.
pub(crate) struct Node {
    pub(crate) child: Child,
    pub(crate) client: Client,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Node {
    /// Starts a node in a folder, and waits until it listens. `before` is what a shell runs first; what the node logs
    /// goes to `node.log` in the folder. Its token is read on the first start, and kept in a file.
    pub(crate) fn start(folder: &Path, before: &str) -> Self {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("node.log"))
            .unwrap();
        let mut child = Command::new("sh")
            .args([
                "-c",
                &format!("{before} exec \"$0\" \"$@\""),
                env!("CARGO_BIN_EXE_perisai"),
            ])
            .args(["serve", "--plain", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.join("data"))
            .env("PERISAI_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let token = folder.join("token");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = lines.next().expect("the node starts").unwrap();
        let at = told.strip_prefix("Listening on http://").unwrap();
        let at = at.split('/').next().unwrap().parse().unwrap();
        let is_new = !token.exists();
        if is_new {
            let told = lines.next().expect("a first start tells a token").unwrap();
            std::fs::write(&token, told.rsplit(' ').next().unwrap()).unwrap();
        }
        let client = Client {
            at,
            token: std::fs::read_to_string(&token).unwrap(),
        };
        if is_new {
            let new = json!({"title": "Basket", "alias": "basket"});
            let made = client
                .post("/api/collections", new.to_string().as_bytes())
                .unwrap();
            assert_eq!(made.status, 201, "{}", text(folder));
        }
        Self { child, client }
    }

    /// Memory that it holds, and the most that it held, in KiB.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        (of("VmRSS:"), of("VmHWM:"))
    }
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

/// Whoever asks: a connection for each question, so that none is in the state of another.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) at: SocketAddr,
    pub(crate) token: String,
}

impl Client {
    pub(crate) fn get(&self, path: &str) -> std::io::Result<Answer> {
        let mut stream = self.begin("GET", path, "")?;
        read(&mut stream)
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> std::io::Result<Answer> {
        let length = format!("Content-Length: {}\r\n", body.len());
        let mut stream = self.begin("POST", path, &length)?;
        // It may be refused before all of it is sent.
        let _ = stream.write_all(body);
        read(&mut stream)
    }

    /// Opens a connection and sends the head of a request.
    pub(crate) fn begin(&self, method: &str, path: &str, headers: &str) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.at)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let media = if path.starts_with("/api") {
            "application/json"
        } else {
            TAXII
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nAccept: {media}\r\n\
             Content-Type: {media}\r\nConnection: close\r\n{headers}\r\n",
            self.at, self.token
        );
        stream.write_all(head.as_bytes())?;
        Ok(stream)
    }

    /// Waits until an answer is as it should be.
    pub(crate) fn until(&self, path: &str, good: impl Fn(&Answer) -> bool) -> Answer {
        let started = Instant::now();
        loop {
            let answer = self.get(path);
            match answer {
                Ok(answer) if good(&answer) => return answer,
                answer => assert!(
                    started.elapsed() < Duration::from_secs(30),
                    "{path}: {:?}",
                    answer.map(|answer| answer.body)
                ),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// All objects of the collection, page by page.
    pub(crate) fn all(&self) -> Vec<Value> {
        let (mut all, mut next) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{OBJECTS}?limit=1000{next}")).unwrap();
            assert_eq!(page.status, 200, "{}", page.body);
            let mut page = page.json();
            if let Some(objects) = page["objects"].as_array_mut() {
                all.append(objects);
            }
            match page["next"].as_str() {
                Some(cursor) => next = format!("&next={cursor}"),
                None => return all,
            }
        }
    }
}

/// Reads an answer, whose connection ends behind it.
pub(crate) fn read(stream: &mut TcpStream) -> std::io::Result<Answer> {
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    match (status, body) {
        (Some(status), Some(body)) if length.is_none_or(|length: usize| length == body.len()) => {
            Ok(Answer { status, body })
        }
        _ => Err(end.err().unwrap_or_else(|| std::io::Error::other("it broke off"))),
    }
}

/// An indicator of a number.
pub(crate) fn indicator(number: usize) -> Value {
    json!({
        "type": "indicator", "spec_version": "2.1",
        "id": format!("indicator--{number:08x}-0000-4000-8000-000000000000"),
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "name": format!("Gate {number}"), "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z",
        "pattern": format!("[domain-name:value = 'gate{number}.example']"),
        "object_marking_refs": ["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"],
    })
}

/// An envelope of indicators.
pub(crate) fn envelope(numbers: std::ops::Range<usize>) -> String {
    json!({ "objects": numbers.map(indicator).collect::<Vec<_>>() }).to_string()
}
