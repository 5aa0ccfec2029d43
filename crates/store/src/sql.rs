//! One SQL text for both databases, and many rows in one statement.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use futures_util::TryStreamExt;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AnyConnection, Arguments, AssertSqlSafe};

use crate::database::Backend;

/// How many rows go into one statement. Few sizes, so that few statements stay prepared. Each statement goes to the
/// thread of its connection and back, and cuts a segment of the search index off.
const SIZES: [usize; 4] = [2_000, 128, 16, 1];

/// How many numbers a list in a statement has. A page of a thousand objects is one statement.
const LISTS: [usize; 6] = [1, 4, 16, 64, 256, 1_024];

/// A text with what the other database takes left out: of `/*sqlite A*/ /*postgres B*/` one remains.
pub(crate) fn for_backend(text: &str, backend: Backend) -> String {
    let mark = match backend {
        Backend::Sqlite => "/*sqlite ",
        Backend::Postgres => "/*postgres ",
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(mark) {
        let (inside, after) = behind.split_once("*/").unwrap_or((behind, ""));
        out.push_str(before);
        out.push_str(inside);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The statements of a text, without its comments.
pub(crate) fn statements(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("--"));
    let whole = lines.collect::<Vec<_>>().join("\n");
    let all: Vec<_> = whole
        .split(';')
        .map(|one| one.trim().to_owned())
        .filter(|one| !one.is_empty())
        .collect();
    all.into_iter()
}

/// The values of one statement.
pub(crate) struct Values(AnyArguments);

impl Values {
    fn new() -> Self {
        Self(AnyArguments::default())
    }

    /// Adds a number.
    pub(crate) fn int(mut self, value: i64) -> Self {
        self.0.add(value).expect("a number always binds");
        self
    }

    /// Adds a number that may be missing.
    pub(crate) fn maybe_int(mut self, value: Option<i64>) -> Self {
        self.0.add(value).expect("a number always binds");
        self
    }

    /// Adds a text.
    pub(crate) fn text(mut self, value: &str) -> Self {
        self.0.add(value.to_owned()).expect("a text always binds");
        self
    }

    /// Adds a text that may be missing.
    pub(crate) fn maybe_text(mut self, value: Option<&str>) -> Self {
        self.0.add(value.map(str::to_owned)).expect("a text always binds");
        self
    }

    /// Adds bytes.
    pub(crate) fn bytes(mut self, value: &[u8]) -> Self {
        self.0.add(value.to_vec()).expect("bytes always bind");
        self
    }
}

/// The values that a closure adds.
pub(crate) fn values(fill: impl FnOnce(Values) -> Values) -> AnyArguments {
    fill(Values::new()).0
}

/// Runs a statement and tells how many rows it changed.
pub(crate) async fn execute(
    connection: &mut AnyConnection,
    sql: &'static str,
    fill: impl FnOnce(Values) -> Values,
) -> sqlx::Result<u64> {
    let done = sqlx::query_with(sql, values(fill)).execute(connection).await?;
    Ok(done.rows_affected())
}

/// Runs a query for all of its rows.
pub(crate) async fn fetch(
    connection: &mut AnyConnection,
    sql: impl Into<Text>,
    fill: impl FnOnce(Values) -> Values,
) -> sqlx::Result<Vec<AnyRow>> {
    let Text(sql) = sql.into();
    sqlx::query_with(AssertSqlSafe(sql), values(fill))
        .fetch_all(connection)
        .await
}

/// Runs a query for its first row.
pub(crate) async fn fetch_one(
    connection: &mut AnyConnection,
    sql: &'static str,
    fill: impl FnOnce(Values) -> Values,
) -> sqlx::Result<Option<AnyRow>> {
    sqlx::query_with(sql, values(fill))
        .fetch_optional(connection)
        .await
}

/// A statement: never made of anything but the texts of this crate and counts.
pub(crate) struct Text(Arc<str>);

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        Self(text)
    }
}

/// Inserts rows, many in one statement. `head` is the statement up to `VALUES`, `tail` what follows them.
pub(crate) async fn insert<T>(
    connection: &mut AnyConnection,
    head: &'static str,
    columns: usize,
    tail: &'static str,
    rows: &[T],
    fill: impl Fn(Values, &T) -> Values,
) -> sqlx::Result<()> {
    let mut rest = rows;
    for size in SIZES {
        while rest.len() >= size {
            let (now, later) = rest.split_at(size);
            let arguments = values(|values| now.iter().fold(values, &fill));
            let sql = insert_text(head, columns, tail, size, is_sqlite(connection));
            sqlx::query_with(AssertSqlSafe(sql), arguments)
                .execute(&mut *connection)
                .await?;
            rest = later;
        }
    }
    Ok(())
}

/// Queries with a list of numbers, `$1` and on, that stands behind `IN` where the text has `{}`; the answers of all
/// parts together.
pub(crate) async fn fetch_in(
    connection: &mut AnyConnection,
    sql: &'static str,
    numbers: &[i64],
) -> sqlx::Result<Vec<AnyRow>> {
    let found = fetch_in_while(connection, sql, numbers, |_| Ok(true)).await?;
    Ok(found.unwrap_or_default())
}

/// The same, as long as each row is welcome; `None` where one was not, and nothing is read behind it.
pub(crate) async fn fetch_in_while(
    connection: &mut AnyConnection,
    sql: &'static str,
    numbers: &[i64],
    mut is_welcome: impl FnMut(&AnyRow) -> sqlx::Result<bool>,
) -> sqlx::Result<Option<Vec<AnyRow>>> {
    let mut found = Vec::with_capacity(numbers.len());
    for part in numbers.chunks(LISTS[LISTS.len() - 1]) {
        let size = LISTS
            .into_iter()
            .find(|size| *size >= part.len())
            .unwrap_or(part.len());
        // A list that is too short repeats its last number, which finds nothing more.
        let rest = part.last().into_iter().cycle().take(size - part.len());
        let list = part.iter().chain(rest);
        let arguments = values(|values| list.fold(values, |values, number| values.int(*number)));
        let text = in_text(sql, size, is_sqlite(connection));
        let mut rows = sqlx::query_with(AssertSqlSafe(text), arguments).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            if !is_welcome(&row)? {
                return Ok(None);
            }
            found.push(row);
        }
    }
    Ok(Some(found))
}

type Key = (&'static str, &'static str, usize, bool);

/// The texts that were made, so that none is made twice.
static MADE: LazyLock<Mutex<HashMap<Key, Arc<str>>>> = LazyLock::new(Mutex::default);

fn made(key: Key, make: impl FnOnce() -> String) -> Arc<str> {
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(made.entry(key).or_insert_with(|| make().into()))
}

/// Whether it is one of SQLite.
pub(crate) fn is_sqlite(connection: &AnyConnection) -> bool {
    connection.backend_name() == "SQLite"
}

fn insert_text(
    head: &'static str,
    columns: usize,
    tail: &'static str,
    rows: usize,
    sqlite: bool,
) -> Arc<str> {
    made((head, tail, rows, sqlite), || {
        let row = |row: usize| format!("({})", places(row * columns, columns, sqlite));
        let rows: Vec<_> = (0..rows).map(row).collect();
        format!("{head} VALUES {} {tail}", rows.join(","))
    })
}

fn in_text(sql: &'static str, count: usize, sqlite: bool) -> Arc<str> {
    made((sql, "", count, sqlite), || {
        sql.replace("{}", &places(0, count, sqlite))
    })
}

/// Places for values: `$4,$5,$6` for three after the first three. SQLite looks through all names for each value, so
/// there they have none.
pub(crate) fn places(from: usize, count: usize, sqlite: bool) -> String {
    let place = |number: usize| {
        if sqlite {
            "?".to_owned()
        } else {
            format!("${number}")
        }
    };
    let all: Vec<_> = (from + 1..=from + count).map(place).collect();
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_sees_its_own() {
        let text = "CREATE TABLE t (a /*sqlite INTEGER*/ /*postgres BIGINT*/) /*sqlite WITHOUT ROWID*/;";
        let check = |backend, expected: &str| assert_eq!(for_backend(text, backend), expected);
        check(
            Backend::Sqlite,
            "CREATE TABLE t (a INTEGER /*postgres BIGINT*/) WITHOUT ROWID;",
        );
        check(
            Backend::Postgres,
            "CREATE TABLE t (a /*sqlite INTEGER*/ BIGINT) /*sqlite WITHOUT ROWID*/;",
        );
    }

    #[test]
    fn texts_of_many_rows() {
        assert_eq!(
            &*insert_text("INSERT INTO t (a, b)", 2, "", 2, false),
            "INSERT INTO t (a, b) VALUES ($1,$2),($3,$4) "
        );
        assert_eq!(
            &*in_text("SELECT a FROM t WHERE b IN ({})", 3, true),
            "SELECT a FROM t WHERE b IN (?,?,?)"
        );
    }
}
