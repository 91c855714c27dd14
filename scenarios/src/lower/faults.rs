//! What a path does to datagrams, as links and as faults say it: loss, delay, duplication, reordering,
//! corruption, bandwidth. The words are netem's.

use wavetank_protocol::rng::Probability;
use wavetank_sim_core::plan::{Bandwidth, Chances, Delay, JitterShape, Loss, Reorder};

use crate::{
    out::Out,
    read::{Cx, Fields, Rate, Share, Size, Time, Value},
    units::write_share,
    yaml::{Kind, Node},
};

/// A queue of this many bytes stands in front of a rate limit unless the file says otherwise: about 45
/// full packets.
const QUEUE: u64 = 64_000;

/// The keys of all models of loss.
const LOSS_KEYS: &[&str] =
    &["probability", "correlation", "p", "r", "h", "k", "p13", "p31", "p32", "p23", "p14"];

/// Whether a value is written as a map, rather than as its main quantity alone.
fn is_map(node: &Node) -> bool {
    matches!(node.kind, Kind::Map(_))
}

/// A chance on its own, or with a correlation.
pub(crate) fn chances(cx: &mut Cx<'_>, node: &Node, place: &str) -> (Chances, Out) {
    if !is_map(node) {
        let share = Share::read(cx, node, place).unwrap_or(Share(0.0));
        return (Chances { probability: share.probability(), ..Chances::default() }, share.write());
    }
    let Some(mut fields) = Fields::open(cx, node, place, "a chance") else {
        return (Chances::default(), Share(0.0).write());
    };
    let chances = chances_in(cx, &mut fields);
    (chances, fields.close(cx))
}

/// The keys `probability` and `correlation`.
pub(crate) fn chances_in(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> Chances {
    let probability: Option<Share> = fields.need(cx, "probability", "5%");
    let correlation = fields.or(cx, "correlation", Share(0.0));
    Chances {
        probability: probability.unwrap_or(Share(0.0)).probability(),
        correlation: correlation.probability(),
    }
}

/// A share, or a model of loss.
pub(crate) fn loss(cx: &mut Cx<'_>, node: &Node, place: &str) -> (Loss, Out) {
    if !is_map(node) {
        let share = Share::read(cx, node, place).unwrap_or(Share(0.0));
        return (independent(share.probability()), share.write());
    }
    let Some(mut fields) = Fields::open(cx, node, place, "a loss") else {
        return (Loss::None, Share(0.0).write());
    };
    let loss = loss_in(cx, &mut fields);
    (loss, fields.close(cx))
}

fn independent(probability: Probability) -> Loss {
    if probability.is_zero() { Loss::None } else { Loss::Independent(probability) }
}

/// The keys of a loss; the model decides which.
pub(crate) fn loss_in(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> Loss {
    let models = [("random", 0), ("gilbert-elliott", 1), ("four-state", 2)];
    let Some(model) = fields.word_or_problem(cx, "model", &models) else {
        // Which keys are valid depends on the model: all of them may be.
        for key in LOSS_KEYS {
            fields.has(key);
        }
        return Loss::None;
    };
    match model {
        1 => {
            let p = fields.need(cx, "p", "1%").unwrap_or(Share(0.0));
            let mut share = |cx: &mut Cx<'_>, key, default| fields.or(cx, key, Share(default));
            // tc's defaults: a datagram in the bad state is lost, one in the good state is not.
            let r = share(cx, "r", 1.0 - p.0);
            let h = share(cx, "h", 0.0);
            let k = share(cx, "k", 1.0);
            Loss::GilbertElliott {
                p: p.probability(),
                r: r.probability(),
                h: h.probability(),
                k: k.probability(),
            }
        }
        2 => {
            let p13 = fields.need(cx, "p13", "1%").unwrap_or(Share(0.0));
            let mut share = |cx: &mut Cx<'_>, key, default| fields.or(cx, key, Share(default));
            let p31 = share(cx, "p31", 1.0 - p13.0);
            let p32 = share(cx, "p32", 0.0);
            let p23 = share(cx, "p23", 1.0);
            let p14 = share(cx, "p14", 0.0);
            for (key, (a, b), names) in
                [("p14", (p13, p14), "`p13` and `p14`"), ("p31", (p31, p32), "`p31` and `p32`")]
            {
                if a.0 + b.0 > 1.0 + 1e-9 {
                    let span = fields.value_span(key).unwrap_or(fields.span);
                    let message = format!("{names} together exceed 100%");
                    let label = format!("they are {} and {}", write_share(a.0), write_share(b.0));
                    cx.error(span, &fields.place, &message, label);
                }
            }
            Loss::FourState {
                p13: p13.probability(),
                p31: p31.probability(),
                p32: p32.probability(),
                p23: p23.probability(),
                p14: p14.probability(),
            }
        }
        _ => {
            let Chances { probability, correlation } = chances_in(cx, fields);
            if correlation.is_zero() {
                independent(probability)
            } else {
                Loss::Correlated { probability, correlation }
            }
        }
    }
}

/// An added delay; a duration alone is a fixed one.
pub(crate) fn delay(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<(Delay, Out)> {
    if !is_map(node) {
        let time = Time::read(cx, node, place)?;
        let (correlation, distribution) = (Probability::ZERO, JitterShape::Uniform);
        return Some((
            Delay { latency: time.0, jitter: 0, correlation, distribution },
            time.write(),
        ));
    }
    let mut fields = Fields::open(cx, node, place, "a delay")?;
    let delay = delay_in(cx, &mut fields);
    Some((delay, fields.close(cx)))
}

/// The keys of a delay.
pub(crate) fn delay_in(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> Delay {
    let latency = fields.need(cx, "latency", "50ms").unwrap_or(Time(0)).0;
    let jitter = fields.or(cx, "jitter", Time(0)).0;
    let correlation = fields.or(cx, "correlation", Share(0.0)).probability();
    let shapes = [
        ("uniform", JitterShape::Uniform),
        ("normal", JitterShape::Normal),
        ("pareto", JitterShape::Pareto),
        ("paretonormal", JitterShape::ParetoNormal),
    ];
    let distribution = fields.word(cx, "distribution", &shapes);
    Delay { latency, jitter, correlation, distribution }
}

/// A chance to overtake; a share alone has no gap.
pub(crate) fn reorder(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<(Reorder, Out)> {
    if !is_map(node) {
        let (chances, out) = chances(cx, node, place);
        return Some((Reorder { chances, gap: 0 }, out));
    }
    let mut fields = Fields::open(cx, node, place, "a reordering")?;
    let reorder = reorder_in(cx, &mut fields);
    Some((reorder, fields.close(cx)))
}

/// The keys of a reordering.
pub(crate) fn reorder_in(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> Reorder {
    let chances = chances_in(cx, fields);
    let gap = fields.number(cx, "gap", 0, (0, u64::from(u32::MAX))) as u32;
    Reorder { chances, gap }
}

/// A rate limit; a rate alone has the default queue.
pub(crate) fn bandwidth(cx: &mut Cx<'_>, node: &Node, place: &str) -> Option<(Bandwidth, Out)> {
    if !is_map(node) {
        let rate = Rate::read(cx, node, place)?;
        return Some((Bandwidth { rate: rate.0, limit: QUEUE }, rate.write()));
    }
    let mut fields = Fields::open(cx, node, place, "a rate limit")?;
    let bandwidth = bandwidth_in(cx, &mut fields)?;
    Some((bandwidth, fields.close(cx)))
}

/// The keys of a rate limit.
pub(crate) fn bandwidth_in(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> Option<Bandwidth> {
    let rate: Option<Rate> = fields.need(cx, "rate", "1mbit");
    let limit = fields.or(cx, "limit", Size(QUEUE));
    if let Some(span) = fields.key_span("buffer") {
        fields.has("buffer");
        let message = "no burst above the rate is modelled";
        cx.error(span, &fields.at("buffer"), message, "remove this; `limit` is the queue");
    }
    Some(Bandwidth { rate: rate?.0, limit: limit.0 })
}
