//! A PostgreSQL for the tests: Debian's package, a temporary cluster that listens on a socket only, and goes when the tests
//! end.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{execute, succeeds};

/// Where tests look for it: the URL of a database in which databases can be made.
const VARIABLE: &str = "PERISAI_TEST_POSTGRES";

/// The user of Debian's package, whom the server runs as: it refuses root.
const USER: &str = "postgres";

/// A running cluster; dropped, it is stopped and removed.
pub(crate) struct Postgres {
    folder: PathBuf,
    programs: PathBuf,
}

impl Postgres {
    /// Starts one; installs the package where it is missing and that is possible.
    pub(crate) fn start() -> Result<Self> {
        let programs = match programs() {
            Some(found) => found,
            None => install()?,
        };
        let folder = env::temp_dir().join(format!("perisai-postgres-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        if is_root() {
            execute(Command::new("chown").arg(USER).arg(&folder))?;
        }
        let cluster = Self { folder, programs };
        let data = cluster.folder.join("data");
        execute(cluster.program("initdb").arg("-D").arg(&data).args([
            "-A",
            "trust",
            "-U",
            USER,
            "--no-sync",
        ]))?;
        // Nothing here outlasts the tests, so nothing waits for the disk.
        let options = format!(
            "-c listen_addresses= -c unix_socket_directories={} -c fsync=off -c max_connections=300",
            cluster.folder.display()
        );
        let mut start = cluster.program("pg_ctl");
        start.arg("-D").arg(&data).arg("-o").arg(options);
        execute(
            start
                .arg("-l")
                .arg(cluster.folder.join("log"))
                .args(["-w", "start"]),
        )?;
        Ok(cluster)
    }

    /// Tells a command where it is.
    pub(crate) fn show_to(&self, command: &mut Command) {
        let url = format!("postgres:///postgres?host={}&user={USER}", self.folder.display());
        command.env(VARIABLE, url);
    }

    fn program(&self, name: &str) -> Command {
        as_user(&self.programs.join(name))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = self.program("pg_ctl");
        stop.arg("-D")
            .arg(self.folder.join("data"))
            .args(["-m", "immediate", "stop"]);
        succeeds(&mut stop);
        // What stays behind is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A program as the user of the package, where we are root.
fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", USER, "--"]).arg(program);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

/// The folder of the newest server's programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<_> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
    found.retain(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file());
    found.sort_by_key(|folder| version_of(folder));
    found.pop()
}

fn version_of(folder: &Path) -> u32 {
    let name = folder.parent().and_then(Path::file_name);
    name.and_then(|name| name.to_str()?.parse().ok()).unwrap_or(0)
}

fn install() -> Result<PathBuf> {
    if !is_root() {
        bail!("PostgreSQL is missing: install it (Debian: postgresql), or run `cargo xtask test --no-peers`");
    }
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
        command
    };
    succeeds(apt().arg("update"));
    execute(apt().args(["install", "-y", "--no-install-recommends", "postgresql"]))
        .context("PostgreSQL cannot be installed (`cargo xtask test --no-peers` does without)")?;
    programs().context("PostgreSQL was installed, but its programs are not where they should be")
}
