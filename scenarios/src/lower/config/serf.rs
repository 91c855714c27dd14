//! Serf's settings, beside memberlist's in one map: legal only where the preset has Serf.

use wavetank_protocol::{Config, serf};

use super::{Names, Overrides};
use crate::{
    out::Out,
    read::{Cx, Fields, Time, Value},
};

/// Its quirks, in the order of [`quirks`].
pub(crate) const QUIRKS: [&str; 3] = ["prune_freeze", "tag_order", "dead_config"];

/// Loops of the original that would never rest at an interval of 0.
const LOOPS: [&str; 3] = ["reap_interval", "reconnect_interval", "queue_check_interval"];

/// Greatest limit of a message that travels in one datagram.
const LARGEST: u64 = 65_000;

macro_rules! settings {
    ($with:ident) => {
        $with! {
            spans: broadcast_timeout leave_propagate_delay coalesce_period quiescent_period
                user_coalesce_period user_quiescent_period reap_interval reconnect_interval
                reconnect_timeout tombstone_timeout flap_timeout recent_intent_timeout
                queue_check_interval handler_time;
            numbers: queue_depth_warning 0..=1_000_000_000, max_queue_depth 0..=1_000_000_000,
                min_queue_depth 0..=1_000_000_000, event_buffer 1..=65_536,
                query_buffer 1..=65_536, query_timeout_mult 1..=100_000,
                query_response_size_limit 0..=LARGEST, query_size_limit 0..=LARGEST,
                user_event_size_limit 0..=serf::Config::GREATEST_EVENT as u64,
                serf_protocol_version 2..=5;
            booleans: snapshot rejoin_after_leave replay_on_join enable_name_conflict_resolution
                disable_coordinates;
        }
    };
}

macro_rules! define {
    (spans: $($span:ident)*; numbers: $($number:ident $range:expr),*; booleans: $($boolean:ident)*;) => {
        fn legal_fields(cx: &mut Cx<'_>, fields: &mut Fields<'_>, over: &mut Overrides) {
            $(if let Some(Time(value)) = fields.maybe(cx, stringify!($span)) {
                let out = Time(value).write();
                over.add(stringify!($span), out, with(move |s| s.$span = value));
            })*
            $(if fields.has(stringify!($number)) {
                let range: std::ops::RangeInclusive<u64> = $range;
                let bounds = (*range.start(), *range.end());
                let value = fields.number(cx, stringify!($number), bounds.0, bounds);
                // In range, hence within the field's width.
                let out = value.write();
                over.add(stringify!($number), out, with(move |s| s.$number = value as _));
            })*
            $(if let Some(value) = fields.maybe::<bool>(cx, stringify!($boolean)) {
                over.add(stringify!($boolean), value.write(), with(move |s| s.$boolean = value));
            })*
        }

        /// All settings of Serf, in canonical form.
        pub(super) fn write(serf: &serf::Config) -> Vec<(String, Out)> {
            vec![
                $((stringify!($span).to_owned(), Time(serf.$span).write()),)*
                $((stringify!($number).to_owned(), u64::from(serf.$number).write()),)*
                $((stringify!($boolean).to_owned(), serf.$boolean.write()),)*
            ]
        }

        /// Names and bounds, for the schema.
        pub(crate) const NAMES: Names = (
            &[$(stringify!($span)),*],
            &[$((stringify!($number), *($range).start(), *($range).end())),*],
            &[$(stringify!($boolean)),*],
        );
    };
}

settings!(define);

/// A change of Serf's settings; none where there is no Serf.
fn with(change: impl Fn(&mut serf::Config) + 'static) -> impl Fn(&mut Config) + 'static {
    move |config| {
        if let Some(serf) = &mut config.serf {
            change(serf);
        }
    }
}

/// Reads Serf's settings out of a map of settings, or refuses them.
pub(super) fn fields(cx: &mut Cx<'_>, fields: &mut Fields<'_>, over: &mut Overrides) {
    if cx.serf == Some(false) {
        let names = NAMES.0.iter().chain(NAMES.1.iter().map(|(name, ..)| name)).chain(NAMES.2);
        refuse(cx, fields, names);
        return;
    }
    legal_fields(cx, fields, over);
    for name in LOOPS {
        if let Some(span) = fields.value_span(name)
            && over.out.iter().any(|(key, out)| key == name && *out == Time(0).write())
        {
            let place = fields.at(name);
            cx.error(span, &place, "an interval of 0 would never rest", "write `30s` or so");
        }
    }
}

/// Reads the quirks of Serf, or refuses them.
pub(super) fn quirks(cx: &mut Cx<'_>, fields: &mut Fields<'_>) -> [Option<bool>; 3] {
    if cx.serf == Some(false) {
        refuse(cx, fields, &QUIRKS);
        return [None; 3];
    }
    QUIRKS.map(|name| fields.maybe(cx, name))
}

/// Only keys that are there: a hint at the nearest spelling shall not lead to another of them.
fn refuse<'n>(
    cx: &mut Cx<'_>,
    fields: &mut Fields<'_>,
    names: impl IntoIterator<Item = &'n &'static str>,
) {
    for name in names {
        if let Some(span) = fields.key_span(name) {
            fields.has(name);
            let message = "the key is Serf's, and the preset is without Serf";
            cx.error(span, &fields.at(name), message, "use a preset such as `serf-lan`");
        }
    }
}

/// What is legal but probably not meant.
pub(super) fn doubts(config: &Config, into: &mut Vec<(&'static str, &'static str)>) {
    let Some(serf) = &config.serf else { return };
    if serf.disable_coordinates && serf.coordinates(config.quirks.dead_config) {
        into.push((
            "disable_coordinates has no effect: the agent forgets the key",
            "set `quirks: {dead_config: false}` to switch coordinates off",
        ));
    }
    if serf.rejoin_after_leave && !serf.snapshot {
        into.push((
            "rejoin_after_leave has no effect: without a snapshot nobody is remembered",
            "set `snapshot: true` too",
        ));
    }
    if (serf.coalesce_period == 0) != (serf.quiescent_period == 0) {
        into.push((
            "the member coalescer is off: one of coalesce_period and quiescent_period is 0",
            "set both, or neither",
        ));
    }
    if (serf.user_coalesce_period == 0) != (serf.user_quiescent_period == 0) {
        into.push((
            "the user-event coalescer is off: one of user_coalesce_period and user_quiescent_period is 0",
            "set both, or neither",
        ));
    }
    if serf.serf_protocol_version == 2 {
        into.push((
            "with serf_protocol_version 2 a member announces the value of its tag `role` and no other",
            "use `serf_protocol_version: 4` or 5",
        ));
    }
}
