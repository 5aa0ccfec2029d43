//! Certificates of partners, known by their SHA-256 alone. An organisation may have several at a time, so that keys rotate
//! with overlap.

use perisai_model::Organisation;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Fingerprint, check_organisation, exists, missing, name, rows};
use crate::parties::uuid;
use crate::sql::{execute, fetch, fetch_one};
use crate::store::now;
use crate::{Error, Store};

/// A certificate that names a partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its SHA-256.
    pub fingerprint: Fingerprint,
    /// Whom it names.
    pub organisation: Organisation,
    /// What it is for.
    pub name: String,
    /// When it was added, in microseconds since 1970.
    pub added: i64,
    /// From when on it does not count.
    pub valid_until: Option<i64>,
    /// When it was revoked.
    pub revoked: Option<i64>,
}

/// What is said of a certificate that is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCertificate {
    /// Its SHA-256.
    pub fingerprint: Fingerprint,
    /// Whom it names.
    pub organisation: Organisation,
    /// What it is for.
    pub name: String,
    /// From when on it does not count, in microseconds since 1970.
    pub valid_until: Option<i64>,
}

impl Certificate {
    fn read(row: &AnyRow) -> Result<Self, Error> {
        let fingerprint: String = row.try_get(0)?;
        Ok(Self {
            fingerprint: fingerprint
                .parse()
                .map_err(|_| Error::Damaged(format!("`{fingerprint}` is no fingerprint")))?,
            organisation: Organisation(uuid(row, 1)?),
            name: row.try_get(2)?,
            added: row.try_get(3)?,
            valid_until: row.try_get(4)?,
            revoked: row.try_get(5)?,
        })
    }

    /// Whether it counts at a time, in microseconds since 1970.
    #[must_use]
    pub fn counts_at(&self, time: i64) -> bool {
        self.revoked.is_none() && self.valid_until.is_none_or(|until| time < until)
    }
}

impl Store {
    /// The certificates of an organisation, or all; by fingerprint: those after one, as many as asked for and a thousand
    /// at most.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn certificates(
        &self,
        organisation: Option<Organisation>,
        after: Option<Fingerprint>,
        limit: usize,
    ) -> Result<Vec<Certificate>, Error> {
        let sql = "SELECT fingerprint, organisation, name, added, valid_until, revoked FROM certificates \
                   WHERE fingerprint > $1 AND ($2 = '' OR organisation = $2) ORDER BY fingerprint LIMIT $3";
        let mut connection = self.reader().await?;
        let all = fetch(&mut connection, sql, |values| {
            let values = values.text(&after.map(|one| one.to_string()).unwrap_or_default());
            let values = values.text(&organisation.map(|one| one.0.to_string()).unwrap_or_default());
            values.int(rows(limit))
        });
        all.await?.iter().map(Certificate::read).collect()
    }

    /// The certificate of a fingerprint, where it counts: neither past its time nor revoked.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn certificate_of(&self, fingerprint: Fingerprint) -> Result<Option<Certificate>, Error> {
        let sql = "SELECT fingerprint, organisation, name, added, valid_until, revoked FROM certificates \
                   WHERE fingerprint = $1";
        let mut connection = self.reader().await?;
        let row = fetch_one(&mut connection, sql, |values| {
            values.text(&fingerprint.to_string())
        })
        .await?;
        let found = row.as_ref().map(Certificate::read).transpose()?;
        Ok(found.filter(|certificate| certificate.counts_at(now())))
    }

    /// Adds a certificate. One that was revoked never comes back.
    ///
    /// # Errors
    /// Where it was added before, the organisation is not known, or the database fails.
    pub async fn add_certificate(&self, new: NewCertificate) -> Result<Certificate, Error> {
        let certificate = Certificate {
            fingerprint: new.fingerprint,
            organisation: new.organisation,
            name: name("certificate", &new.name)?,
            added: now(),
            valid_until: new.valid_until,
            revoked: None,
        };
        self.to_the_end(|store| async move {
            let _writer = store.writer().await;
            let mut transaction = store.begin().await?;
            check_organisation(&mut transaction, &store, certificate.organisation).await?;
            let sql = "INSERT INTO certificates (fingerprint, organisation, name, added, valid_until) \
                       VALUES ($1, $2, $3, $4, $5) ON CONFLICT (fingerprint) DO NOTHING";
            let added = execute(&mut transaction, sql, |values| {
                let values = values.text(&certificate.fingerprint.to_string());
                let values = values
                    .text(&certificate.organisation.0.to_string())
                    .text(&certificate.name);
                values.int(certificate.added).maybe_int(certificate.valid_until)
            });
            if added.await? == 0 {
                return Err(exists("certificate", certificate.fingerprint));
            }
            transaction.commit().await?;
            Ok(certificate)
        })
        .await
    }

    /// Revokes a certificate; once revoked it stays so.
    ///
    /// # Errors
    /// Where there is none of that fingerprint, or the database fails.
    pub async fn revoke_certificate(&self, fingerprint: Fingerprint) -> Result<(), Error> {
        self.to_the_end(move |store| async move {
            let _writer = store.writer().await;
            let mut transaction = store.begin().await?;
            let sql = "UPDATE certificates SET revoked = coalesce(revoked, $1) WHERE fingerprint = $2";
            let text = fingerprint.to_string();
            if execute(&mut transaction, sql, |values| values.int(now()).text(&text)).await? == 0 {
                return Err(missing("certificate", text));
            }
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}
