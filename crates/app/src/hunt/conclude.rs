//! What needs more than one event: Sigma correlations and STIX sequences, concluded once all events have been seen.

use perisai_detect::Detector;

use super::HuntError;
use super::order::Output;

/// Concludes, and writes the findings behind all others.
pub(super) fn conclude(detector: &Detector, output: &mut Output<'_>) -> Result<(), HuntError> {
    let mut open = output.take_open();
    let (sigma, patterns) = (
        std::mem::take(&mut open.sigma),
        std::mem::take(&mut open.patterns),
    );
    let mut events = open.reader();
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
        output.finding(&events.finding(hit.order, detector.sigma.info(hit.rule), matched))?;
    }
    let (matches, problems) = detector.patterns.conclude(patterns, &|| output.is_over());
    for found in matches {
        let Some(&last) = found.orders.last() else {
            continue;
        };
        let places: Vec<_> = found
            .orders
            .iter()
            .map(|&order| events.place(order).to_string())
            .collect();
        output.finding(&events.finding(last, detector.patterns.info(found.pattern), places.join("; ")))?;
    }
    output.problems(problems)
}
