//! The two nodes of the demo: that of a partner, who knows something, and that of the ministry, which is under attack. Both
//! are real and talk over TAXII 2.1; only their listening on this machine alone is not as it would be.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use perisai_app::{NodeSettings, Stop};
use perisai_server::start;
use reqwest::{Body, Method};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::{Client, encoded};
use crate::commands::intel;

/// A node that is served until it is stopped.
pub(super) struct Running {
    pub(super) client: Client,
    url: String,
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    async fn start(data: &Path, title: &str) -> anyhow::Result<Self> {
        let settings = NodeSettings {
            data: data.to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            plain: true,
            title: title.to_owned(),
            ..NodeSettings::default()
        };
        let ready = start(settings).await?;
        let address = ready.server.address().context("it does not listen")?;
        let token = ready
            .first_token
            .clone()
            .context("the folder holds a node already")?;
        let url = format!("http://{address}/");
        let client = Client::at(&url.parse()?, &token, &[])?;
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(ready.serve(async move {
            // Where its sender is gone, the demo is over.
            let _ = ended.await;
        }));
        Ok(Self {
            client,
            url,
            end,
            task,
        })
    }

    async fn stop(self) {
        drop(self.end);
        // It has told what went wrong in it.
        let _ = self.task.await;
    }

    /// The id of its own organisation.
    async fn own(&self) -> anyhow::Result<Value> {
        Ok(self.client.get("/api/session").await?["organisation"].clone())
    }

    async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.client.ask(Method::POST, path, Some(body)).await
    }
}

/// Both nodes.
pub(super) struct Nodes {
    pub(super) partner: Running,
    pub(super) ministry: Running,
}

impl Nodes {
    /// Starts them in two folders below one, and lets them know each other.
    pub(super) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let partner = Running::start(&folder.join("partner"), "CERT Halvia").await?;
        let ministry = Running::start(&folder.join("ministry"), "Ministry of Interior").await?;
        let nodes = Self { partner, ministry };
        nodes.introduce().await?;
        Ok(nodes)
    }

    async fn introduce(&self) -> anyhow::Result<()> {
        let (partner, ministry) = (&self.partner, &self.ministry);
        // The partner shares what it knows with the ministry, and takes what the ministry saw.
        let id = ministry.own().await?;
        let known = json!({"name": "Ministry of Interior of Rivenia", "id": id, "community": true});
        partner.post("/api/organisations", known).await?;
        let shared = json!({"alias": "shared", "title": "What we know", "query": {}});
        partner.post("/api/collections", shared).await?;
        partner
            .post(
                "/api/collections",
                json!({"alias": "seen", "title": "What partners saw"}),
            )
            .await?;
        for (collection, read, write) in [("shared", true, false), ("seen", false, true)] {
            let path = format!(
                "/api/collections/{collection}/rights/{}",
                id.as_str().unwrap_or_default()
            );
            let rights = json!({"read": read, "write": write});
            partner.client.ask(Method::PUT, &path, Some(rights)).await?;
        }
        let token = json!({"name": "the ministry's node", "organisation": id, "role": "partner"});
        let token = partner.post("/api/tokens", token).await?["secret"].take();
        // The ministry fetches the one, and sends sightings to the other.
        let known = json!({"name": "CERT Halvia", "id": partner.own().await?, "community": true});
        let id = ministry.post("/api/organisations", known).await?["id"].take();
        let outbox = json!({"alias": "sightings", "title": "What we saw", "query": {"types": ["sighting", "identity"]}});
        ministry.post("/api/collections", outbox).await?;
        let peer = json!({
            "name": "cert-halvia", "url": format!("{}taxii2/", partner.url), "token": token, "organisation": id,
            "collections": ["shared"], "push": "sightings", "push_to": "seen",
        });
        ministry.post("/api/peers", peer).await?;
        Ok(())
    }

    /// The partner takes in files of intelligence, all TLP:GREEN unless they say else. Gives how many objects that are.
    pub(super) async fn import(&self, folder: &Path) -> anyhow::Result<u64> {
        let mut problems = Vec::new();
        let mut stored = 0;
        for (path, place) in perisai_app::files_of(&[folder.to_owned()], &mut problems) {
            let Some(path) = path else { continue };
            let name = encoded(&place.to_string());
            let node = &self.partner.client;
            let request = node.request(
                Method::POST,
                &format!("/api/imports?source=own-work&tlp=green&name={name}"),
            )?;
            let file = tokio::fs::File::open(&path).await?;
            let answer = node.send(request.body(Body::from(file))).await?;
            let begun = serde_json::from_slice(&answer.bytes().await?)?;
            let job = intel::wait(node, begun, &Stop::default(), |_| "reading".to_owned()).await?;
            stored += job["work"]["stored"].as_u64().unwrap_or_default();
        }
        Ok(stored)
    }

    /// The ministry and its peer exchange what they have. Gives how many objects came, and how many went, in all.
    pub(super) async fn sync(&self) -> anyhow::Result<(u64, u64)> {
        let peer = self
            .ministry
            .client
            .ask(Method::POST, "/api/peers/cert-halvia/sync", None)
            .await?;
        let state = &peer["state"];
        if let Some(error) = state["last_error"].as_str() {
            anyhow::bail!("the ministry's node cannot reach the other: {error}");
        }
        let number = |what: &str| state[what].as_u64().unwrap_or_default();
        Ok((number("stored"), number("sent")))
    }

    /// All that the ministry's node has to hunt with.
    pub(super) async fn fetch(&self) -> anyhow::Result<NamedTempFile> {
        super::super::hunt::download(&self.ministry.client).await
    }

    /// The ministry's node keeps what was seen.
    pub(super) async fn tell(&self, sightings: &[Value]) -> anyhow::Result<()> {
        super::super::hunt::tell(&self.ministry.client, sightings)
            .await
            .map(|_| ())
    }

    /// What the partner learned, the most often seen first: name, how often, first, last.
    pub(super) async fn seen(&self) -> anyhow::Result<Vec<Seen>> {
        let node = &self.partner.client;
        let found = node.get("/api/objects?type=sighting&limit=500").await?;
        let mut all = Vec::new();
        for item in found["items"].as_array().into_iter().flatten() {
            let sighting = &item["object"];
            let id = sighting["sighting_of_ref"].as_str().unwrap_or_default();
            let versions = node.get(&format!("/api/objects/{}", encoded(id))).await?;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            all.push(Seen {
                name: text(&versions[0]["object"]["name"]),
                count: sighting["count"].as_u64().unwrap_or_default(),
                first: text(&sighting["first_seen"]),
                last: text(&sighting["last_seen"]),
            });
        }
        all.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        Ok(all)
    }

    pub(super) async fn stop(self) {
        self.partner.stop().await;
        self.ministry.stop().await;
    }
}

/// An indicator that the ministry saw, as the partner reads it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) count: u64,
    pub(super) first: String,
    pub(super) last: String,
}
