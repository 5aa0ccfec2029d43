//! `cargo xtask bench hunt`: plain indicators over generated logs, from a thousand to all of them, beside ripgrep and
//! grep where they are installed.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::measure::{Cost, best, bytes_under, installed, run};
use super::{perisai, shared};

/// One value of each kind that the large list lacks, so that every kind is looked for.
const OTHER_KINDS: &str = r#"kind,value
ipv6,2001:db8:dead::1
cidr,2001:db8:beef::/48
email-address,nobody@never-seen.example
sha512,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab
imphash,0123456789abcdef0123456789abcdef
file-name,never-seen.exe
file-path,C:\ProgramData\never seen\never.dll
registry-key,HKLM\Software\NeverSeen\Run
mutex,Global\NeverSeenMutex
user-agent,NeverSeen/9.9 (nowhere; none)
ja3,fedcba9876543210fedcba9876543210
ja4,t13d1516h2_8daaf6152771_b186095e22b6
x509-sha1,0123456789abcdef0123456789abcdef01234567
x509-sha256,0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
x509-serial,0badc0ffee0badc0ffee
asn,AS4200000001
mac,00:16:3e:fe:dc:ba
wallet,1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa
cve,CVE-2022-99999
process-name,neverseen.exe
command-line,never.exe --seen --anywhere
"#;

const SIZES: [usize; 4] = [1_000, 10_000, 100_000, usize::MAX];

/// Runs it. `--mb N`: the size of each of the six files (100).
pub(super) fn bench(arguments: &[String]) -> Result<()> {
    let megabytes = match arguments {
        [] => 100,
        [option, value] if option == "--mb" => value.parse().context("--mb takes a number")?,
        _ => bail!("usage: cargo xtask bench hunt [--mb N]"),
    };
    let perisai = perisai()?;
    let folder = super::folder();
    let logs = corpus(&folder, megabytes)?;
    let bytes = bytes_under(&logs)? as f64;
    println!(
        "six files, {:.0} MB in all; speeds in MB per processor second\n",
        bytes / 1e6
    );
    reading(&logs, bytes)?;

    println!(
        "\n{:>12} {:>9} {:>11} {:>9} {:>9} {:>9}",
        "indicators", "start-up", "processor", "speed", "clock", "memory"
    );
    let empty = folder.join("empty.log");
    fs::write(&empty, "")?;
    for size in SIZES {
        let list = list_of(&folder, size)?;
        let hunt = |at: &Path| hunt(&perisai, &list, at);
        let start = best(5, || hunt(&empty))?;
        let full = best(5, || hunt(&logs))?;
        let scan = full.cpu - start.cpu;
        println!(
            "{:>12} {:>7.2} s {:>9.2} s {:>9.0} {:>7.2} s {:>5.0} MiB",
            if size == usize::MAX {
                "1,424,553+20".to_owned()
            } else {
                format!("{size}+20")
            },
            start.cpu,
            full.cpu,
            bytes / 1e6 / scan,
            full.wall,
            full.memory,
        );
    }
    each_file(&perisai, &folder, &logs, &empty)?;
    peers(&folder, &logs, bytes)
}

fn hunt(perisai: &Path, list: &Path, logs: &Path) -> Command {
    let mut command = Command::new(perisai);
    command.args(["hunt", "--format", "jsonl", "--intel"]).arg(list);
    command
        .arg("--intel")
        .arg(list.with_file_name("other-kinds.csv"))
        .arg(logs);
    command
}

/// What it takes only to read the files.
fn reading(logs: &Path, bytes: f64) -> Result<()> {
    for (program, arguments) in [("cat", &[][..]), ("wc", &["-l"][..])] {
        let files = files(logs)?;
        let cost = best(3, || {
            let mut command = Command::new(program);
            command.args(arguments).args(&files);
            command
        })?;
        println!(
            "{:<28} {:>9.0}",
            format!("{program} {}", arguments.join(" ")),
            bytes / 1e6 / cost.cpu
        );
    }
    Ok(())
}

/// With a hundred thousand indicators, whose start-up hides no difference, file by file.
fn each_file(perisai: &Path, folder: &Path, logs: &Path, empty: &Path) -> Result<()> {
    let list = list_of(folder, 100_000)?;
    let start = best(5, || hunt(perisai, &list, empty))?;
    println!("\n100,000 indicators, file by file");
    for file in files(logs)? {
        let cost = best(5, || hunt(perisai, &list, &file))?;
        let name = file
            .file_name()
            .map(|name| name.display().to_string())
            .unwrap_or_default();
        let bytes = file.metadata()?.len() as f64;
        println!(
            "{name:<28} {:>9.0} {:>7.2} s by the clock",
            bytes / 1e6 / (cost.cpu - start.cpu),
            cost.wall
        );
    }
    Ok(())
}

/// What others take. Only the small lists: with all indicators they take hours.
fn peers(folder: &Path, logs: &Path, bytes: f64) -> Result<()> {
    println!("\nfixed strings, which are not the same question: `evil.com` is in `notevil.com`, too");
    for (program, arguments) in [("rg", &["-F", "-c", "-f"][..]), ("grep", &["-F", "-c", "-f"][..])] {
        if !installed(program) {
            println!("{program} is not installed");
            continue;
        }
        for size in [1_000, 100_000] {
            // grep takes minutes with more.
            if program == "grep" && size > 1_000 {
                continue;
            }
            let mut command = Command::new(program);
            command
                .args(arguments)
                .arg(list_of(folder, size)?)
                .args(files(logs)?);
            let Cost { cpu, memory, .. } = run(&mut command)?;
            println!(
                "{:<28} {:>9.0} {memory:>5.0} MiB",
                format!("{program} -F -f, {size} patterns"),
                bytes / 1e6 / cpu
            );
        }
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<_> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort_unstable();
    Ok(files)
}

/// The generated logs; made once for each size.
fn corpus(folder: &Path, megabytes: u64) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("other-kinds.csv"), OTHER_KINDS)?;
    let logs = folder.join(format!("logs-{megabytes}"));
    let done = logs.with_extension("truth.tsv");
    if !done.exists() {
        println!("generating {} MB of logs…", 6 * megabytes);
        let part = folder.join("part");
        let script = shared("bench/gen_logs.py")?;
        let list = shared("data/iocs/maltrail.txt.gz")?;
        let status = Command::new("python3")
            .args([&script, &list, &part])
            .arg(megabytes.to_string())
            .status()?;
        ensure!(status.success(), "the generator failed");
        let _ = fs::remove_dir_all(&logs);
        fs::rename(&part, &logs)?;
        fs::rename(part.with_extension("truth.tsv"), done)?;
    }
    Ok(logs)
}

/// The first so many lines of the large list, unpacked.
fn list_of(folder: &Path, size: usize) -> Result<PathBuf> {
    let packed = shared("data/iocs/maltrail.txt.gz")?;
    if size == usize::MAX {
        // As it is shipped: unpacking belongs to start-up.
        let copy = folder.join("all.txt.gz");
        fs::copy(&packed, &copy)?;
        return Ok(copy);
    }
    let path = folder.join(format!("{size}.txt"));
    if !path.exists() {
        let mut text = String::new();
        let unpacked = Command::new("gzip")
            .arg("-dc")
            .arg(&packed)
            .output()
            .context("gzip")?
            .stdout;
        (&unpacked[..]).read_to_string(&mut text)?;
        let mut file = File::create(&path)?;
        text.lines()
            .take(size)
            .try_for_each(|line| writeln!(file, "{line}"))?;
    }
    Ok(path)
}
