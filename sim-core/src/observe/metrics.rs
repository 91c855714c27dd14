//! The catalogue of metrics: names, kinds, units. `docs/metrics.md` gives the exact definitions.

use crate::outcome::{Kind, Metric, Unit};

const fn trend(name: &'static str, unit: Unit, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Trend, unit, help }
}

const fn counter(name: &'static str, unit: Unit, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, unit, help }
}

const fn gauge(name: &'static str, unit: Unit, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, unit, help }
}

/// All metrics, in the order of reports.
pub const METRICS: &[Metric] = &[
    trend("detection.suspect", Unit::Nanoseconds, "crash until the first suspicion at any node"),
    trend("detection.first", Unit::Nanoseconds, "crash until the first dead record at any node"),
    trend("detection.all", Unit::Nanoseconds, "crash until every node that counts holds it dead"),
    trend(
        "dissemination.t50",
        Unit::Nanoseconds,
        "change until half of the others who count have it",
    ),
    trend(
        "dissemination.t90",
        Unit::Nanoseconds,
        "change until 90 % of the others who count have it",
    ),
    trend(
        "dissemination.t99",
        Unit::Nanoseconds,
        "change until 99 % of the others who count have it",
    ),
    trend(
        "dissemination.t999",
        Unit::Nanoseconds,
        "change until 99.9 % of the others who count have it",
    ),
    trend("dissemination.t100", Unit::Nanoseconds, "change until all others who count have it"),
    trend(
        "convergence",
        Unit::Nanoseconds,
        "last change until all running nodes hold the same view",
    ),
    trend(
        "heal",
        Unit::Nanoseconds,
        "end of a partition until all who were cut hold each other alive",
    ),
    trend(
        "refutation.time",
        Unit::Nanoseconds,
        "own suspicion heard until the refutation is known to all who count",
    ),
    trend("leave.time", Unit::Nanoseconds, "leave called until it returned"),
    trend(
        "event.t50",
        Unit::Nanoseconds,
        "user event sent until half of the others who count have heard it",
    ),
    trend(
        "event.t90",
        Unit::Nanoseconds,
        "user event sent until 90 % of the others who count have heard it",
    ),
    trend(
        "event.t99",
        Unit::Nanoseconds,
        "user event sent until 99 % of the others who count have heard it",
    ),
    trend(
        "event.t999",
        Unit::Nanoseconds,
        "user event sent until 99.9 % of the others who count have heard it",
    ),
    trend(
        "event.t100",
        Unit::Nanoseconds,
        "user event sent until all others who count have heard it",
    ),
    trend(
        "query.t50",
        Unit::Nanoseconds,
        "query asked until half of the others who count have heard it",
    ),
    trend(
        "query.t90",
        Unit::Nanoseconds,
        "query asked until 90 % of the others who count have heard it",
    ),
    trend(
        "query.t99",
        Unit::Nanoseconds,
        "query asked until 99 % of the others who count have heard it",
    ),
    trend(
        "query.t999",
        Unit::Nanoseconds,
        "query asked until 99.9 % of the others who count have heard it",
    ),
    trend("query.t100", Unit::Nanoseconds, "query asked until all others who count have heard it"),
    trend(
        "query.ack.time",
        Unit::Nanoseconds,
        "query asked until an ack reached the asker in time",
    ),
    trend(
        "query.response.time",
        Unit::Nanoseconds,
        "query asked until a response reached the asker in time",
    ),
    trend(
        "reconnect.time",
        Unit::Nanoseconds,
        "failed member reachable again until the first Serf node holds it alive",
    ),
    counter(
        "false_positives",
        Unit::Count,
        "episodes in which a running, reachable node was held dead or left",
    ),
    counter("false_positives.observers", Unit::Count, "observers that believed a false positive"),
    counter(
        "false_positives.healthy",
        Unit::Count,
        "false dead events between nodes without a fault of their own",
    ),
    counter(
        "false_positives.after_heal",
        Unit::Count,
        "false dead events left over from a partition",
    ),
    counter("suspicions", Unit::Count, "records that turned suspect"),
    counter("refutations", Unit::Count, "incarnations raised to refute an accusation"),
    counter(
        "resurrections",
        Unit::Count,
        "dead or left records seen alive again without a restart",
    ),
    counter("missed", Unit::Count, "nodes that count and never got a change"),
    counter("via_pushpull", Unit::Count, "changes of belief that came by state exchange"),
    counter("left_as_failed", Unit::Count, "graceful leaves that some node recorded as a failure"),
    counter(
        "name_conflicts",
        Unit::Count,
        "alive messages refused because the name is held at another address",
    ),
    counter("probes.sent", Unit::Count, "probes begun"),
    counter("probes.direct_timeouts", Unit::Count, "probes whose direct ack did not come in time"),
    counter("probes.failed", Unit::Count, "probes that ended in a suspicion"),
    counter("probes.saved_by_tcp", Unit::Count, "probes that only the stream ping saved"),
    counter("suspicion_timeouts", Unit::Count, "suspicion timers that declared a member dead"),
    counter("queue.dropped", Unit::Count, "messages dropped by a full handoff queue"),
    counter("queue.replaced", Unit::Count, "broadcasts silently replaced by the queue's id defect"),
    counter("packets.sent", Unit::Count, "datagrams sent"),
    counter(
        "packets.lost",
        Unit::Count,
        "datagrams lost to link loss, corruption or a full link queue",
    ),
    counter("packets.cut", Unit::Count, "datagrams stopped by a partition or a block"),
    counter("packets.unheard", Unit::Count, "datagrams to a process or host that is not there"),
    counter("bytes.sent", Unit::Bytes, "datagram payload sent"),
    counter("stream.bytes.sent", Unit::Bytes, "stream payload sent"),
    counter("streams.failed", Unit::Count, "stream exchanges that failed"),
    counter("memberlist.msg.alive", Unit::Count, "alive handlers run"),
    counter("memberlist.msg.suspect", Unit::Count, "suspect handlers run"),
    counter("memberlist.msg.dead", Unit::Count, "dead handlers run"),
    counter("memberlist.tcp.connect", Unit::Count, "streams dialled"),
    counter("memberlist.tcp.accept", Unit::Count, "streams accepted"),
    counter("memberlist.degraded.probe", Unit::Count, "probes begun with a health score above 0"),
    counter(
        "memberlist.degraded.timeout",
        Unit::Count,
        "suspicions whose timer expired without enough confirmations",
    ),
    counter("event.missed", Unit::Count, "nodes that count and never heard a user event"),
    counter("event.pushpull", Unit::Count, "first hearings of a user event that came by push/pull"),
    counter("query.acks", Unit::Count, "acks that reached the asker in time"),
    counter(
        "query.acks.late",
        Unit::Count,
        "acks that reached the asker only after the query's time",
    ),
    counter("query.acks.missing", Unit::Count, "expected acks that never reached the asker"),
    counter("query.responses", Unit::Count, "responses that reached the asker in time"),
    counter(
        "query.responses.late",
        Unit::Count,
        "responses that reached the asker only after the query's time",
    ),
    counter("query.responses.missing", Unit::Count, "responses given that never reached the asker"),
    counter("query.duplicates", Unit::Count, "acks and responses that the asker had already"),
    counter(
        "member.flap",
        Unit::Count,
        "failures of a member that some node took back within the flap time",
    ),
    counter(
        "stuck_leaving",
        Unit::Count,
        "running members held leaving at the end that never asked to leave",
    ),
    counter(
        "queue.pruned",
        Unit::Count,
        "Serf messages dropped because a queue was beyond its limit",
    ),
    counter("serf.member.join", Unit::Count, "member-join at a Serf node"),
    counter("serf.member.left", Unit::Count, "member-leave at a Serf node, forced ones excepted"),
    counter("serf.member.failed", Unit::Count, "member-failed at a Serf node"),
    counter("serf.member.update", Unit::Count, "member-update at a Serf node"),
    counter("serf.member.reap", Unit::Count, "member-reap at a Serf node"),
    counter(
        "serf.member.flap",
        Unit::Count,
        "members that a Serf node took back within the flap time",
    ),
    counter("serf.events", Unit::Count, "user events heard for the first time by a Serf node"),
    counter("serf.queries", Unit::Count, "queries heard for the first time by a Serf node"),
    counter("serf.query_acks", Unit::Count, "acks in time and not a duplicate, of all queries"),
    counter(
        "serf.query_responses",
        Unit::Count,
        "responses in time and not a duplicate, of all queries",
    ),
    counter(
        "serf.query_duplicate_acks",
        Unit::Count,
        "acks of a member that had acknowledged before",
    ),
    counter(
        "serf.query_duplicate_responses",
        Unit::Count,
        "responses of a member that had responded before",
    ),
    counter(
        "serf.handler.member",
        Unit::Count,
        "members of member events that handlers were given",
    ),
    counter("serf.handler.user", Unit::Count, "user events that handlers were given"),
    counter("serf.handler.query", Unit::Count, "queries that handlers were given"),
    gauge(
        "bandwidth.node",
        Unit::BytesPerSecond,
        "payload bytes sent per node and second, all kinds",
    ),
    gauge(
        "bandwidth.node.probe",
        Unit::BytesPerSecond,
        "of these, pings, acks, indirect pings and nacks",
    ),
    gauge("bandwidth.node.gossip", Unit::BytesPerSecond, "of these, gossip packets"),
    gauge("bandwidth.node.pushpull", Unit::BytesPerSecond, "of these, push/pull streams"),
    gauge(
        "bandwidth.node.stream_ping",
        Unit::BytesPerSecond,
        "of these, stream pings and their acks",
    ),
    gauge(
        "bandwidth.zone",
        Unit::BytesPerSecond,
        "payload bytes sent to other zones, per node and second",
    ),
    gauge("packets.node", Unit::PacketsPerSecond, "datagrams sent per node and second"),
    gauge("health.score", Unit::Count, "health score, mean over time, per node"),
    gauge("queue.depth", Unit::Count, "queued broadcasts, mean over time, per node"),
    gauge("queue.depth.max", Unit::Count, "greatest number of queued broadcasts, per node"),
    gauge(
        "queue.intent.depth",
        Unit::Count,
        "messages in Serf's intent queue, mean over time, per node",
    ),
    gauge(
        "queue.intent.depth.max",
        Unit::Count,
        "greatest number of messages in Serf's intent queue, per node",
    ),
    gauge(
        "queue.event.depth",
        Unit::Count,
        "messages in Serf's event queue, mean over time, per node",
    ),
    gauge(
        "queue.event.depth.max",
        Unit::Count,
        "greatest number of messages in Serf's event queue, per node",
    ),
    gauge(
        "queue.query.depth",
        Unit::Count,
        "messages in Serf's query queue, mean over time, per node",
    ),
    gauge(
        "queue.query.depth.max",
        Unit::Count,
        "greatest number of messages in Serf's query queue, per node",
    ),
    gauge(
        "clock.member.skew",
        Unit::Count,
        "greatest less least Lamport clock of members among running nodes, per look",
    ),
    gauge(
        "clock.event.skew",
        Unit::Count,
        "greatest less least Lamport clock of user events among running nodes, per look",
    ),
    gauge(
        "clock.query.skew",
        Unit::Count,
        "greatest less least Lamport clock of queries among running nodes, per look",
    ),
    gauge(
        "coordinate.error",
        Unit::Share,
        "error of the estimated round trip relative to the true one, per pair, at the end",
    ),
];

/// The metric of a name.
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|m| m.name == name)
}
