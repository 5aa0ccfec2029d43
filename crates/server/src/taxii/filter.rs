//! What a query asks for (TAXII 2.1, section 3.4).

use axum::extract::Query;
use axum::http::Uri;
use perisai_store::VersionFilter;
use sha2::{Digest, Sha256};

use super::error::Refused;
use super::time;

/// Which fields `match[…]` may name at a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) id_and_type: bool,
    pub(super) version: bool,
}

impl Fields {
    pub(super) const ALL: Self = Self {
        id_and_type: true,
        version: true,
    };
    pub(super) const OBJECT: Self = Self {
        id_and_type: false,
        version: true,
    };
    pub(super) const VERSIONS: Self = Self {
        id_and_type: false,
        version: false,
    };

    fn has(self, field: &str) -> bool {
        match field {
            "id" | "type" => self.id_and_type,
            "version" => self.version,
            "spec_version" => true,
            _ => false,
        }
    }
}

/// What a query asks for. Lists that are empty ask for anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filters {
    /// Microseconds since 1970.
    pub(super) added_after: Option<i64>,
    pub(super) limit: Option<usize>,
    pub(super) next: Option<String>,
    pub(super) ids: Vec<String>,
    pub(super) types: Vec<String>,
    pub(super) specs: Vec<String>,
    pub(super) versions: Vec<VersionFilter>,
}

impl Filters {
    /// Reads a query. Parameters that TAXII does not know are passed over, but for fields to match.
    pub(super) fn read(uri: &Uri, fields: Fields) -> Result<Self, Refused> {
        let bad = Refused::BadRequest;
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|_| bad("the query cannot be read".to_owned()))?;
        let mut filters = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &pairs {
            let field = name
                .strip_prefix("match[")
                .and_then(|rest| rest.strip_suffix(']'));
            let is_known = match field {
                Some(field) if !fields.has(field) => {
                    return Err(bad(format!("`{}` is nothing to filter by here", clip(name))));
                }
                Some(_) => true,
                None => matches!(&**name, "added_after" | "limit" | "next"),
            };
            if !is_known {
                continue;
            }
            if seen.contains(&&**name) {
                return Err(bad(format!("`{name}` stands there twice")));
            }
            seen.push(name);
            match field {
                Some(field) => filters.field(field, value)?,
                None => filters.parameter(name, value)?,
            }
        }
        Ok(filters)
    }

    fn parameter(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        match name {
            "added_after" => {
                let time = time::read(value);
                let wrong =
                    || Refused::BadRequest(format!("`added_after`: `{}` is no timestamp", clip(value)));
                self.added_after = Some(time.ok_or_else(wrong)?);
            }
            "limit" => {
                let limit = limit(value);
                let wrong =
                    || Refused::BadRequest(format!("`limit`: `{}` is no number above 0", clip(value)));
                self.limit = Some(limit.ok_or_else(wrong)?);
            }
            _ => self.next = Some(value.to_owned()),
        }
        Ok(())
    }

    fn field(&mut self, field: &str, value: &str) -> Result<(), Refused> {
        let mut values: Vec<_> = value
            .split(',')
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect();
        values.sort_unstable();
        values.dedup();
        if values.is_empty() {
            return Err(Refused::BadRequest(format!("`match[{field}]` names nothing")));
        }
        match field {
            "id" => self.ids = values,
            "type" => self.types = values,
            "spec_version" => self.specs = values,
            _ => {
                self.versions = values
                    .iter()
                    .map(|value| version(value))
                    .collect::<Result<_, _>>()?
            }
        }
        Ok(())
    }

    /// A digest of all that decides what is found, so not of how much is given at a time, nor from where on.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        let mut add = |text: &str| {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        };
        add(&self.added_after.map(|time| time.to_string()).unwrap_or_default());
        for list in [&self.ids, &self.types, &self.specs] {
            add(&list.len().to_string());
            list.iter().for_each(|value| add(value));
        }
        let versions = self.versions.iter().map(|version| match version {
            VersionFilter::Last => "last".to_owned(),
            VersionFilter::First => "first".to_owned(),
            VersionFilter::All => "all".to_owned(),
            VersionFilter::At(time) => time.to_string(),
        });
        versions.for_each(|version| add(&version));
        digest.finalize().into()
    }
}

fn limit(text: &str) -> Option<usize> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // More digits than a number has are a large number.
    let limit = text.parse().unwrap_or(usize::MAX);
    (limit > 0).then_some(limit)
}

fn version(text: &str) -> Result<VersionFilter, Refused> {
    match text {
        "last" => Ok(VersionFilter::Last),
        "first" => Ok(VersionFilter::First),
        "all" => Ok(VersionFilter::All),
        time => time::read(time).map(VersionFilter::At).ok_or_else(|| {
            let what = "is neither `last`, `first`, `all` nor a timestamp";
            Refused::BadRequest(format!("`match[version]`: `{}` {what}", clip(time)))
        }),
    }
}

/// So much of what a client sent as is worth repeating.
fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(100)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, fields: Fields) -> Result<Filters, String> {
        let uri: Uri = format!("/?{query}").parse().unwrap();
        Filters::read(&uri, fields).map_err(|refused| refused.to_string())
    }

    #[test]
    fn queries_are_read() {
        let check = |query: &str, expected: Filters| {
            assert_eq!(read(query, Fields::ALL).as_ref(), Ok(&expected), "{query}");
        };
        let none = Filters::default();
        check("", none.clone());
        check("unknown=1&unknown=2&match=3", none.clone());
        let list = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        check(
            "limit=7&added_after=2022-02-24T05:00:00.000001Z&next=abc",
            Filters {
                limit: Some(7),
                added_after: Some(1_645_678_800_000_001),
                next: Some("abc".to_owned()),
                ..none.clone()
            },
        );
        check(
            "match[id]=b--1,a--1,b--1&match%5Btype%5D=indicator&match[spec_version]=2.1,2.0",
            Filters {
                ids: list(&["a--1", "b--1"]),
                types: list(&["indicator"]),
                specs: list(&["2.0", "2.1"]),
                ..none.clone()
            },
        );
        check(
            "match[version]=last,1970-01-01T00:00:01Z,first,all",
            Filters {
                versions: vec![
                    VersionFilter::At(1_000_000),
                    VersionFilter::All,
                    VersionFilter::First,
                    VersionFilter::Last,
                ],
                ..none.clone()
            },
        );
        let most = Filters {
            limit: Some(usize::MAX),
            ..none
        };
        check("limit=99999999999999999999999999", most);
    }

    #[test]
    fn queries_are_refused() {
        let check = |query: &str, fields: Fields, expected: &str| {
            assert_eq!(read(query, fields), Err(expected.to_owned()), "{query}");
        };
        let limit = |text: &str| format!("`limit`: `{text}` is no number above 0");
        for text in ["0", "-1", "ten", "", "1.5", "000", "0x10"] {
            check(&format!("limit={text}"), Fields::ALL, &limit(text));
        }
        check("limit=%2B5", Fields::ALL, &limit("+5"));
        check(
            "added_after=soon",
            Fields::ALL,
            "`added_after`: `soon` is no timestamp",
        );
        check("limit=1&limit=1", Fields::ALL, "`limit` stands there twice");
        check(
            "match[id]=a&match[id]=b",
            Fields::ALL,
            "`match[id]` stands there twice",
        );
        check(
            "match[name]=a",
            Fields::ALL,
            "`match[name]` is nothing to filter by here",
        );
        check("match[]=a", Fields::ALL, "`match[]` is nothing to filter by here");
        check("match[type]=,", Fields::ALL, "`match[type]` names nothing");
        check(
            "match[type]=a",
            Fields::OBJECT,
            "`match[type]` is nothing to filter by here",
        );
        check(
            "match[version]=all",
            Fields::VERSIONS,
            "`match[version]` is nothing to filter by here",
        );
        check(
            "match[version]=newest",
            Fields::ALL,
            "`match[version]`: `newest` is neither `last`, `first`, `all` nor a timestamp",
        );
    }

    #[test]
    fn digests_are_of_what_is_found() {
        let digest = |query: &str| read(query, Fields::ALL).unwrap().digest();
        let same = [
            "match[type]=a,b&added_after=2022-02-24T05:00:00Z",
            "added_after=2022-02-24T05:00:00.000Z&match[type]=b,a,a&limit=5&next=x",
        ];
        assert_eq!(digest(same[0]), digest(same[1]));
        let all = [
            "",
            "match[type]=a",
            "match[id]=a",
            "match[spec_version]=a",
            "match[type]=a,b",
            "match[version]=last",
            "match[version]=1970-01-01T00:00:01Z",
            "added_after=1970-01-01T00:00:01Z",
        ];
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                assert_ne!(digest(one), digest(other), "{one} {other}");
            }
        }
    }
}
