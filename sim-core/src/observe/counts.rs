//! The counters of a run, by name.

/// All counters; each field is the metric of the same name with dots as underscores.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "the catalogue of metrics defines each")]
pub struct Counts {
    pub false_positives: u64,
    pub false_positives_observers: u64,
    pub false_positives_healthy: u64,
    pub false_positives_after_heal: u64,
    pub suspicions: u64,
    pub refutations: u64,
    pub resurrections: u64,
    pub missed: u64,
    pub via_pushpull: u64,
    pub left_as_failed: u64,
    pub name_conflicts: u64,
    pub probes_sent: u64,
    pub direct_timeouts: u64,
    pub probes_failed: u64,
    pub saved_by_tcp: u64,
    pub suspicion_timeouts: u64,
    pub queue_dropped: u64,
    pub queue_replaced: u64,
    pub packets_sent: u64,
    pub packets_lost: u64,
    pub packets_cut: u64,
    pub packets_unheard: u64,
    pub bytes_sent: u64,
    pub stream_bytes_sent: u64,
    pub streams_failed: u64,
    pub msg_alive: u64,
    pub msg_suspect: u64,
    pub msg_dead: u64,
    pub tcp_connect: u64,
    pub tcp_accept: u64,
    pub degraded_probe: u64,
    pub degraded_timeout: u64,
}

impl Counts {
    /// Names and counts, in the order of the catalogue.
    pub fn list(&self) -> [(&'static str, u64); 32] {
        [
            ("false_positives", self.false_positives),
            ("false_positives.observers", self.false_positives_observers),
            ("false_positives.healthy", self.false_positives_healthy),
            ("false_positives.after_heal", self.false_positives_after_heal),
            ("suspicions", self.suspicions),
            ("refutations", self.refutations),
            ("resurrections", self.resurrections),
            ("missed", self.missed),
            ("via_pushpull", self.via_pushpull),
            ("left_as_failed", self.left_as_failed),
            ("name_conflicts", self.name_conflicts),
            ("probes.sent", self.probes_sent),
            ("probes.direct_timeouts", self.direct_timeouts),
            ("probes.failed", self.probes_failed),
            ("probes.saved_by_tcp", self.saved_by_tcp),
            ("suspicion_timeouts", self.suspicion_timeouts),
            ("queue.dropped", self.queue_dropped),
            ("queue.replaced", self.queue_replaced),
            ("packets.sent", self.packets_sent),
            ("packets.lost", self.packets_lost),
            ("packets.cut", self.packets_cut),
            ("packets.unheard", self.packets_unheard),
            ("bytes.sent", self.bytes_sent),
            ("stream.bytes.sent", self.stream_bytes_sent),
            ("streams.failed", self.streams_failed),
            ("memberlist.msg.alive", self.msg_alive),
            ("memberlist.msg.suspect", self.msg_suspect),
            ("memberlist.msg.dead", self.msg_dead),
            ("memberlist.tcp.connect", self.tcp_connect),
            ("memberlist.tcp.accept", self.tcp_accept),
            ("memberlist.degraded.probe", self.degraded_probe),
            ("memberlist.degraded.timeout", self.degraded_timeout),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{observe::METRICS, outcome::Kind};

    #[test]
    fn every_counter_of_the_catalogue_is_counted_in_its_order() {
        let catalogue: Vec<_> =
            METRICS.iter().filter(|m| m.kind == Kind::Counter).map(|m| m.name).collect();
        let mut ours: Vec<_> = Counts::default().list().iter().map(|(name, _)| *name).collect();
        ours.extend(crate::observe::SerfCounts::default().list().iter().map(|(name, _)| *name));
        assert_eq!(catalogue, ours);
    }
}
