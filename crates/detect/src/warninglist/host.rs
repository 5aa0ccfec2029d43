//! How far up a listed host speaks of the hosts below it.

use perisai_model::{Kind, WarninglistCategory};

/// The host of a domain or an e-mail address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Host<'a> {
    name: &'a str,
    /// The length of the part that one owner registered, by the public suffix list with its private section.
    own: usize,
}

impl<'a> Host<'a> {
    /// The host of a value in lower case; `None` for kinds that have none or, like URLs, say more than it.
    pub(super) fn of(kind: Kind, value: &'a str) -> Option<Self> {
        let name = match kind {
            Kind::Domain => value,
            Kind::EmailAddress => value.rsplit_once('@')?.1,
            _ => return None,
        };
        let own = psl::domain_str(name).map_or(name.len(), str::len);
        Some(Self { name, own })
    }

    /// All of it.
    pub(super) fn name(self) -> &'a str {
        self.name
    }

    /// The host and its parents, longest first.
    pub(super) fn parents(self) -> impl Iterator<Item = &'a str> {
        std::iter::successors(Some(self.name), |name| {
            name.split_once('.').map(|(_, parent)| parent)
        })
    }

    /// The site that a `www` of the same owner stands for.
    pub(super) fn without_www(self) -> Option<&'a str> {
        self.name
            .strip_prefix("www.")
            .filter(|site| site.len() >= self.own)
    }

    /// True where a listed parent of that length speaks of this host. `amazonaws.com` in a list of well-known sites says
    /// nothing of what a customer calls `evil.s3.amazonaws.com`; that it is in a cloud can be said of it nevertheless.
    pub(super) fn reached_from(self, length: usize, category: WarninglistCategory) -> bool {
        category == WarninglistCategory::Known || length >= self.own
    }
}
