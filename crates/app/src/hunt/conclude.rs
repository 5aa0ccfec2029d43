//! What needs more than one event: Sigma correlations and STIX sequences, concluded once all events have been seen.

use std::sync::Arc;

use perisai_detect::Detector;
use perisai_detect::{pattern, sigma};
use perisai_model::{Finding, RuleInfo};

use super::HuntError;
use super::order::Output;
use super::search::Open;

/// Concludes, and writes the findings behind all others.
pub(super) fn conclude(detector: &Detector, output: &mut Output<'_>) -> Result<(), HuntError> {
    let mut events = Vec::new();
    let (mut sigma, mut patterns): (Vec<sigma::Observation>, Vec<pattern::Observation>) = Default::default();
    for (order, open) in (0..).zip(output.take_open()) {
        let Open {
            event,
            sigma: one,
            patterns: other,
        } = open;
        events.push(event);
        sigma.extend(one.into_iter().map(|mut observation| {
            observation.order = order;
            observation
        }));
        patterns.extend(
            other
                .into_iter()
                .map(|observation| pattern::Observation { order, ..observation }),
        );
    }
    let hits = detector.sigma.correlate(sigma, &|| output.is_over());
    for hit in hits {
        if !hit.generates {
            continue;
        }
        let group: Vec<_> = hit
            .group
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let plural = if hit.value == 1.0 { "event" } else { "events" };
        let matched = format!("{} ({} {plural})", group.join("; "), hit.value);
        output.finding(&completed(
            &events,
            hit.order,
            detector.sigma.info(hit.rule),
            matched,
        ))?;
    }
    let (matches, problems) = detector.patterns.conclude(patterns, &|| output.is_over());
    for found in matches {
        let Some(&last) = found.orders.last() else {
            continue;
        };
        let places: Vec<_> = found
            .orders
            .iter()
            .map(|&order| events[order as usize].place.to_string())
            .collect();
        output.finding(&completed(
            &events,
            last,
            detector.patterns.info(found.pattern),
            places.join("; "),
        ))?;
    }
    output.problems(problems)
}

/// The event at which a rule came true, as the rule's finding.
fn completed(events: &[Finding], order: u64, rule: &Arc<RuleInfo>, matched: String) -> Finding {
    let event = events[order as usize].clone();
    Finding {
        rule: Arc::clone(rule),
        flags: rule.valid.flags(event.time),
        matched,
        ..event
    }
}
