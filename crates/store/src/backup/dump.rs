//! Writing all that is kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};
use tokio::sync::mpsc::Sender;

use super::{End, Table, Type, columns_of, tables};
use crate::database::Backend;
use crate::{Error, Store};

/// About how many bytes of lines go together.
const PIECE: usize = 256 << 10;

impl Store {
    /// Sends all that is kept, as it stands at one moment, in pieces of whole lines; others go on reading and writing.
    ///
    /// # Errors
    /// Where the database fails, or whoever receives it is gone.
    pub async fn dump(&self, lines: &Sender<Vec<u8>>) -> Result<(), Error> {
        let database = &self.inner().database;
        let mut dump = Dump {
            lines,
            piece: Vec::new(),
            rows: 0,
        };
        // The chain first: what it tells of is then in the rest, or later than all of it.
        if database.backend == Backend::Sqlite {
            let mut connection = database.audit.acquire().await?;
            dump.all(&mut connection, database.backend).await?;
        }
        let mut connection = self.reader().await?;
        // It reads only, and is rolled back, where whoever receives it goes away, too.
        let mut transaction = match database.backend {
            Backend::Sqlite => connection.begin().await?,
            Backend::Postgres => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                connection.begin_with(begin).await?
            }
        };
        dump.all(&mut transaction, database.backend).await?;
        transaction.rollback().await?;
        let rows = dump.rows;
        dump.line(&json!(End { rows }).to_string()).await?;
        dump.send().await
    }
}

struct Dump<'a> {
    lines: &'a Sender<Vec<u8>>,
    piece: Vec<u8>,
    rows: u64,
}

impl Dump<'_> {
    async fn all(&mut self, connection: &mut AnyConnection, backend: Backend) -> Result<(), Error> {
        for table in tables(connection, backend).await? {
            // Who is logged in is not for another day.
            if table.name != "sessions" {
                self.table(connection, &table).await?;
            }
        }
        Ok(())
    }

    async fn table(&mut self, connection: &mut AnyConnection, table: &Table) -> Result<(), Error> {
        self.line(&json!(table.head()).to_string()).await?;
        let sql = format!("SELECT {} FROM \"{}\"", columns_of(table), table.name);
        let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(connection);
        while let Some(row) = rows.try_next().await? {
            let cells = table
                .columns
                .iter()
                .enumerate()
                .map(|(at, (_, kind))| cell(&row, at, *kind));
            let cells = cells.collect::<Result<Vec<_>, _>>()?;
            self.line(&Value::Array(cells).to_string()).await?;
            self.rows += 1;
        }
        Ok(())
    }

    async fn line(&mut self, line: &str) -> Result<(), Error> {
        self.piece.extend_from_slice(line.as_bytes());
        self.piece.push(b'\n');
        if self.piece.len() >= PIECE {
            self.send().await?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), Error> {
        let piece = std::mem::take(&mut self.piece);
        self.lines
            .send(piece)
            .await
            .map_err(|_| Error::Backup("nobody takes it any more".to_owned()))
    }
}

fn cell(row: &AnyRow, at: usize, kind: Type) -> sqlx::Result<Value> {
    Ok(match kind {
        Type::Int => json!(row.try_get::<Option<i64>, _>(at)?),
        Type::Text => json!(row.try_get::<Option<String>, _>(at)?),
        Type::Bytes => {
            let bytes: Vec<u8> = row.try_get(at)?;
            match String::from_utf8(bytes) {
                Ok(text) => Value::String(text),
                Err(error) => json!({"base64": STANDARD.encode(error.as_bytes())}),
            }
        }
    })
}
