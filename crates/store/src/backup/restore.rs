//! Reading a backup into an empty database.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sqlx::any::AnyArguments;
use sqlx::{AnyConnection, Arguments, AssertSqlSafe, Row};

use super::{End, Head, Table, Type, columns_of, tables};
use crate::audit::note_end;
use crate::database::{Backend, Database, newest_schema};
use crate::sql::{execute, fetch_one, is_sqlite, places};
use crate::{Error, Location, facts};

/// How many rows are written by one statement, and by one transaction.
const STATEMENT: usize = 50;
const TRANSACTION: u64 = 50_000;

/// A backup that is being read into an empty database, line by line.
pub struct Restore {
    database: Database,
    /// The tables there are, and whether they are those of the audit chain's file.
    tables: BTreeMap<String, (Table, bool)>,
    open: Option<Open>,
    waiting: Vec<Vec<Value>>,
    rows: u64,
    is_whole: bool,
}

/// The table whose rows come.
struct Open {
    table: Table,
    is_audit: bool,
    head: String,
}

impl std::fmt::Debug for Restore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Restore")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Restore {
    /// Begins with an empty database, which is made where there is none.
    ///
    /// # Errors
    /// Where the place cannot be used, or anything is in it.
    pub async fn into(location: &Location) -> Result<Self, Error> {
        let database = Database::open(location, None).await?;
        let mut connection = database.writer.acquire().await?;
        for sql in [
            "SELECT 1 FROM objects LIMIT 1",
            "SELECT 1 FROM organisations LIMIT 1",
            "SELECT 1 FROM facts WHERE name <> 'schema' LIMIT 1",
        ] {
            if fetch_one(&mut connection, sql, |values| values).await?.is_some() {
                return Err(broken("there is a node in that place already: name an empty one"));
            }
        }
        let own = tables(&mut connection, database.backend).await?;
        let mut all: BTreeMap<_, _> = own
            .into_iter()
            .map(|table| (table.name.clone(), (table, false)))
            .collect();
        drop(connection);
        if database.backend == Backend::Sqlite {
            let mut connection = database.audit.acquire().await?;
            let audit = tables(&mut connection, database.backend).await?;
            all.extend(audit.into_iter().map(|table| (table.name.clone(), (table, true))));
        }
        Ok(Self {
            database,
            tables: all,
            open: None,
            waiting: Vec::new(),
            rows: 0,
            is_whole: false,
        })
    }

    /// Takes a line.
    ///
    /// # Errors
    /// Where it is none of a backup of this version, or the database fails.
    pub async fn line(&mut self, line: &str) -> Result<(), Error> {
        match serde_json::from_str(line) {
            Ok(Value::Array(row)) => self.row(row).await,
            Ok(value @ Value::Object(_)) if value.get("table").is_some() => {
                self.flush().await?;
                self.begin(serde_json::from_value(value).map_err(|error| broken(&error.to_string()))?)
                    .await
            }
            Ok(value @ Value::Object(_)) => {
                self.flush().await?;
                let end: End =
                    serde_json::from_value(value).map_err(|_| broken("a line that is none of a backup"))?;
                if end.rows != self.rows {
                    return Err(broken(&format!("{} rows of {}", self.rows, end.rows)));
                }
                self.is_whole = true;
                Ok(())
            }
            _ => Err(broken("a line that is none of a backup")),
        }
    }

    /// Ends it; gives how many rows there were. `head` is the file that notes where the audit chain ends.
    ///
    /// # Errors
    /// Where the last line was missing, or that file cannot be written.
    pub async fn end(mut self, head: &Path) -> Result<u64, Error> {
        self.flush().await?;
        if !self.is_whole {
            return Err(broken("it is cut off"));
        }
        note_end(&self.database.audit, head).await?;
        Ok(self.rows)
    }

    async fn begin(&mut self, head: Head) -> Result<(), Error> {
        let Some((table, is_audit)) = self.tables.get(&head.table) else {
            return Err(broken(&format!(
                "the table `{}` is not as it is here",
                head.table
            )));
        };
        // In the order of the backup; an older one may lack some.
        let column = |name: &String| table.columns.iter().find(|(known, _)| known == name).cloned();
        let columns = head.columns.iter().map(column).collect::<Option<Vec<_>>>();
        let columns =
            columns.ok_or_else(|| broken(&format!("the table `{}` is not as it is here", head.table)))?;
        let table = Table {
            name: table.name.clone(),
            columns,
        };
        let is_audit = *is_audit;
        let mut head = format!("INSERT INTO \"{}\" ({})", table.name, columns_of(&table));
        if table.name == "facts" {
            // Those of the backup take their place.
            let mut connection = self.database.writer.acquire().await?;
            execute(&mut connection, "DELETE FROM facts", |values| values).await?;
        }
        head.push_str(" VALUES ");
        self.open = Some(Open {
            table,
            is_audit,
            head,
        });
        Ok(())
    }

    async fn row(&mut self, row: Vec<Value>) -> Result<(), Error> {
        self.waiting.push(row);
        self.rows += 1;
        if self.waiting.len() as u64 >= TRANSACTION {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let rows = std::mem::take(&mut self.waiting);
        if rows.is_empty() {
            return Ok(());
        }
        let open = self.open.as_ref().ok_or_else(|| broken("rows of no table"))?;
        let pool = match open.is_audit {
            true => &self.database.audit,
            false => &self.database.writer,
        };
        let mut transaction = pool.begin().await?;
        for some in rows.chunks(STATEMENT) {
            open.insert(&mut transaction, some).await?;
        }
        if open.table.name == "facts" {
            schema_as_here(&mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

impl Open {
    async fn insert(&self, connection: &mut AnyConnection, rows: &[Vec<Value>]) -> Result<(), Error> {
        let mut arguments = AnyArguments::default();
        let mut rows_text = Vec::with_capacity(rows.len());
        let width = self.table.columns.len();
        for (at, row) in rows.iter().enumerate() {
            if row.len() != width {
                return Err(broken(&format!(
                    "a row of `{}` with {} cells",
                    self.table.name,
                    row.len()
                )));
            }
            for (value, (_, kind)) in row.iter().zip(&self.table.columns) {
                bind(&mut arguments, value, *kind)
                    .ok_or_else(|| broken(&format!("a row of `{}` that does not fit", self.table.name)))?;
            }
            rows_text.push(format!("({})", places(at * width, width, is_sqlite(connection))));
        }
        let sql = format!("{}{}", self.head, rows_text.join(","));
        sqlx::query_with(AssertSqlSafe(sql), arguments)
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// The tables are those of this version, whichever made the backup: the migrations only add.
async fn schema_as_here(connection: &mut AnyConnection) -> Result<(), Error> {
    let sql = "SELECT value FROM facts WHERE name = 'schema'";
    let row = fetch_one(connection, sql, |values| values).await?;
    let text: Option<String> = row.map(|row| row.try_get(0)).transpose()?;
    let found = text.and_then(|text| text.parse().ok());
    let found: i64 = found.ok_or_else(|| broken("it does not say of which version it is"))?;
    let known = newest_schema();
    if found > known {
        return Err(Error::Newer { found, known });
    }
    facts::set(connection, "schema", &known.to_string()).await
}

/// Binds a cell; `None` where it is none of that type.
fn bind(arguments: &mut AnyArguments, value: &Value, kind: Type) -> Option<()> {
    let bound = match (kind, value) {
        (Type::Int, Value::Null) => arguments.add(None::<i64>),
        (Type::Int, value) => arguments.add(value.as_i64()?),
        (Type::Text, Value::Null) => arguments.add(None::<String>),
        (Type::Text, value) => arguments.add(value.as_str()?.to_owned()),
        (Type::Bytes, Value::String(text)) => arguments.add(text.as_bytes().to_vec()),
        (Type::Bytes, value) => {
            let text = value.get("base64")?.as_str()?;
            arguments.add(STANDARD.decode(text).ok()?)
        }
    };
    bound.ok()
}

fn broken(why: &str) -> Error {
    Error::Backup(why.to_owned())
}
