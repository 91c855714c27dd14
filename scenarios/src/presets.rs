//! The gossip settings that products ship with, by name.
//!
//! Each is memberlist's own profile with what the product changes. What a product does above memberlist
//! (Serf's intents, Alertmanager's queue, networkdb's tables) is not part of a preset.

use wavetank_protocol::{
    Config, Span,
    time::{MILLISECOND, SECOND},
};

/// A named set of settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Name, as in `cluster.preset`.
    pub name: &'static str,
    /// One sentence: what it is and how it differs from memberlist's profile.
    pub description: &'static str,
    /// The settings.
    pub config: Config,
}

/// Consul sets this in both of its pools; memberlist's own default is never.
const CONSUL_RECLAIM: Span = 30 * SECOND;

/// All presets, the default first.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "memberlist-lan",
        description: "memberlist's DefaultLANConfig: one data centre.",
        config: Config::lan(),
    },
    Preset {
        name: "memberlist-wan",
        description: "memberlist's DefaultWANConfig: slower timers for links between data centres.",
        config: Config::wan(),
    },
    Preset {
        name: "memberlist-local",
        description: "memberlist's DefaultLocalConfig: one machine.",
        config: Config::local(),
    },
    Preset {
        name: "serf-lan",
        description: "The Serf agent's `lan` profile: memberlist's LAN settings, compression always on.",
        config: Config::lan(),
    },
    Preset {
        name: "serf-wan",
        description: "The Serf agent's `wan` profile: memberlist's WAN settings, compression always on.",
        config: Config::wan(),
    },
    Preset {
        name: "serf-local",
        description: "The Serf agent's `local` profile: memberlist's local settings, compression always on.",
        config: Config::local(),
    },
    Preset {
        name: "consul-lan",
        description: "Consul's LAN pool: memberlist's LAN settings, a dead name is reclaimed after 30s.",
        config: Config { dead_node_reclaim_time: CONSUL_RECLAIM, ..Config::lan() },
    },
    Preset {
        name: "consul-wan",
        description: "Consul's WAN pool of servers: WAN settings, but 3 gossip targets (its defaults \
                      take that number from the LAN profile), a dead name is reclaimed after 30s.",
        config: Config {
            dead_node_reclaim_time: CONSUL_RECLAIM,
            gossip_nodes: Config::lan().gossip_nodes,
            ..Config::wan()
        },
    },
    Preset {
        name: "consul-dev",
        description: "Consul's development mode: gossip, probes and their time-out every 100ms, \
                      suspicion_mult 3.",
        config: Config {
            dead_node_reclaim_time: CONSUL_RECLAIM,
            gossip_interval: 100 * MILLISECOND,
            probe_interval: 100 * MILLISECOND,
            probe_timeout: 100 * MILLISECOND,
            suspicion_mult: 3,
            ..Config::lan()
        },
    },
    Preset {
        name: "nomad",
        description: "Nomad's pool of servers: memberlist's WAN settings, none of them configurable.",
        config: Config::wan(),
    },
    Preset {
        name: "dskit",
        description: "Mimir, Loki, Tempo (dskit): probes every 5s, no stream pings, packets of up to \
                      10 MiB, which really travel over TCP.",
        config: Config {
            tcp_timeout: 2 * SECOND,
            probe_interval: 5 * SECOND,
            probe_timeout: 2 * SECOND,
            disable_tcp_pings: true,
            udp_buffer_size: 10 << 20,
            ..Config::lan()
        },
    },
    Preset {
        name: "alertmanager",
        description: "Alertmanager with up to seven peers: LAN settings, state exchange every 60s.",
        config: Config { push_pull_interval: 60 * SECOND, ..Config::lan() },
    },
    Preset {
        name: "docker-networkdb",
        description: "Docker Swarm's node gossip: LAN settings, packets of the control plane's MTU less 100.",
        config: Config { udp_buffer_size: 1500 - 100, ..Config::lan() },
    },
];

/// The preset of a name.
pub fn get(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|p| p.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_differ_from_memberlist_where_their_sources_say_so() {
        let of = |name| &get(name).unwrap_or(&PRESETS[0]).config;
        assert_eq!(of("consul-wan").gossip_nodes, 3, "the fan-out comes from the LAN profile");
        assert_eq!(of("memberlist-wan").gossip_nodes, 4);
        assert_eq!(of("consul-lan").dead_node_reclaim_time, 30 * SECOND);
        assert_eq!(of("nomad"), of("memberlist-wan"));
        assert_eq!(of("docker-networkdb"), of("memberlist-lan"));
        assert!(of("dskit").disable_tcp_pings);
    }
}
