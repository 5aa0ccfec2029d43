//! The first start of a node.

use perisai_store::{Error, NewToken, Store};

use crate::Role;

/// Makes one token for who runs the node where there is nobody yet: neither
/// a person nor a token, revoked ones counted. It is given once, to be shown once; `None` on every later start.
///
/// # Errors
/// Where the database fails.
pub async fn first_start(store: &Store) -> Result<Option<String>, Error> {
    let has_tokens = !store.tokens(None, None, None, 1).await?.is_empty();
    if has_tokens || !store.users(None, 1).await?.is_empty() {
        return Ok(None);
    }
    let new = NewToken {
        name: "first start".to_owned(),
        organisation: store.own(),
        person: None,
        role: Role::Admin.word().to_owned(),
        scope: Vec::new(),
        expires: None,
    };
    Ok(Some(store.add_token(new).await?.secret))
}
