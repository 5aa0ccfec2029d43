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
        pick(kind, &all, name).map(|found| text(&found[kind.key()]))
    }

    /// Sources as the API names them, with commas between them as they are given: each by its name, or by that of its
    /// organisation.
    ///
    /// # Errors
    /// Where one is not known, several are meant, or the node cannot be asked.
    pub(crate) async fn source_names(&self, names: Option<&str>) -> anyhow::Result<Option<String>> {
        let Some(names) = names else {
            return Ok(None);
        };
        let Some(all) = self.all_if_allowed(Kind::Source).await? else {
            return Ok(Some(names.to_owned()));
        };
        let words = names.split(',').map(str::trim).filter(|word| !word.is_empty());
        let known = words.map(|word| pick(Kind::Source, &all, word).map(|found| text(&found["name"])));
        Ok(Some(known.collect::<anyhow::Result<Vec<_>>>()?.join(",")))
    }

    /// Puts beside each object the name of its source as people know it: a partner that sends is one by the id of its
    /// organisation.
    ///
    /// # Errors
    /// Where the node cannot be asked.
    pub(crate) async fn name_sources(&self, items: &mut [Value]) -> anyhow::Result<()> {
        let is_id = |item: &Value| {
            let source = item["source"].as_str();
            source.is_some_and(|source| Uuid::try_parse(source).is_ok())
        };
        let all = match items.iter().any(is_id) {
            true => self.all_if_allowed(Kind::Source).await?.unwrap_or_default(),
            false => Vec::new(),
        };
        for item in items {
            let known = all.iter().find(|one| one["name"] == item["source"]);
            let name = known.map(|known| known["organisation_name"].clone());
            let name = name.filter(|name| is_id(item) && name.is_string());
            item["source_name"] = name.unwrap_or_else(|| item["source"].clone());
        }
        Ok(())
    }

    /// All of a kind; `None` where the caller may not list them.
    async fn all_if_allowed(&self, kind: Kind) -> anyhow::Result<Option<Vec<Value>>> {
        match self.all(kind.path()).await {
            Err(error) if error.is::<super::Refused>() => Ok(None),
            all => all.map(Some),
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
        let Some(all) = self.all_if_allowed(Kind::Organisation).await? else {
            return Ok(());
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

/// The one that is called so: by its name, else, of a source, by that of its organisation.
fn pick<'a>(kind: Kind, all: &'a [Value], name: &str) -> anyhow::Result<&'a Value> {
    let is_called = |one: &Value, by: &str| {
        let known = one[by].as_str();
        known.is_some_and(|known| known.to_lowercase() == name.to_lowercase())
    };
    if let Some(found) = all.iter().find(|one| is_called(one, "name")) {
        return Ok(found);
    }
    let mut others = all.iter().filter(|one| is_called(one, "organisation_name"));
    match (others.next(), others.next()) {
        (None, _) => bail!("there is no {} `{name}`", kind.word()),
        (Some(found), None) => Ok(found),
        (Some(first), Some(second)) => {
            let named = [first, second]
                .into_iter()
                .chain(others)
                .map(|one| text(&one["name"]));
            let named: Vec<_> = named.collect();
            bail!("`{name}` has several sources: {}", named.join(", "))
        }
    }
}

fn text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_sources() {
        let all = [
            json!({"name": "import", "number": 1, "organisation_name": null}),
            json!({"name": "0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11", "number": 2, "organisation_name": "B CERT"}),
            json!({"name": "feed", "number": 3, "organisation_name": "C CERT"}),
            json!({"name": "c-cert", "number": 4, "organisation_name": "C CERT"}),
            json!({"name": "d cert", "number": 5, "organisation_name": "Import"}),
        ];
        let check = |name: &str, expected: Result<u64, &str>| {
            let found = pick(Kind::Source, &all, name);
            let found = found.map(|one| one["number"].as_u64().unwrap());
            assert_eq!(
                found.map_err(|error| error.to_string()),
                expected.map_err(str::to_owned),
                "{name}"
            );
        };
        check("Import", Ok(1));
        check("0b7a6e5c-5a0c-4b8e-8f3c-0d9c7f3c1a11", Ok(2));
        check("b cert", Ok(2));
        check("feed", Ok(3));
        check("C CERT", Err("`C CERT` has several sources: feed, c-cert"));
        check("nonsense", Err("there is no source `nonsense`"));
        check("", Err("there is no source ``"));
    }
}
