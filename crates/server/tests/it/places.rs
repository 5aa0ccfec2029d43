//! The folder of a node and its database belong together.

use perisai_app::{Node, NodeSettings};

use crate::backend::backends;

async fn refused(settings: &NodeSettings) -> String {
    Node::open(settings.clone()).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_folder_goes_with_one_database() {
    let (all, others) = (backends().await, backends().await);
    for (backend, other) in all
        .iter()
        .zip(&others)
        .filter(|(backend, _)| backend.name != "SQLite")
    {
        let settings = backend.settings();
        let node = Node::open(settings.clone()).await.unwrap();
        let own = node.store().own();
        drop(node);
        let files = || {
            let mut files: Vec<_> = std::fs::read_dir(&settings.data)
                .unwrap()
                .map(|file| file.unwrap().path())
                .map(|path| (path.clone(), std::fs::read(path).unwrap()))
                .collect();
            files.sort();
            files
        };
        let before = files();
        let elsewhere = NodeSettings {
            database: None,
            ..settings.clone()
        };
        let told = refused(&elsewhere).await;
        assert!(told.contains("name that with --database"), "{told}");
        // An empty one, then one with another node in it.
        let elsewhere = NodeSettings {
            data: settings.data.clone(),
            ..other.settings()
        };
        let told = refused(&elsewhere).await;
        assert!(told.contains("holds no node"), "{told}");
        drop(Node::open(other.settings()).await.unwrap());
        let mut told = refused(&elsewhere).await;
        while told.contains("is in use") {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            told = refused(&elsewhere).await;
        }
        assert!(told.contains("holds another node"), "{told}");
        assert!(files() == before, "nothing in the folder was changed");
        // It goes on where it was, and its chain is whole.
        let node = loop {
            match Node::open(settings.clone()).await {
                Ok(node) => break node,
                Err(error) => assert!(error.to_string().contains("is in use"), "{error}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        };
        assert_eq!(node.store().own(), own);
        assert!(node.audit().verify().await.unwrap().faults.is_empty());
    }
}
