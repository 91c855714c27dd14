//! The section `thresholds`: conditions by metric.

use wavetank_sim_core::{
    observe::{METRICS, metric},
    plan::{Action, Entry},
    threshold::Threshold,
};

use super::verbs::Later;
use crate::{
    out::Out,
    problem::Span,
    read::Cx,
    spell,
    yaml::{Kind, Node},
};

/// Reads the section and doubts thresholds that nothing in the timeline gives a sample to.
pub(crate) fn read(
    cx: &mut Cx<'_>,
    node: Option<&Node>,
    entries: &[(Entry, Later)],
) -> (Vec<Threshold>, Out) {
    let mut thresholds = Vec::new();
    let mut outs = Vec::new();
    let Some(node) = node.filter(|n| !matches!(n.kind, Kind::Null)) else {
        return (thresholds, Out::Map(outs));
    };
    let Kind::Map(pairs) = &node.kind else {
        cx.expected(node, "thresholds", "a map such as `detection.all: [\"p(99) < 20s\"]`");
        return (thresholds, Out::Map(outs));
    };
    for pair in pairs {
        let place = format!("thresholds.{}", spell::shorten(&pair.key));
        if metric(&pair.key).is_none() {
            unknown(cx, pair.at, &place, &pair.key);
            continue;
        }
        doubt(cx, pair.at, &place, &pair.key, entries);
        let mut written = Vec::new();
        let one = std::slice::from_ref(&pair.value);
        let list = if let Kind::List(items) = &pair.value.kind { items.as_slice() } else { one };
        for item in list {
            let Some(expression) = item.text() else {
                cx.expected(item, &place, "an expression such as `\"p(99) < 20s\"`");
                continue;
            };
            match Threshold::parse(&pair.key, expression) {
                Ok(threshold) => {
                    written.push(Out::Text(threshold.expression.clone()));
                    thresholds.push(threshold);
                }
                // The error names the metric itself.
                Err(error) => cx.error(item.span, "", &error, ""),
            }
        }
        outs.push((pair.key.clone(), Out::List(written)));
    }
    (thresholds, Out::Map(outs))
}

fn unknown(cx: &mut Cx<'_>, span: Span, place: &str, name: &str) {
    let near = spell::nearest(name, METRICS.iter().map(|m| m.name));
    let label = near.map_or(String::new(), |near| format!("did you mean `{near}`?"));
    let family = name.split('.').next().unwrap_or_default();
    let relatives: Vec<&str> =
        METRICS.iter().map(|m| m.name).filter(|m| m.split('.').next() == Some(family)).collect();
    if near.is_some() && relatives.is_empty() {
        return cx.error(span, place, "unknown metric", label);
    }
    let help = if relatives.is_empty() {
        format!("for example {}", spell::list(METRICS.iter().map(|m| m.name).step_by(6)))
    } else {
        format!("there are {}", spell::list(relatives))
    };
    cx.error_with(span, place, "unknown metric", label, help);
}

/// What gives a metric its samples: in words, and as a test of an entry.
type Gives = (&'static str, fn(&Entry) -> bool);

/// Which entries give a metric its samples; absent for those that need none.
fn source(name: &str) -> Option<Gives> {
    let crashes = |e: &Entry| matches!(e.action, Action::Crash { .. });
    let leaves = |e: &Entry| match e.action {
        Action::Leave { .. } | Action::Scale { .. } => true,
        Action::RollingRestart { leave, .. } => leave,
        _ => false,
    };
    let changes = |e: &Entry| {
        matches!(
            e.action,
            Action::Update { .. }
                | Action::Join { .. }
                | Action::Restart { .. }
                | Action::RollingRestart { .. }
                | Action::Leave { .. }
                | Action::Scale { .. }
                | Action::SetTags { .. }
        )
    };
    let events = |e: &Entry| matches!(e.action, Action::UserEvent { .. });
    let queries = |e: &Entry| matches!(e.action, Action::Query { .. });
    let heals = |e: &Entry| e.lasts.is_some() && matches!(e.action, Action::Partition { .. });
    Some(match name {
        "detection.suspect" | "detection.first" | "detection.all" => ("a `crash`", crashes),
        "heal" => ("a `partition` with `for`", heals),
        "leave.time" | "left_as_failed" => ("a `leave`", leaves),
        _ if name.starts_with("dissemination.") => ("an `update`", changes),
        _ if name.starts_with("event.") => ("a `user-event`", events),
        _ if name.starts_with("query.") => ("a `query`", queries),
        _ => return None,
    })
}

fn doubt(cx: &mut Cx<'_>, span: Span, place: &str, name: &str, entries: &[(Entry, Later)]) {
    let Some((what, gives)) = source(name) else { return };
    if !entries.iter().any(|(e, _)| gives(e)) {
        let message = format!("nothing in the timeline gives `{name}` a sample");
        cx.warn(span, place, &message, format!("add {what} to the timeline"));
    }
}
