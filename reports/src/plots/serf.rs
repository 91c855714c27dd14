//! Plots of Serf's layer: who heard user events and queries, how acks came in, how deep the queues were, how
//! far the clocks were apart, how well coordinates tell the round trip.

use super::{
    ENTRIES, Inputs, Plot, Spread,
    levels::Level,
    levels_plot, numbered,
    sheet::{BLUE, ORANGE, VERMILION},
    spread::{self, Words},
};

/// What spreads from an entry of the timeline.
struct Kind {
    name: &'static str,
    title: fn(&str) -> String,
    words: [&'static str; 3],
    /// The old formula was made for it.
    formula: bool,
    caption: &'static str,
}

const EVENTS: Kind = Kind {
    name: "event",
    title: |entry| format!("Who heard the user event “{entry}”"),
    words: ["time since it was sent", "share of those who count that heard it", "had heard it"],
    formula: true,
    caption: "Who counts: the nodes that ran and could be reached when it was sent. A late step is a push/pull, \
        which repairs what gossip missed. The old formula is the closed form of Serf's former convergence \
        simulator; it knows no latency, no retransmit limit and no push/pull.",
};

const QUERIES: Kind = Kind {
    name: "query",
    title: |entry| format!("Who heard the query “{entry}”"),
    words: ["time since it was asked", "share of those who count that heard it", "had heard it"],
    formula: false,
    caption: "Whether or not its filters mean them. What gossip misses no push/pull repairs: a query is not kept.",
};

const ACKS: Kind = Kind {
    name: "query-acks",
    title: |entry| format!("How the acks to “{entry}” came in"),
    words: ["time since it was asked", "share of the expected acks", "had acknowledged"],
    formula: false,
    caption: "Each ack is one datagram to the asker, which nobody repeats; relays, where asked for, carry copies.",
};

/// How events and queries spread, and how acks came in.
pub(super) fn spreads(inputs: &Inputs) -> Vec<Plot> {
    let mut plots = Vec::new();
    for (kind, entries) in
        [(EVENTS, &inputs.events), (QUERIES, &inputs.queries), (ACKS, &inputs.acks)]
    {
        for (i, (entry, all)) in entries.iter().take(ENTRIES).enumerate() {
            plots.extend(spread_plot(inputs, &kind, i, entry, all));
        }
    }
    plots
}

fn spread_plot(
    inputs: &Inputs,
    kind: &Kind,
    index: usize,
    entry: &str,
    all: &[Spread],
) -> Option<Plot> {
    let title = (kind.title)(entry);
    let [x, y, done] = kind.words;
    let formula = inputs.settings.old_formula.as_ref().filter(|_| kind.formula);
    let sheet = spread::sheet(&Words { title: &title, x, y, done }, all, formula)?;
    Some(Plot::new(numbered(kind.name, index), title, kind.caption, sheet))
}

const fn level(curve: &'static str, y: &'static str, i: usize) -> Level<'static> {
    let color = [BLUE, ORANGE, VERMILION][i];
    Level { curve, y, color, whole: true, times: 1.0 }
}

/// What the looks at all nodes show, where it was ever anything but 0.
pub(super) fn levels(inputs: &Inputs) -> Vec<Plot> {
    let queues = [
        level("queue.intent", "intents, deepest queue", 0),
        level("queue.query", "queries, deepest queue", 1),
        level("queue.event", "user events, deepest queue", 2),
    ];
    let clocks = [
        level("clock.member.skew", "member clocks, spread", 0),
        level("clock.event.skew", "event clocks, spread", 1),
        level("clock.query.skew", "query clocks, spread", 2),
    ];
    let share = |curve, y, color| Level { curve, y, color, whole: false, times: 100.0 };
    let coordinates = [
        share("coordinate.error", "median error, %", BLUE),
        share("coordinate.error.p90", "90th percentile, %", BLUE),
    ];
    [
        (
            "serf-queues",
            "How deep Serf's queues were",
            "The deepest queue of any node between two looks; a look is once a second.",
            &queues[..],
        ),
        (
            "clocks",
            "How far the Lamport clocks were apart",
            "Greatest less least clock of the running nodes. Events more than the buffer (512) behind a node's \
             clock are dropped there as old.",
            &clocks[..],
        ),
        (
            "coordinates",
            "How wrong the coordinates were",
            "Estimated against true round trip, relative to the true one, over pairs spread evenly over the cluster.",
            &coordinates[..],
        ),
    ]
    .into_iter()
    .filter_map(|(name, title, caption, levels)| {
        let levels: Vec<Level> =
            levels.iter().copied().filter(|l| inputs.ever(l.curve)).collect();
        levels_plot(inputs, name, title, caption, &levels)
    })
    .collect()
}
