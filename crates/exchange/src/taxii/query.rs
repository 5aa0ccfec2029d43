//! What is asked of a collection: filters and paging (TAXII 2.1, sections 3.4 and 3.5).

use url::Url;

/// Which objects of a collection. An empty list does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matching {
    /// Ids.
    pub ids: Vec<String>,
    /// Types.
    pub types: Vec<String>,
    /// `first`, `last`, `all`, or times; without any the server gives the last version.
    pub versions: Vec<String>,
    /// Versions of STIX; without any the server gives the newest of each object.
    pub spec_versions: Vec<String>,
}

/// Which part of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// The filters.
    pub matching: Matching,
    /// Only what entered after this time.
    pub added_after: Option<String>,
    /// How many at most.
    pub limit: Option<u32>,
    /// Where the page before ended, as the server said.
    pub next: Option<String>,
}

impl Query {
    /// The address that asks this.
    pub(crate) fn on(&self, mut url: Url) -> Url {
        let lists = [
            ("match[id]", &self.matching.ids),
            ("match[type]", &self.matching.types),
            ("match[version]", &self.matching.versions),
            ("match[spec_version]", &self.matching.spec_versions),
        ];
        let mut pairs: Vec<(&str, String)> = lists
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(name, values)| (name, values.join(",")))
            .collect();
        pairs.extend(self.added_after.clone().map(|after| ("added_after", after)));
        pairs.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        pairs.extend(self.next.clone().map(|next| ("next", next)));
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |query: &Query, expected: &str| {
            let url = query.on("https://a.example/c/objects/".parse().unwrap());
            assert_eq!(url.as_str(), format!("https://a.example/c/objects/{expected}"));
        };
        check(&Query::default(), "");
        let query = Query {
            matching: Matching {
                types: vec!["indicator".to_owned(), "malware".to_owned()],
                ..Matching::default()
            },
            added_after: Some("2022-02-24T03:00:00.000000Z".to_owned()),
            limit: Some(5),
            next: Some("a&b=+ü".to_owned()),
        };
        check(
            &query,
            "?match%5Btype%5D=indicator%2Cmalware&added_after=2022-02-24T03%3A00%3A00.000000Z&limit=5&next=a%26b%3D%2B%C3%BC",
        );
    }
}
