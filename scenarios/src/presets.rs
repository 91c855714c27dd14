//! The gossip settings that products ship with, by name.
//!
//! Each is memberlist's own profile with what the product changes, and Serf above it where the product has
//! Serf. What others do above memberlist (Alertmanager's queue, networkdb's tables) is not part of a preset.

use wavetank_protocol::{
    Config, Span, serf,
    time::{HOUR, MILLISECOND, SECOND},
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

/// Consul's Serf, in both of its pools: the library's defaults but for these (`lib/serf/serf.go`,
/// `agent/consul/server_serf.go`). Nothing is coalesced.
const CONSUL_SERF: serf::Config = serf::Config {
    leave_propagate_delay: 3 * SECOND,
    reconnect_timeout: 72 * HOUR,
    queue_depth_warning: 1_000_000,
    min_queue_depth: 4096,
    enable_name_conflict_resolution: false,
    snapshot: true,
    ..serf::Config::library()
};

/// Nomad's Serf (`nomad/server.go: setupSerf`).
const NOMAD_SERF: serf::Config = serf::Config {
    reconnect_timeout: 72 * HOUR,
    enable_name_conflict_resolution: false,
    snapshot: true,
    ..serf::Config::library()
};

/// Serf as a library: the keys that the agent forgets are the agent's.
const fn embedded(mut config: Config, serf: serf::Config) -> Config {
    config.quirks.dead_config = false;
    config.serf = Some(serf);
    config
}

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
        description: "The Serf agent's `lan` profile: memberlist's LAN settings, events coalesced for 3s/1s.",
        config: Config::lan().with_serf(),
    },
    Preset {
        name: "serf-wan",
        description: "The Serf agent's `wan` profile: memberlist's WAN settings, events coalesced for 3s/1s.",
        config: Config::wan().with_serf(),
    },
    Preset {
        name: "serf-local",
        description: "The Serf agent's `local` profile: memberlist's local settings, events coalesced for \
                      3s/1s.",
        config: Config::local().with_serf(),
    },
    Preset {
        name: "consul-lan",
        description: "Consul's LAN pool: memberlist's LAN settings, a dead name is reclaimed after 30s; \
                      Serf keeps failed members for 72h and leaves for 3s, coalesces nothing.",
        config: embedded(
            Config { dead_node_reclaim_time: CONSUL_RECLAIM, ..Config::lan() },
            CONSUL_SERF,
        ),
    },
    Preset {
        name: "consul-wan",
        description: "Consul's WAN pool of servers: WAN settings, but 3 gossip targets (its defaults \
                      take that number from the LAN profile), a dead name is reclaimed after 30s; Serf \
                      as in its LAN pool.",
        config: embedded(
            Config {
                dead_node_reclaim_time: CONSUL_RECLAIM,
                gossip_nodes: Config::lan().gossip_nodes,
                ..Config::wan()
            },
            CONSUL_SERF,
        ),
    },
    Preset {
        name: "consul-dev",
        description: "Consul's development mode: gossip, probes and their time-out every 100ms, \
                      suspicion_mult 3; Serf as in its LAN pool, without a snapshot.",
        config: embedded(
            Config {
                dead_node_reclaim_time: CONSUL_RECLAIM,
                gossip_interval: 100 * MILLISECOND,
                probe_interval: 100 * MILLISECOND,
                probe_timeout: 100 * MILLISECOND,
                suspicion_mult: 3,
                ..Config::lan()
            },
            serf::Config { snapshot: false, ..CONSUL_SERF },
        ),
    },
    Preset {
        name: "nomad",
        description: "Nomad's pool of servers: memberlist's WAN settings, none of them configurable; Serf \
                      keeps failed members for 72h, coalesces nothing.",
        config: embedded(Config::wan(), NOMAD_SERF),
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
    use wavetank_protocol::Quirks;

    use super::*;

    #[test]
    fn products_differ_from_memberlist_where_their_sources_say_so() {
        let of = |name| &get(name).unwrap_or(&PRESETS[0]).config;
        assert_eq!(of("consul-wan").gossip_nodes, 3, "the fan-out comes from the LAN profile");
        assert_eq!(of("memberlist-wan").gossip_nodes, 4);
        assert_eq!(of("consul-lan").dead_node_reclaim_time, 30 * SECOND);
        let bare = |name| Config { serf: None, quirks: Quirks::HEAD, ..of(name).clone() };
        assert_eq!(&bare("nomad"), of("memberlist-wan"));
        assert_eq!(&bare("serf-local"), of("memberlist-local"));
        assert_eq!(of("docker-networkdb"), of("memberlist-lan"));
        assert!(of("dskit").disable_tcp_pings);
    }

    #[test]
    fn serf_is_in_the_products_that_have_it() {
        let serf = |name| get(name).and_then(|p| p.config.serf);
        for name in ["serf-lan", "serf-wan", "serf-local"] {
            assert_eq!(serf(name), Some(serf::Config::agent()), "{name}");
        }
        let library = serf::Config::library();
        for (name, delay, min_depth, snapshot) in [
            ("consul-lan", 3, 4096, true),
            ("consul-wan", 3, 4096, true),
            ("consul-dev", 3, 4096, false),
            ("nomad", 1, 0, true),
        ] {
            let found = serf(name).unwrap_or(library);
            assert_eq!(found.leave_propagate_delay, delay * SECOND, "{name}");
            assert_eq!((found.min_queue_depth, found.snapshot), (min_depth, snapshot), "{name}");
            assert_eq!(found.reconnect_timeout, 72 * HOUR, "{name}");
            assert_eq!(found.tombstone_timeout, library.tombstone_timeout, "{name}");
            assert!(!found.enable_name_conflict_resolution && found.coalesce_period == 0, "{name}");
        }
        for preset in PRESETS.iter().filter(|p| p.config.serf.is_none()) {
            let product = preset.name.split('-').next();
            assert!(!matches!(product, Some("serf" | "consul" | "nomad")), "{}", preset.name);
        }
    }
}
