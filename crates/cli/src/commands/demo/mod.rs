//! `perisai demo`: two nodes, and the examples that are built into the binary.

mod nodes;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use include_dir::{Dir, include_dir};
use perisai_app::Format;
use perisai_app::hunt::Settings;

use tokio::runtime::{Builder, Runtime};

use self::nodes::Nodes;
use super::hunt;
use crate::Outcome;
use crate::output::report;

/// How many sightings are shown.
const SHOWN: usize = 5;

static EXAMPLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../examples");

/// Show two nodes: a partner's that knows an attack, and a made-up ministry's that hunts it; learn what to try next
///
/// The ministry's node takes what the partner's has, hunts through the ministry's logs with it, and tells the partner what
/// was seen. Logs and intelligence come with the program; they are written to a folder, so that you can look at them and go on
/// from there. Two nodes run on this machine while the demo lasts, and can be reached from nowhere else.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where to put the example files
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Demo {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let mut is_left = false;
        let folder = match self.dir {
            Some(folder) => unpack(&folder)?,
            None if Path::new("examples/intel").is_dir() && Path::new("examples/logs").is_dir() => {
                "examples".into()
            }
            // A folder with a name that nobody can foresee: nobody can have laid a link there.
            None => {
                is_left = true;
                unpack(&tempfile::Builder::new().prefix("perisai-demo-").tempdir()?.keep())?
            }
        };
        let mut out = io::stdout();
        let runtime = Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.context("no threads can be started")?;
        // Nothing of the nodes themselves is of use afterwards.
        let nodes = tempfile::tempdir()?;
        if !play(&runtime, nodes.path(), &folder, &mut out)? {
            return Ok(Outcome::Interrupted);
        }
        next(&folder, &mut out)?;
        if is_left {
            writeln!(
                out,
                "\nThe example files stay in {} until you delete them; --dir puts them elsewhere.",
                folder.display()
            )?;
        }
        Ok(Outcome::Done)
    }
}

/// The story. False: it was ended before the logs were searched.
fn play(runtime: &Runtime, nodes: &Path, folder: &Path, out: &mut dyn Write) -> anyhow::Result<bool> {
    let at = |name: &str| folder.join(name);
    writeln!(
        out,
        "On 24 February 2022 a wiper was set loose in the Ministry of Interior of Rivenia, a made-up country. A partner,\n\
         CERT Halvia, knew something of it. Each has a node; both run on this machine now and talk over TAXII 2.1.\n"
    )?;
    let nodes = runtime.block_on(Nodes::start(nodes))?;
    let known = runtime.block_on(nodes.import(&at("intel")))?;
    writeln!(
        out,
        "The partner's node takes in what it knows ({}), as TLP:GREEN: {known} objects.",
        at("intel").display()
    )?;
    let (pulled, _) = runtime.block_on(nodes.sync())?;
    writeln!(
        out,
        "The ministry's node pulls what it may have: {pulled} objects."
    )?;
    let fetched = runtime.block_on(nodes.fetch())?;
    writeln!(
        out,
        "The ministry hunts its logs with that ({}):\n",
        at("logs").display()
    )?;
    const NODE: &str = "the ministry's node";
    let settings = Settings {
        fetched: vec![(fetched.path().to_owned(), NODE.to_owned())],
        warninglists: vec![at("warninglists")],
        logs: vec![at("logs")],
        ..Settings::default()
    };
    let Some((_, sightings)) = hunt::run(settings, Format::Text, None, 12, Some(NODE))? else {
        return Ok(false);
    };
    runtime.block_on(nodes.tell(&sightings))?;
    runtime.block_on(nodes.sync())?;
    let seen = runtime.block_on(nodes.seen())?;
    writeln!(
        out,
        "\nThe ministry tells its partner what it saw, and of no asset. The partner's node has {} sightings now:\n",
        seen.len()
    )?;
    for one in seen.iter().take(SHOWN) {
        let (first, last) = (
            one.first.get(..16).unwrap_or("?"),
            one.last.get(..16).unwrap_or("?"),
        );
        writeln!(
            out,
            "  {:>4} times, {first} to {last}  {}",
            one.count,
            report::clean(&one.name)
        )?;
    }
    runtime.block_on(nodes.stop());
    Ok(true)
}

/// What to try after that.
fn next(folder: &Path, out: &mut dyn Write) -> io::Result<()> {
    let hunt = format!(
        "perisai hunt --intel {0}/intel --warninglists {0}/warninglists",
        folder.display()
    );
    writeln!(out, "\nTry next:\n")?;
    for (command, what) in [
        (
            format!("{hunt} --format html -o report.html {}/logs", folder.display()),
            "a report with a time line and an ATT&CK matrix",
        ),
        (
            format!("{hunt} --format jsonl {}/logs", folder.display()),
            "every finding, for other programs",
        ),
        (
            "perisai hunt --intel YOUR-LIST /var/log".to_owned(),
            "your own list, your own logs",
        ),
        (
            "perisai serve --data my-node".to_owned(),
            "a node of your own: docs/run-a-node.md",
        ),
        ("perisai hunt --help".to_owned(), "all options"),
    ] {
        writeln!(out, "  {command}\n      {what}")?;
    }
    Ok(())
}

/// Writes the example files to a folder. Nothing that stands there is written over, unless it is the same.
fn unpack(folder: &Path) -> anyhow::Result<PathBuf> {
    if let Some(taken) = taken(&EXAMPLES, folder) {
        anyhow::bail!(
            "{} is there already, and is not the example of that name: nothing was written; give a folder that is empty \
             or new",
            taken.display()
        );
    }
    std::fs::create_dir_all(folder)
        .and_then(|()| EXAMPLES.extract(folder))
        .with_context(|| format!("the example files cannot be written to {}", folder.display()))?;
    Ok(folder.to_owned())
}

/// The first file of the user's that an example would be written over.
fn taken(examples: &Dir<'_>, folder: &Path) -> Option<PathBuf> {
    let is_other = |path: &Path, bytes: &[u8]| match std::fs::symlink_metadata(path) {
        Err(error) => error.kind() != io::ErrorKind::NotFound,
        Ok(metadata) => !metadata.is_file() || std::fs::read(path).ok().as_deref() != Some(bytes),
    };
    let mut files = examples
        .files()
        .map(|file| (folder.join(file.path()), file.contents()));
    let other = files
        .find(|(path, bytes)| is_other(path, bytes))
        .map(|(path, _)| path);
    other.or_else(|| examples.dirs().find_map(|below| taken(below, folder)))
}
