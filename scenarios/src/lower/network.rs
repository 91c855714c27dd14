//! The section `network`: latency, loss and the rest between any two nodes, links that differ, streams.

use wavetank_sim_core::plan::{
    Chances, Latency, LatencyShape, Link, LinkSpec, Loss, Network, SlotSet, Streams,
};

use super::{faults, selector::World};
use crate::{
    out::Out,
    read::{self, Cx, Fields, Share, Time, Value, items},
    units,
    yaml::{Kind, Node, Pair},
};

/// The least latency of a distribution that names none.
const LEAST: u64 = 100_000;
/// Between any two nodes, where the file says nothing: one data centre.
const DEFAULT: u64 = 500_000;
/// Most links of a scenario.
const MOST_LINKS: usize = 4096;
/// Most points of a measured table.
const MOST_POINTS: usize = 100_000;

/// The network of a scenario that says nothing about it.
fn plain() -> LinkSpec {
    LinkSpec {
        latency: Latency { min: DEFAULT, shape: LatencyShape::Fixed(DEFAULT) },
        loss: Loss::None,
        duplicate: Chances::default(),
        corrupt: Chances::default(),
        reorder: None,
        delay: None,
        bandwidth: None,
        mtu: None,
    }
}

/// Reads the section; without one everything has its default.
pub(crate) fn read(cx: &mut Cx<'_>, node: Option<&Node>, world: &World<'_>) -> (Network, Out) {
    let nothing: &[Pair] = &[];
    let mut fields = match node {
        Some(node) => Fields::open(cx, node, "network", "a map"),
        None => None,
    }
    .unwrap_or_else(|| Fields::over(nothing, "network", crate::problem::Span::default()));
    let mut default = plain();
    spec(cx, &mut fields, &mut default, true);
    let mut links = Vec::new();
    let mut outs = Vec::new();
    if let Some(list) = fields.node("links") {
        let nodes = items(cx, list, "network.links", "a list of links");
        if nodes.len() > MOST_LINKS {
            let message = format!("more than {MOST_LINKS} links");
            cx.error(list.span, "network.links", &message, "");
        }
        for (i, node) in nodes.iter().take(MOST_LINKS).enumerate() {
            let place = format!("network.links[{i}]");
            if let Some((link, out)) = link(cx, node, &place, &default, world) {
                links.push(link);
                outs.push(out);
            }
        }
    }
    fields.put("links", Out::List(outs));
    let streams = streams(cx, &mut fields);
    (Network { default, links, streams }, fields.close(cx))
}

/// The keys that a link may replace. `whole`: these are the network's own, so defaults are written out.
fn spec(cx: &mut Cx<'_>, fields: &mut Fields<'_>, spec: &mut LinkSpec, whole: bool) {
    if let Some(node) = fields.node("latency") {
        let place = fields.at("latency");
        if let Some((latency, out)) = latency(cx, node, &place) {
            spec.latency = latency;
            fields.put("latency", out);
        }
    } else if whole {
        fields.put("latency", Time(DEFAULT).write());
    }
    if let Some(node) = fields.node("loss") {
        let (loss, out) = faults::loss(cx, node, &fields.at("loss"));
        spec.loss = loss;
        fields.put("loss", out);
    } else if whole {
        fields.put("loss", Share(0.0).write());
    }
    if let Some(node) = fields.node("duplicate") {
        let (chances, out) = faults::chances(cx, node, &fields.at("duplicate"));
        spec.duplicate = chances;
        fields.put("duplicate", out);
    }
    if let Some(node) = fields.node("corrupt") {
        let (chances, out) = faults::chances(cx, node, &fields.at("corrupt"));
        spec.corrupt = chances;
        fields.put("corrupt", out);
    }
    if let Some(node) = fields.node("reorder")
        && let Some((reorder, out)) = faults::reorder(cx, node, &fields.at("reorder"))
    {
        spec.reorder = Some(reorder);
        fields.put("reorder", out);
    }
    if let Some(node) = fields.node("delay")
        && let Some((delay, out)) = faults::delay(cx, node, &fields.at("delay"))
    {
        spec.delay = Some(delay);
        fields.put("delay", out);
    }
    if let Some(node) = fields.node("bandwidth")
        && let Some((bandwidth, out)) = faults::bandwidth(cx, node, &fields.at("bandwidth"))
    {
        spec.bandwidth = Some(bandwidth);
        fields.put("bandwidth", out);
    }
    if fields.has("mtu") {
        spec.mtu = fields.need_number(cx, "mtu", (68, 1 << 30), "1500").map(|n| n as u32);
    }
}

fn link(
    cx: &mut Cx<'_>,
    node: &Node,
    place: &str,
    default: &LinkSpec,
    world: &World<'_>,
) -> Option<(Link, Out)> {
    let mut fields =
        Fields::open(cx, node, place, "a link such as `{between: [...], latency: 5ms}`")?;
    let ends = ends(cx, &mut fields, world);
    let known = fields.out.len();
    let mut values = default.clone();
    spec(cx, &mut fields, &mut values, false);
    let empty = fields.out.len() == known;
    let before = cx.errors();
    let span = fields.span;
    let out = fields.close(cx);
    if empty && before == cx.errors() && ends.is_some() {
        cx.error(span, place, "the link replaces nothing", "give it `latency`, `loss` or the like");
    }
    let (from, to, both) = ends?;
    Some((Link { from, to, both, spec: values }, out))
}

/// The two ends of a link: `between`, or `from` and `to`.
fn ends(
    cx: &mut Cx<'_>,
    fields: &mut Fields<'_>,
    world: &World<'_>,
) -> Option<(SlotSet, SlotSet, bool)> {
    let (between, from, to) = (fields.node("between"), fields.node("from"), fields.node("to"));
    match (between, from, to) {
        (Some(node), None, None) => {
            let place = fields.at("between");
            let (one, other) = pair(cx, node, &place)?;
            let one = world.read_fixed(cx, one, &place);
            let other = world.read_fixed(cx, other, &place);
            let (one, other) = (one?, other?);
            fields.put("between", Out::List(vec![one.1, other.1]));
            Some((one.0, other.0, true))
        }
        (None, Some(from), Some(to)) => {
            let from = world.read_fixed(cx, from, &fields.at("from"));
            let to = world.read_fixed(cx, to, &fields.at("to"));
            let (from, to) = (from?, to?);
            fields.put("from", from.1);
            fields.put("to", to.1);
            Some((from.0, to.0, false))
        }
        (Some(node), ..) => {
            let message = "either `between`, or `from` and `to`";
            cx.error(node.span, &fields.place, message, "remove one of the two");
            None
        }
        _ => {
            let message = "a link needs its two ends";
            let help = "add `between: [{group: a}, {group: b}]`, or `from` and `to` for one way";
            cx.error_with(fields.span, &fields.place, message, "", help);
            None
        }
    }
}

/// The two ends of `between`.
pub(crate) fn pair<'t>(
    cx: &mut Cx<'_>,
    node: &'t Node,
    place: &str,
) -> Option<(&'t Node, &'t Node)> {
    if let Kind::List(items) = &node.kind
        && let [one, other] = items.as_slice()
    {
        return Some((one, other));
    }
    cx.expected(node, place, "two selectors such as `[{zone: east}, {zone: west}]`");
    None
}

fn streams(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> Streams {
    let place = fields.at("streams");
    let nothing: &[Pair] = &[];
    let mut inner = match fields.node("streams") {
        Some(node) => Fields::open(cx, node, &place, "a map"),
        None => None,
    }
    .unwrap_or_else(|| Fields::over(nothing, &place, fields.span));
    let loss = match inner.node("loss") {
        Some(node) if node.text() != Some("same") => {
            let share = Share::read(cx, node, &inner.at("loss"));
            share.inspect(|share| inner.put("loss", share.write()))
        }
        _ => {
            inner.put("loss", Out::Plain("same".to_owned()));
            None
        }
    };
    let syn_rto = inner.or(cx, "syn_rto", Time(1_000_000_000));
    let rto_min = inner.or(cx, "rto_min", Time(200_000_000));
    for (key, Time(value)) in [("syn_rto", syn_rto), ("rto_min", rto_min)] {
        if value == 0 {
            let span = inner.value_span(key).unwrap_or(inner.span);
            let place = inner.at(key);
            cx.error(span, &place, "a retransmission time-out cannot be 0", "write `200ms` or so");
        }
    }
    let out = inner.close(cx);
    fields.put("streams", out);
    Streams {
        loss: loss.map(Share::probability),
        syn_rto: syn_rto.0.max(1),
        rto_min: rto_min.0.max(1),
    }
}

/// The names of distributions, which may also stand as a key without a value.
const SHAPES: &[(&str, Shape)] = &[
    ("uniform", Shape::Uniform),
    ("normal", Shape::Normal),
    ("lognormal", Shape::LogNormal),
    ("pareto", Shape::Pareto),
    ("exponential", Shape::Exponential),
    ("table", Shape::Table),
];

#[derive(Clone, Copy)]
enum Shape {
    Uniform,
    Normal,
    LogNormal,
    Pareto,
    Exponential,
    Table,
}

/// A one-way latency.
fn latency(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<(Latency, Out)> {
    if !matches!(node.kind, Kind::Map(_)) {
        let Time(fixed) = Time::read(cx, node, place)?;
        if fixed == 0 {
            cx.error(node.span, place, "a latency is never 0", "write `100us` or so");
            return None;
        }
        let latency = Latency { min: fixed, shape: LatencyShape::Fixed(fixed) };
        return Some((latency, Time(fixed).write()));
    }
    let before = cx.errors();
    let mut fields = Fields::open(cx, node, place, "a latency")?;
    let name = shape(cx, &mut fields)?;
    let min = fields.or(cx, "min", Time(LEAST)).0;
    if min == 0 {
        let span = fields.value_span("min").unwrap_or(node.span);
        cx.error(span, &fields.at("min"), "a latency is never 0", "write `100us` or so");
    }
    let mut time =
        |cx: &mut Cx<'_>, key, example| fields.need(cx, key, example).unwrap_or(Time(0)).0;
    let shape = match name {
        Shape::Uniform => LatencyShape::Uniform { min, max: time(cx, "max", "2ms") },
        Shape::Normal => {
            LatencyShape::Normal { mean: time(cx, "mean", "1ms"), sd: time(cx, "sd", "200us") }
        }
        Shape::LogNormal => LatencyShape::LogNormal {
            median: time(cx, "median", "1ms"),
            p99: time(cx, "p99", "5ms"),
        },
        Shape::Pareto => LatencyShape::Pareto { scale: min, shape: exponent(cx, &mut fields) },
        Shape::Exponential => LatencyShape::Exponential { mean: time(cx, "mean", "1ms") },
        Shape::Table => LatencyShape::Table(table(cx, &mut fields)?),
    };
    if cx.errors() == before {
        check_shape(cx, &fields, min, &shape);
    }
    let out = fields.close(cx);
    (cx.errors() == before).then_some((Latency { min, shape }, out))
}

/// Which distribution: the key `distribution`, or a distribution's name as a key of its own.
fn shape(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> Option<Shape> {
    let mut short = None;
    for &(name, shape) in SHAPES {
        if let Some(node) = fields.node(name) {
            if !matches!(node.kind, Kind::Null) {
                let place = fields.at(name);
                cx.error(
                    node.span,
                    &place,
                    "the distribution's name takes no value",
                    "remove this",
                );
            }
            if short.replace((name, shape)).is_some() {
                cx.error(fields.span, &fields.place, "two distributions", "keep one of them");
                return None;
            }
        }
    }
    let file = fields.has("file");
    let named = fields.node("distribution");
    let found = match (named, short) {
        (Some(node), None) => {
            let place = fields.at("distribution");
            let index = read::word(cx, node, &place, SHAPES)?;
            Some(SHAPES[index])
        }
        (None, Some(short)) => Some(short),
        (Some(node), Some(_)) => {
            cx.error(node.span, &fields.place, "two distributions", "keep one of them");
            return None;
        }
        (None, None) if file => Some(("table", Shape::Table)),
        (None, None) => None,
    };
    let Some((name, shape)) = found else {
        let message = "`distribution` is missing";
        let help = "add `distribution: lognormal` (or uniform, normal, pareto, exponential, table)";
        cx.error_with(fields.span, &fields.place, message, "", help);
        return None;
    };
    fields.put("distribution", Out::Plain(name.to_owned()));
    Some(shape)
}

fn exponent(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> f64 {
    let Some(node) = fields.node("shape") else {
        fields.missing(cx, "shape", "2.0");
        return 1.0;
    };
    let text = node.text().unwrap_or_default();
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match text.parse::<f64>() {
        Ok(value) if plain && (0.1..=1000.0).contains(&value) => {
            fields.put("shape", Out::Plain(format!("{value:?}")));
            value
        }
        _ => {
            let place = fields.at("shape");
            cx.expected(node, &place, "a number from 0.1 to 1000, such as `2.0`");
            1.0
        }
    }
}

/// Parameters that contradict each other.
fn check_shape(cx: &mut Cx<'_>, fields: &Fields<'_>, min: u64, shape: &LatencyShape) {
    let (key, message) = match *shape {
        LatencyShape::Uniform { max, .. } if max < min => ("max", "`max` is below `min`"),
        LatencyShape::LogNormal { median, p99 } if p99 < median => {
            ("p99", "`p99` is below `median`")
        }
        LatencyShape::LogNormal { median, .. } if median < min => {
            ("median", "`median` is below `min`")
        }
        LatencyShape::Normal { mean, .. } if mean < min => ("mean", "`mean` is below `min`"),
        LatencyShape::Exponential { mean } if mean < min => ("mean", "`mean` is below `min`"),
        _ => return,
    };
    let span = fields.value_span(key).unwrap_or(fields.span);
    let label = format!("`min` is {}", units::write_span(min));
    let label = if key == "p99" { String::new() } else { label };
    cx.error(span, &fields.place, message, label);
}

/// A measured table, from `points` or from a file of two columns.
fn table(
    cx: &mut Cx<'_>,
    fields: &mut Fields<'_>,
) -> Option<Vec<(wavetank_protocol::rng::Probability, u64)>> {
    let (points, file) = (fields.node("points"), fields.node("file"));
    let (rows, node, place) = match (points, file) {
        (Some(node), None) => {
            let place = fields.at("points");
            (points_in(cx, node, &place)?, node, place)
        }
        (None, Some(node)) => {
            let place = fields.at("file");
            (points_from(cx, node, &place)?, node, place)
        }
        (Some(_), Some(node)) => {
            cx.error(
                node.span,
                &fields.place,
                "either `points` or `file`",
                "remove one of the two",
            );
            return None;
        }
        (None, None) => {
            fields.missing(cx, "points", "[[50%, 1ms], [100%, 5ms]]");
            return None;
        }
    };
    let ascending = rows.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1);
    if !ascending {
        let message = "the table's shares and durations must rise";
        cx.error(node.span, &place, message, "sort the points");
        return None;
    }
    if rows.last().is_none_or(|last| last.0 != 1.0) {
        let message = "the table's last share must be 100%";
        cx.error(node.span, &place, message, "add a point `[100%, ...]`");
        return None;
    }
    if rows.len() > MOST_POINTS {
        cx.error(node.span, &place, "too many points", format!("at most {MOST_POINTS}"));
        return None;
    }
    let out = rows.iter().map(|&(s, t)| Out::List(vec![Share(s).write(), Time(t).write()]));
    fields.put("points", Out::List(out.collect()));
    Some(rows.into_iter().map(|(s, t)| (Share(s).probability(), t)).collect())
}

fn points_in(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<Vec<(f64, u64)>> {
    let before = cx.errors();
    let mut rows = Vec::new();
    for item in items(cx, node, place, "a list such as `[[50%, 1ms], [100%, 5ms]]`") {
        if let Kind::List(cells) = &item.kind
            && let [share, time] = cells.as_slice()
        {
            let share = Share::read(cx, share, place);
            let time = Time::read(cx, time, place);
            rows.extend(share.zip(time).map(|(s, t)| (s.0, t.0)));
        } else {
            cx.expected(item, place, "a point such as `[50%, 1ms]`");
        }
    }
    (cx.errors() == before).then_some(rows)
}

fn points_from(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<Vec<(f64, u64)>> {
    let name = String::read(cx, node, place)?;
    let Some(files) = cx.files else {
        cx.error(node.span, place, "no files can be read here", "write the table as `points`");
        return None;
    };
    let text = match files(&name) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("cannot read the file: {error}");
            cx.error(node.span, place, &message, "the name is relative to the scenario's folder");
            return None;
        }
    };
    let mut rows = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let mut cells = line
            .split(|c: char| c == ',' || c == ';' || c.is_whitespace())
            .filter(|c| !c.is_empty());
        let row = match (cells.next(), cells.next(), cells.next()) {
            (Some(share), Some(time), None) => units::share(share).ok().zip(units::span(time).ok()),
            _ => None,
        };
        let Some(row) = row else {
            let message = format!("line {} of the file is no point", i + 1);
            cx.error(node.span, place, &message, "two columns such as `50% 1ms`");
            return None;
        };
        rows.push(row);
    }
    Some(rows)
}
