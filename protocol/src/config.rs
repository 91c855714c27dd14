//! The settings of one node: memberlist's `Config`, with its three profiles.
//!
//! Field names are the snake_case of the Go names; values and their meaning are those of
//! `config.go: DefaultLANConfig, DefaultWANConfig, DefaultLocalConfig`. Settings that cannot change a
//! history (loggers, metric labels, DNS) are absent.

use crate::{
    message::Envelope,
    time::{MILLISECOND, SECOND, Span},
};

/// Which release's dynamics to follow where releases differ (specification, appendix A).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Compat {
    /// The newest release.
    Head,
    /// memberlist 0.2.2, as shipped with Debian's Serf: no exhaustive selection in small lists, left
    /// members are never reaped, a failed datagram write ends a probe silently.
    V0_2,
}

/// Known defects of the original that can be switched off to see what they cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Quirks {
    /// The broadcast queue's id counter restarts whenever the queue is momentarily empty, so that an
    /// item may silently replace another (specification 13, B1).
    pub queue_id_reset: bool,
    /// Serf: a prune of a member that has not left stops the whole node for six seconds (Serf
    /// specification 3.9). Off: the wait is in the background, as in the newest release.
    pub prune_freeze: bool,
    /// Serf: tags are encoded in whatever order the map gives, so that a restart may change the bytes
    /// (Serf specification 8).
    pub tag_order: bool,
    /// Serf: the agent reads `disable_coordinates` and `validate_node_names` and forgets them (1.1).
    pub dead_config: bool,
}

impl Quirks {
    /// What the newest release has.
    pub const HEAD: Self =
        Self { queue_id_reset: true, prune_freeze: false, tag_order: true, dead_config: true };
}

/// Encryption of packets and streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Encryption {
    /// 0 (protocol version 1, padded) or 1.
    pub version: u8,
    /// The key that encrypts, as an index into the scenario's keys (0 to 63).
    pub primary: u8,
    /// All keys that decrypt, as a bit set over the same indices.
    pub keys: u64,
}

/// A cluster label: equal ids are equal texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    /// Which text, as an index into the scenario's labels; 0 is the empty one.
    pub id: u16,
    /// Its length in bytes, at most 255; 0 means that no header is sent.
    pub len: u8,
}

/// The settings of one node (`config.go: Config`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Config {
    /// `TCPTimeout`: dial timeout and per-phase stream deadline.
    pub tcp_timeout: Span,
    /// `IndirectChecks`: relays asked in an indirect probe.
    pub indirect_checks: u32,
    /// `RetransmitMult`: multiplier of the retransmit limit.
    pub retransmit_mult: u32,
    /// `SuspicionMult`: multiplier of the minimum suspicion time; sets the expected confirmations.
    pub suspicion_mult: u32,
    /// `SuspicionMaxTimeoutMult`: maximum suspicion time as a multiple of the minimum.
    pub suspicion_max_timeout_mult: u32,
    /// `PushPullInterval`: base period of anti-entropy; 0 turns the periodic exchange off.
    pub push_pull_interval: Span,
    /// `ProbeInterval`: probe period and base deadline; 0 turns probing off.
    pub probe_interval: Span,
    /// `ProbeTimeout`: wait for a direct ack, a relay's window and its nack delay.
    pub probe_timeout: Span,
    /// `DisableTcpPings`: no stream ping beside the indirect probes.
    pub disable_tcp_pings: bool,
    /// `AwarenessMaxMultiplier`: the health score runs from 0 to this less one.
    pub awareness_max_multiplier: u32,
    /// `GossipInterval`: gossip period; 0 turns gossip off.
    pub gossip_interval: Span,
    /// `GossipNodes`: targets of a gossip tick; 0 turns gossip off.
    pub gossip_nodes: u32,
    /// `GossipToTheDeadTime`: how long the dead are gossiped to and their records kept.
    pub gossip_to_the_dead_time: Span,
    /// `DeadNodeReclaimTime`: after which a dead name may move to a new address; 0 is never.
    pub dead_node_reclaim_time: Span,
    /// `EnableCompression`: LZW, on packets where it is shorter, on streams always.
    pub enable_compression: bool,
    /// `GossipVerifyIncoming`: with keys, refuse plaintext.
    pub gossip_verify_incoming: bool,
    /// `GossipVerifyOutgoing`: with keys, encrypt what is sent.
    pub gossip_verify_outgoing: bool,
    /// Keys, or none.
    pub encryption: Option<Encryption>,
    /// `Label`.
    pub label: Label,
    /// `SkipInboundLabelCheck`.
    pub skip_inbound_label_check: bool,
    /// `HandoffQueueDepth`: limit of each of the two handoff queues.
    pub handoff_queue_depth: u32,
    /// `UDPBufferSize`: packing target of a packet, in bytes.
    pub udp_buffer_size: u32,
    /// `ProtocolVersion`, 1 to 5.
    pub protocol_version: u8,
    /// Which release's dynamics.
    pub compat: Compat,
    /// Which of the original's defects are present.
    pub quirks: Quirks,
    /// Serf above SWIM; absent: SWIM alone.
    pub serf: Option<crate::serf::Config>,
}

impl Config {
    /// `DefaultLANConfig`.
    pub const fn lan() -> Self {
        Self {
            tcp_timeout: 10 * SECOND,
            indirect_checks: 3,
            retransmit_mult: 4,
            suspicion_mult: 4,
            suspicion_max_timeout_mult: 6,
            push_pull_interval: 30 * SECOND,
            probe_interval: SECOND,
            probe_timeout: 500 * MILLISECOND,
            disable_tcp_pings: false,
            awareness_max_multiplier: 8,
            gossip_interval: 200 * MILLISECOND,
            gossip_nodes: 3,
            gossip_to_the_dead_time: 30 * SECOND,
            dead_node_reclaim_time: 0,
            enable_compression: true,
            gossip_verify_incoming: true,
            gossip_verify_outgoing: true,
            encryption: None,
            label: Label { id: 0, len: 0 },
            skip_inbound_label_check: false,
            handoff_queue_depth: 1024,
            udp_buffer_size: 1400,
            protocol_version: 2,
            compat: Compat::Head,
            quirks: Quirks::HEAD,
            serf: None,
        }
    }

    /// `DefaultWANConfig`.
    pub const fn wan() -> Self {
        Self {
            tcp_timeout: 30 * SECOND,
            suspicion_mult: 6,
            push_pull_interval: 60 * SECOND,
            probe_interval: 5 * SECOND,
            probe_timeout: 3 * SECOND,
            gossip_nodes: 4,
            gossip_interval: 500 * MILLISECOND,
            gossip_to_the_dead_time: 60 * SECOND,
            ..Self::lan()
        }
    }

    /// `DefaultLocalConfig`.
    pub const fn local() -> Self {
        Self {
            tcp_timeout: SECOND,
            indirect_checks: 1,
            retransmit_mult: 2,
            suspicion_mult: 3,
            push_pull_interval: 15 * SECOND,
            probe_timeout: 200 * MILLISECOND,
            gossip_interval: 100 * MILLISECOND,
            gossip_to_the_dead_time: 15 * SECOND,
            ..Self::lan()
        }
    }

    /// The same settings with a Serf agent above.
    #[must_use]
    pub const fn with_serf(self) -> Self {
        Self { serf: Some(crate::serf::Config::agent()), ..self }
    }

    /// What is outside of the plaintext of packets this node sends.
    pub const fn envelope(&self) -> Envelope {
        let key = match self.encryption {
            Some(encryption) if self.gossip_verify_outgoing => encryption.primary + 1,
            _ => 0,
        };
        Envelope { label: self.label.id, key }
    }

    /// Whether a packet with this outside gets through to the messages (`net.go: ingestPacket`).
    ///
    /// An encrypted packet is garbage to a node without keys, and so is one under an unknown key, unless
    /// plaintext is let in, in which case it is garbage all the same. A node that skips the check takes what
    /// has no label as if it had the node's own, which was not sealed in with what is encrypted.
    #[inline]
    pub const fn accepts(&self, envelope: Envelope) -> bool {
        let label = if self.skip_inbound_label_check {
            envelope.label == 0 && (envelope.key == 0 || self.label.id == 0)
        } else {
            envelope.label == self.label.id
        };
        label && self.opens(envelope)
    }

    /// Whether what is under this key, or under none, can be read. An answer on a stream carries no label
    /// and has to pass this alone (`net.go: readStream`).
    #[inline]
    pub const fn opens(&self, envelope: Envelope) -> bool {
        match self.encryption {
            None => envelope.key == 0,
            Some(_) if envelope.key == 0 => !self.gossip_verify_incoming,
            Some(encryption) => encryption.keys >> (envelope.key - 1) & 1 == 1,
        }
    }

    /// Bytes of the label header on every packet and dialled stream (`label.go: labelOverhead`).
    pub const fn label_overhead(&self) -> u32 {
        if self.label.len == 0 { 0 } else { 2 + self.label.len as u32 }
    }

    /// Bytes that encryption may add, 0 without keys (`security.go: encryptOverhead`).
    pub const fn encrypt_overhead(&self) -> u32 {
        match self.encryption {
            None => 0,
            Some(Encryption { version: 0, .. }) => 45,
            Some(_) => 29,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::lan()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What gets in: label and key of a sender against those of a receiver (specification 11.1, 12.8).
    #[test]
    fn a_packet_gets_in_by_its_label_and_its_key() {
        let keys = Some(Encryption { version: 1, primary: 0, keys: 0b101 });
        let node = |label, skip, encryption, verify| Config {
            label: Label { id: label, len: label as u8 },
            skip_inbound_label_check: skip,
            encryption,
            gossip_verify_incoming: verify,
            ..Config::lan()
        };
        for (config, label, key, expected) in [
            (node(3, false, None, true), 3, 0, true),
            (node(3, false, None, true), 0, 0, false),
            (node(0, false, None, true), 3, 0, false),
            (node(3, true, None, true), 0, 0, true),
            (node(3, true, None, true), 3, 0, false),
            (node(0, false, keys, true), 0, 0, false),
            (node(0, false, keys, false), 0, 0, true),
            (node(0, false, keys, true), 0, 3, true),
            (node(0, false, keys, false), 0, 2, false),
            // The missing label is taken for one's own, and then the seal does not match.
            (node(3, true, keys, true), 0, 1, false),
            (node(0, true, keys, true), 0, 1, true),
            (node(3, true, keys, false), 0, 0, true),
        ] {
            let found = config.accepts(Envelope { label, key });
            assert_eq!(found, expected, "label {label}, key {key}: {config:?}");
        }
    }
}
