//! All that a store keeps, as lines of JSON that either database takes: a backup, and the way from one database to the
//! other. What is derived is not in it.
//!
//! A line `{"table": NAME, "columns": [NAME…]}` heads the rows of a table, which are arrays. A blob is a string where it is
//! UTF-8, else `{"base64": …}`. The last line, `{"rows": N}`, shows that none is missing.

mod dump;
mod restore;

use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, Row};

use crate::Error;
use crate::database::Backend;
use crate::sql::fetch;

pub use self::restore::Restore;

/// What heads the rows of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    table: String,
    columns: Vec<String>,
}

/// The last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    rows: u64,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Int,
    Text,
    Bytes,
}

/// A table as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Table {
    name: String,
    columns: Vec<(String, Type)>,
}

impl Table {
    fn head(&self) -> Head {
        Head {
            table: self.name.clone(),
            columns: self.columns.iter().map(|(name, _)| name.clone()).collect(),
        }
    }
}

/// The tables that are not derived, by name, as the database itself lists them: a new one cannot be forgotten.
async fn tables(connection: &mut AnyConnection, backend: Backend) -> Result<Vec<Table>, Error> {
    let sql = match backend {
        Backend::Sqlite => {
            "SELECT tables.name, columns.name, columns.type FROM main.sqlite_schema AS tables, \
             pragma_table_info(tables.name, 'main') AS columns \
             WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%' ORDER BY tables.name, columns.cid"
        }
        Backend::Postgres => {
            "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns \
             WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
        }
    };
    let mut all: Vec<Table> = Vec::new();
    for row in fetch(connection, sql, |values| values).await? {
        let (table, column, kind): (String, String, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let kind = match kind.to_ascii_lowercase().as_str() {
            "bigint" | "integer" | "smallint" => Type::Int,
            "text" => Type::Text,
            "bytea" => Type::Bytes,
            other => return Err(Error::Damaged(format!("{table}.{column} is of type {other}"))),
        };
        match all.last_mut().filter(|last| last.name == table) {
            Some(last) => last.columns.push((column, kind)),
            None => all.push(Table {
                name: table,
                columns: vec![(column, kind)],
            }),
        }
    }
    Ok(all)
}

/// The statement that reads or heads an insert of a table: names come from the database's own list.
fn columns_of(table: &Table) -> String {
    let names: Vec<_> = table
        .columns
        .iter()
        .map(|(name, _)| format!("\"{name}\""))
        .collect();
    names.join(", ")
}
