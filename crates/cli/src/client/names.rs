//! What people call by a name, and the API by an id.

use anyhow::bail;
use serde_json::Value;
use uuid::Uuid;

use super::Client;

/// What has a name and an id: where it is listed, and how it is called.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Organisation,
    Group,
    User,
    Source,
}

impl Kind {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Organisation => "/api/organisations",
            Self::Group => "/api/groups",
            Self::User => "/api/users",
            Self::Source => "/api/sources",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::Group => "group",
            Self::User => "user",
            Self::Source => "source",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Source => "number",
            _ => "id",
        }
    }
}

impl Client {
    /// The id of what is called by its name, or by its id.
    ///
    /// # Errors
    /// Where there is none, or the node cannot be asked.
    pub(crate) async fn id_of(&self, kind: Kind, name: &str) -> anyhow::Result<String> {
        if !matches!(kind, Kind::Source)
            && let Ok(id) = Uuid::try_parse(name)
        {
            return Ok(id.to_string());
        }
        let all = self.all(kind.path()).await?;
        let is_it = |one: &&Value| {
            let known = one["name"].as_str();
            known.is_some_and(|known| known.to_lowercase() == name.to_lowercase())
        };
        match all.iter().find(is_it) {
            Some(found) => Ok(text(&found[kind.key()])),
            None => bail!("there is no {} `{name}`", kind.word()),
        }
    }

    /// The same, for what need not be said.
    ///
    /// # Errors
    /// As [`id_of`](Self::id_of).
    pub(crate) async fn maybe_id_of(&self, kind: Kind, name: Option<&str>) -> anyhow::Result<Option<String>> {
        match name {
            Some(name) => self.id_of(kind, name).await.map(Some),
            None => Ok(None),
        }
    }

    /// Puts names beside ids of organisations, where the caller may know them.
    ///
    /// # Errors
    /// Where the node cannot be asked.
    pub(crate) async fn name_organisations(&self, items: &mut [Value]) -> anyhow::Result<()> {
        if items.iter().all(|item| item["organisation"].is_null()) {
            return Ok(());
        }
        let all = match self.all(Kind::Organisation.path()).await {
            Err(error) if error.is::<super::Refused>() => return Ok(()),
            all => all?,
        };
        for item in items {
            let Some(named) = all.iter().find(|one| one["id"] == item["organisation"]) else {
                continue;
            };
            item["organisation_name"] = named["name"].clone();
        }
        Ok(())
    }
}

fn text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
