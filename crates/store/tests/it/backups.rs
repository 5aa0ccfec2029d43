//! Backups, from one database to the other, of this version and of earlier ones.

use perisai_model::Tlp;
use perisai_policy::Recipient;
use perisai_store::{NodeKey, Restore, Store};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::backend::{Backend, again, backends};
use crate::objects::{basket, read};
use crate::sample::{id, indicator, partner, take};

async fn dumped(store: &Store) -> Vec<Value> {
    let (send, mut receive) = tokio::sync::mpsc::channel::<Vec<u8>>(4);
    let pieces = async {
        let mut all = Vec::new();
        while let Some(piece) = receive.recv().await {
            all.extend_from_slice(&piece);
        }
        all
    };
    let dump = async {
        let done = store.dump(&send).await;
        drop(send);
        done
    };
    let (done, all) = tokio::join!(dump, pieces);
    done.unwrap();
    let text = String::from_utf8(all).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn restored(backend: &Backend, lines: &[Value]) -> Result<u64, perisai_store::Error> {
    let mut restore = Restore::into(&backend.location).await?;
    for line in lines {
        restore.line(&line.to_string()).await?;
    }
    let folder = tempfile::tempdir().unwrap();
    restore.end(&folder.path().join("audit.head")).await
}

/// The same as a version wrote it that had fewer tables and columns.
fn as_of_schema_2(lines: &[Value]) -> Vec<Value> {
    const NEW: [&str; 2] = ["told", "held"];
    let mut old = Vec::new();
    let (mut table, mut columns) = (String::new(), Vec::<String>::new());
    for line in lines {
        let mut line = line.clone();
        if let Some(name) = line.get("table").and_then(Value::as_str) {
            table = name.to_owned();
            columns = serde_json::from_value(line["columns"].clone()).unwrap();
        }
        let is_new = |at: usize| table == "copies" && NEW.contains(&&*columns[at]);
        let cells = match line.get("columns") {
            Some(_) => &mut line["columns"],
            None => &mut line,
        };
        if let Some(cells) = cells.as_array_mut() {
            let mut at = 0..;
            cells.retain(|_| !is_new(at.next().unwrap()));
        }
        if table == "facts" && line[0] == "schema" {
            line[1] = json!("2");
        }
        if table != "matching" || line.get("rows").is_some() {
            old.push(line);
        }
    }
    old
}

#[tokio::test]
async fn what_was_kept_is_there_again() {
    for from in backends().await {
        let store = from.open().await;
        let collection = basket(&store).await;
        let sources = [
            partner(&store, "a", Some(1)).await,
            partner(&store, "b", Some(2)).await,
        ];
        let object = indicator(1, 1, Some(Tlp::Clear));
        for source in sources {
            take(&store, source, Some(collection), std::slice::from_ref(&object)).await;
        }
        let lines = dumped(&store).await;
        let old = as_of_schema_2(&lines);
        assert!(old.len() < lines.len() && old != lines);
        for lines in [lines, old] {
            for to in backends().await {
                restored(&to, &lines).await.unwrap();
                let store = again(&to).await;
                let name = (from.name, to.name);
                assert_eq!(
                    read(&store, collection, None).await,
                    std::slice::from_ref(&object),
                    "{name:?}"
                );
                let found = store.view(Recipient::ANYBODY).object(&id("indicator", 1)).await;
                assert_eq!(found.unwrap().len(), 1, "{name:?}");
                // It goes on from there.
                let next = indicator(1, 2, Some(Tlp::Clear));
                take(&store, sources[0], None, std::slice::from_ref(&next)).await;
                let size = store.size().await.unwrap().objects;
                assert_eq!(size, 2, "{name:?}");
            }
        }
        let mut newer = dumped(&store).await;
        let schema = newer.iter_mut().find(|line| line[0] == "schema").unwrap();
        schema[1] = json!("1000");
        for to in backends().await {
            let error = restored(&to, &newer).await.unwrap_err();
            assert!(error.to_string().contains("newer version (1000"), "{error}");
        }
    }
}

/// Versions before kept them in clear, and so do their backups.
#[tokio::test]
async fn secrets_of_the_node_are_sealed_and_stay_the_same() {
    const CLEAR: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let folder = tempfile::tempdir().unwrap();
    let key = NodeKey::of_file(&folder.path().join("node.key")).unwrap();
    let kept = |lines: &[Value]| {
        let line = lines.iter().find(|line| line[0] == "id-seed").unwrap();
        line[1].as_str().unwrap().to_owned()
    };
    for from in backends().await {
        let store = from.open().await;
        let new = store.secret("id-seed", &key).await.unwrap();
        let lines = dumped(&store).await;
        let mut old = lines.clone();
        let line = old.iter_mut().find(|line| line[0] == "id-seed").unwrap();
        line[1] = json!(CLEAR);
        let of_clear: [u8; 32] = Sha256::digest(CLEAR).into();
        for (lines, expected) in [(lines, new), (old, of_clear)] {
            let to = backends().await.pop().unwrap();
            restored(&to, &lines).await.unwrap();
            let store = again(&to).await;
            for _ in 0..2 {
                assert_eq!(
                    store.secret("id-seed", &key).await.unwrap(),
                    expected,
                    "{}",
                    from.name
                );
            }
            let kept = kept(&dumped(&store).await);
            assert!(kept.starts_with("sealed:") && !kept.contains(CLEAR), "{kept}");
        }
    }
}
