//! What a node is told: a file, then the environment, then the command line; the later wins. All three fill one table, and
//! that is read once, so that a name means the same in each.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use perisai_model::Tlp;
use perisai_store::Location;
use serde::Deserialize;
use toml::{Table, Value};

/// What environment variables begin with; `tls.key` is `PERISAI_TLS_KEY`.
const PREFIX: &str = "PERISAI_";

/// All names there are, with what stands between a table and its key written as a dot.
const NAMES: &[&str] = &[
    "body_timeout",
    "contact",
    "data",
    "database",
    "default_tlp",
    "insecure",
    "listen",
    "log",
    "log_format",
    "max_content_length",
    "max_import",
    "page",
    "plain",
    "title",
    "tls.certificate",
    "tls.key",
    "trusted_proxies",
    "url",
];

/// What a node is told once, when it starts. Every name is optional; `docs/configuration.md` says what each means.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeSettings {
    /// The folder in which it keeps its keys and, where no database is named, all that it knows.
    pub data: PathBuf,
    /// A database of PostgreSQL: `postgres://…`.
    pub database: Option<String>,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The address under which others reach it, where that is another.
    pub url: Option<String>,
    /// Its certificate and key; a self-signed one is made where none is named.
    pub tls: Option<TlsFiles>,
    /// Whether it speaks plain HTTP.
    pub plain: bool,
    /// Whether it may speak that to others than this machine.
    pub insecure: bool,
    /// Proxies whose word on who calls counts.
    pub trusted_proxies: Vec<IpAddr>,
    /// Its name for people.
    pub title: String,
    /// Whom to write to.
    pub contact: Option<String>,
    /// How it holds what has no TLP marking.
    #[serde(deserialize_with = "tlp")]
    pub default_tlp: Tlp,
    /// The longest body that is taken, in bytes.
    pub max_content_length: u64,
    /// The longest file that our own people may send, in bytes.
    pub max_import: u64,
    /// For how long a sender may say nothing in the middle of a body (`30s`).
    #[serde(deserialize_with = "duration")]
    pub body_timeout: Duration,
    /// How many objects a page has at most.
    pub page: usize,
    /// What is told on standard error: `error warn info debug trace`, or `perisai_store=debug,info`.
    pub log: String,
    /// As what.
    pub log_format: LogFormat,
}

/// A certificate and its key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate, and those that lead to its root.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// An object of JSON.
    Json,
}

fn tlp<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Tlp, D::Error> {
    let label = String::deserialize(deserializer)?;
    let known = Tlp::from_label(&label);
    known.ok_or_else(|| serde::de::Error::custom("it is clear, green, amber, amber+strict or red"))
}

fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let span: jiff::SignedDuration = text.parse().map_err(serde::de::Error::custom)?;
    Duration::try_from(span).map_err(serde::de::Error::custom)
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            data: PathBuf::from("perisai-data"),
            database: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 6443)),
            url: None,
            tls: None,
            plain: false,
            insecure: false,
            trusted_proxies: Vec::new(),
            title: "Perisai".to_owned(),
            contact: None,
            default_tlp: Tlp::AmberStrict,
            max_content_length: 100 << 20,
            max_import: 4 << 30,
            body_timeout: Duration::from_secs(30),
            page: 1000,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
        }
    }
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no TOML, or says what it must not; with the line.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
    /// A variable or a flag says what it must not.
    #[error("{0}")]
    Value(String),
}

impl NodeSettings {
    /// Settings of a file, where one is named, of environment variables, and of flags (by their names in the file).
    ///
    /// # Errors
    /// Where the file cannot be read, names what there is not, or any value is of the wrong kind.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: &[(&str, String)],
    ) -> Result<Self, SettingsError> {
        let mut table = match file {
            Some(path) => of_file(path)?,
            None => Table::new(),
        };
        for (variable, value) in environment {
            let name = variable.strip_prefix(PREFIX).map(str::to_ascii_lowercase);
            let is_it = |known: &&&str| name.as_deref() == Some(&*known.replace('.', "_"));
            if let Some(name) = NAMES.iter().find(is_it) {
                check(&variable, name, &value)?;
                set(&mut table, name, &value);
            }
        }
        for (name, value) in flags {
            check(&format!("--{}", name.replace(['.', '_'], "-")), name, value)?;
            set(&mut table, name, value);
        }
        Self::deserialize(Value::Table(table)).map_err(|error| SettingsError::Value(one_line(&error)))
    }

    /// The node's certificate and its key in PEM, by which it is known to others as they reach it; `None` where it has none.
    pub(crate) fn certificate_and_key(&self) -> Option<Vec<u8>> {
        let (certificate, key) = match &self.tls {
            Some(files) => (files.certificate.clone(), files.key.clone()),
            None => (self.data.join("tls.crt"), self.data.join("tls.key")),
        };
        Some([fs::read(certificate).ok()?, fs::read(key).ok()?].concat())
    }

    /// Where the store is.
    #[must_use]
    pub fn location(&self) -> Location {
        match &self.database {
            Some(url) => Location::Postgres(url.clone()),
            None => Location::Folder(self.data.clone()),
        }
    }
}

/// The table of a file. It is read as settings at once: only then the line of what is wrong is known.
fn of_file(path: &Path) -> Result<Table, SettingsError> {
    let text = fs::read_to_string(path).map_err(|source| SettingsError::Read {
        path: path.to_owned(),
        source,
    })?;
    let told = |error: toml::de::Error| SettingsError::File {
        path: path.to_owned(),
        why: error.to_string().trim_end().to_owned(),
    };
    toml::from_str::<NodeSettings>(&text).map_err(told)?;
    toml::from_str(&text).map_err(told)
}

/// Refuses a value that cannot be one, under the name by which it was given.
fn check(given: &str, name: &str, text: &str) -> Result<(), SettingsError> {
    // A certificate and its key go together; both are paths, which any text is.
    if name.contains('.') {
        return Ok(());
    }
    let mut table = Table::new();
    set(&mut table, name, text);
    let read = NodeSettings::deserialize(Value::Table(table));
    read.map(drop)
        .map_err(|error| SettingsError::Value(format!("{given} is `{text}`: {}", why(&error))))
}

/// What is wrong with a value, in words for people.
fn why(error: &toml::de::Error) -> String {
    let Some((_, expected)) = error.message().rsplit_once(", expected ") else {
        return error.message().trim().to_owned();
    };
    let expected = match expected.trim() {
        "usize" | "u64" => "a whole number",
        "a boolean" => "true or false",
        "a sequence" => "a list: [\"10.0.0.1\"]",
        other => other,
    };
    format!("it has to be {expected}")
}

/// Sets a value, written as in the file; what is no number, truth value or list is a text.
fn set(table: &mut Table, name: &str, text: &str) {
    let value = match text.parse::<Value>() {
        Ok(value @ (Value::Integer(_) | Value::Boolean(_) | Value::Array(_))) => value,
        _ => Value::String(text.to_owned()),
    };
    match name.split_once('.') {
        None => drop(table.insert(name.to_owned(), value)),
        Some((inner, name)) => {
            let inner = table.entry(inner).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                inner.insert(name.to_owned(), value);
            }
        }
    }
}

fn one_line(error: &toml::de::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(
        file: &str,
        environment: &[(&str, &str)],
        flags: &[(&str, &str)],
    ) -> Result<NodeSettings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("perisai.toml");
        fs::write(&path, file).unwrap();
        let owned = |pair: &(&str, &str)| (pair.0.to_owned(), pair.1.to_owned());
        let flags: Vec<_> = flags
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        NodeSettings::load(Some(&path), environment.iter().map(owned), &flags).map_err(|error| {
            error
                .to_string()
                .replace(&path.display().to_string(), "perisai.toml")
        })
    }

    #[test]
    fn the_later_wins() {
        let file = "data = '/a'\ntitle = 'A'\nlisten = '127.0.0.1:1'\n[tls]\ncertificate = 'c'\nkey = 'k'";
        let environment = [
            ("PERISAI_TITLE", "B"),
            ("PERISAI_TLS_KEY", "l"),
            ("PERISAI_SERVICE_HOST", "x"),
            ("HOME", "/"),
        ];
        let settings = load(
            file,
            &environment,
            &[("title", "C"), ("page", "10"), ("insecure", "true")],
        )
        .unwrap();
        assert_eq!(settings.data, Path::new("/a"));
        assert_eq!(
            (&*settings.title, settings.page, settings.insecure),
            ("C", 10, true)
        );
        let tls = settings.tls.unwrap();
        assert_eq!((tls.certificate, tls.key), ("c".into(), "l".into()));
        assert_eq!(load("", &[], &[]).unwrap(), NodeSettings::default());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let check = |file: &str, environment: &[(&str, &str)], expected: &str| {
            let error = load(file, environment, &[]).unwrap_err();
            assert!(error.contains(expected), "{file}: {error}");
        };
        check(
            "lisen = '127.0.0.1:1'",
            &[],
            "perisai.toml: TOML parse error at line 1, column 1",
        );
        check(
            "lisen = '127.0.0.1:1'",
            &[],
            "unknown field `lisen`, expected one of",
        );
        check("\n[tls]\ncert = 'x'", &[], "line 3");
        check("page = 'many'", &[], "line 1");
        check(
            "default_tlp = 'blue'",
            &[],
            "clear, green, amber, amber+strict or red",
        );
        check(
            "",
            &[("PERISAI_BODY_TIMEOUT", "soon")],
            "PERISAI_BODY_TIMEOUT is `soon`: ",
        );
        check(
            "",
            &[("PERISAI_PAGE", "abc")],
            "PERISAI_PAGE is `abc`: it has to be a whole number",
        );
        check(
            "",
            &[("PERISAI_PLAIN", "maybe")],
            "PERISAI_PLAIN is `maybe`: it has to be true or false",
        );
        check(
            "",
            &[("PERISAI_TRUSTED_PROXIES", "10.0.0.1")],
            "it has to be a list",
        );
        check("", &[("PERISAI_LISTEN", "here")], "invalid socket address");
    }

    #[test]
    fn every_name_can_be_set_by_the_environment() {
        for name in NAMES {
            let mut table = Table::new();
            set(&mut table, name, "[7]");
            let error = NodeSettings::deserialize(Value::Table(table)).err();
            let is_known = error.is_none_or(|error| !error.to_string().contains("unknown field"));
            assert!(is_known, "{name}");
        }
    }
}
