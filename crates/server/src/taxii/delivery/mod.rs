//! Taking objects in (TAXII 2.1, section 5.4): the body is read, parsed and stored in steps as it comes, and never held
//! as a whole.
//!
//! What was stored before a body breaks off stays stored: to send it again does no harm.

mod gate;
mod parse;
mod tally;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use perisai_store::{Delivery, NewSource, Source, SourceKind};
use tokio::sync::mpsc;

pub(super) use self::gate::Gate;
use self::parse::{Parsed, Step};
pub(super) use self::tally::{Detail, Tally};
use super::asked::Asked;
use super::error::Refused;
use super::{media, status};
use crate::pump::{End, Pump};

/// How many pieces of a body wait to be parsed.
const PIECES: usize = 4;

/// Takes what a request brings.
pub(super) async fn take(asked: &Asked, request: Request) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    if !media::is_sent(&parts.headers) {
        return Err(Refused::UnsupportedType);
    }
    let settings = asked.known.state.node.settings();
    let limit = settings.max_content_length;
    let length = parts.headers.get(header::CONTENT_LENGTH);
    let length: Option<u64> = length.and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(Refused::TooLarge { limit, stored: 0 });
    }
    let gate = &asked.known.shared.gate;
    let _permit = gate.enter(asked.known.organisation).ok_or(Refused::Busy)?;
    let (pieces, to_parse) = mpsc::channel(PIECES);
    let (steps, to_store) = mpsc::channel(1);
    let parsing = tokio::task::spawn_blocking(move || parse::parse(to_parse, &steps));
    let pump = Pump {
        body,
        limit,
        patience: settings.body_timeout,
    };
    let mut tally = Tally::default();
    let (end, stored) = tokio::join!(pump.run(pieces), store(asked, to_store, &mut tally));
    let parsed = parsing.await;
    let parsed = parsed.map_err(|_| Refused::Internal("a body could not be parsed"))?;
    stored?;
    conclude(asked, end, parsed, tally).await
}

/// Stores what was parsed, step by step.
async fn store(asked: &Asked, mut steps: mpsc::Receiver<Step>, tally: &mut Tally) -> Result<(), Refused> {
    let node = &asked.known.state.node;
    let source = source(asked).await?;
    while let Some(step) = steps.recv().await {
        let delivery = Delivery {
            source: source.number,
            collection: Some(asked.collection.number),
            tlp: None,
            audience: None,
            objects: step.objects,
        };
        let received = node.receive(delivery).await?;
        tally.receipts(received.receipts.into_iter().zip(step.numbers));
    }
    Ok(())
}

/// As whose the objects are kept.
async fn source(asked: &Asked) -> Result<Arc<Source>, Refused> {
    let store = asked.known.state.node.store();
    let organisation = asked.known.organisation;
    let (name, kind) = if organisation == store.own() {
        ("own".to_owned(), SourceKind::Own)
    } else {
        (organisation.0.to_string(), SourceKind::Partner)
    };
    let is_theirs = |source: &Arc<Source>| source.kind == kind && source.owner() == Some(organisation);
    if let Some(known) = store.sources().into_iter().find(is_theirs) {
        return Ok(known);
    }
    let new = NewSource {
        name,
        kind,
        organisation: Some(organisation),
        tlp: None,
    };
    Ok(store.ensure_source(new).await?)
}

async fn conclude(asked: &Asked, end: End, parsed: Parsed, mut tally: Tally) -> Result<Response, Refused> {
    let stored = tally.successes();
    match end {
        End::Whole => {}
        End::TooLarge { limit } => return Err(Refused::TooLarge { limit, stored }),
        End::TooSlow => return Err(Refused::TooSlow { stored }),
        End::Broken => return Err(Refused::Broken { stored }),
    }
    if let Some(why) = parsed.no_envelope {
        return Err(Refused::Unprocessable(format!("no envelope of TAXII: {why}")));
    }
    tally.problems(parsed.problems, parsed.problem_count);
    let (id, body) = status::write(asked.known.started_at, tally);
    let store = asked.known.state.node.store();
    store
        .keep_status(id, Some(asked.known.organisation), &body)
        .await?;
    let mut response = super::answer(body.into(), Default::default());
    *response.status_mut() = StatusCode::ACCEPTED;
    let location = HeaderValue::try_from(format!("/taxii2/api/status/{id}/"));
    response
        .headers_mut()
        .insert(header::LOCATION, location.expect("a UUID is plain text"));
    Ok(response.into_response())
}
