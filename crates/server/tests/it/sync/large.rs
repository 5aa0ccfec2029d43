//! A lot at once: ATT&CK and a large list of indicators, both ways between two nodes.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use perisai_app::{ImportOptions, Pace, Stop};
use perisai_model::Tlp;

use super::{Running, pace};

/// How many lines of the large list go in a usual run; all of them where `PERISAI_WHOLE_LIST` is set.
const SAMPLE: usize = 20_000;

fn data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(name);
    if !path.exists() {
        eprintln!("skipped: no {}", path.display());
        return None;
    }
    Some(path)
}

/// Patience for a lot.
fn patient() -> Pace {
    let mut pace = pace();
    pace.limits.answer = Duration::from_secs(60);
    pace.limits.idle = Duration::from_secs(60);
    pace.limits.total = Duration::from_secs(600);
    pace.turn = Duration::from_secs(3600);
    pace
}

async fn node() -> Running {
    Running::with(std::sync::Arc::new(tempfile::TempDir::new().unwrap()), patient()).await
}

/// Takes a file into a collection.
async fn import(node: &Running, file: PathBuf, alias: &str) -> u64 {
    let (here, runtime) = (
        std::sync::Arc::clone(&node.node),
        tokio::runtime::Handle::current(),
    );
    let options = ImportOptions {
        tlp: Some(Tlp::Green),
        collection: Some(alias.to_owned()),
        ..ImportOptions::default()
    };
    let work = move || {
        here.import(&[file], &options, &Stop::default(), &runtime, &mut |_| {})
            .unwrap()
    };
    let done = tokio::task::spawn_blocking(work).await.unwrap();
    assert_eq!(done.apart, 0, "{:?}", done.problems.first());
    done.stored
}

/// What is in a file at one node comes to a second by pull, and to a third from there by push.
async fn there_and_on(file: PathBuf) {
    let (one, two, three) = (node().await, node().await, node().await);
    for (here, there, name) in [(&one, &two, "two"), (&two, &one, "one"), (&two, &three, "three")] {
        here.knows(there.own(), name, "community").await;
    }
    three.knows(two.own(), "two", "").await;
    one.basket("out", &[(two.own(), "r")]).await;
    two.basket("mix", &[]).await;
    three.basket("in", &[(two.own(), "w")]).await;
    let stored = import(&one, file, "out").await;
    let all = one.ids("out").await.len() as u64;
    // With who made what is no STIX.
    assert!(all > 1 && all <= stored + 1, "{all} of {stored}");
    two.peers_with(&one, "one", |peer| {
        peer.into = Some("mix".to_owned());
        // Neither of the files says how it may be shared.
        peer.tlp = Some(Tlp::Green);
    })
    .await;
    two.peers_with(&three, "three", |peer| {
        peer.pull = Some(Duration::ZERO);
        peer.push = Some("mix".to_owned());
    })
    .await;
    let begun = Instant::now();
    let state = two.syncs("one").await;
    eprintln!("{all} objects pulled in {:?}", begun.elapsed());
    assert_eq!(
        (state.stored, state.apart, state.refused),
        (all, 0, 0),
        "{state:?}"
    );
    let begun = Instant::now();
    let state = two.syncs("three").await;
    eprintln!("{} objects pushed in {:?}", state.sent, begun.elapsed());
    assert_eq!((state.sent, state.not_taken), (all, 0), "{state:?}");
    // With the identity of the second.
    assert_eq!(three.ids("in").await.len() as u64, all + 1);
    // Nothing new is one request each way, and quick.
    let begun = Instant::now();
    two.syncs("one").await;
    two.syncs("three").await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_attack() {
    let Some(path) = data("stix/enterprise-attack.json.gz") else {
        return;
    };
    there_and_on(path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_list() {
    let Some(path) = data("iocs/maltrail.txt.gz") else {
        return;
    };
    let is_whole = std::env::var_os("PERISAI_WHOLE_LIST").is_some();
    if is_whole {
        return there_and_on(path).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let sample = folder.path().join("list.txt");
    let lines = BufReader::new(GzDecoder::new(std::fs::File::open(path).unwrap()).take(64 << 20)).lines();
    let lines: Vec<_> = lines.take(SAMPLE).map(|line| line.unwrap()).collect();
    std::fs::write(&sample, lines.join("\n")).unwrap();
    there_and_on(sample).await;
}
