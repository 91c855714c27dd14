//! Serf's layer against its specification, without a simulator: nodes are called, and what they send is
//! delivered by hand.
//!
//! The surprises of the specification's section 14, by the file and name of their tests:
//!
//! | # | where |
//! |---|---|
//! | 1 to 5, 17 to 19, 23, 29 | `members.rs` here |
//! | 6 to 8, 11 to 15, 20 to 22, 25, 28, 31 | `messages.rs` here |
//! | 9, 10 | `src/serf/coalesce.rs` |
//! | 16, 30 | `src/serf/queues.rs` |
//! | 24 | `src/serf/snapshot/tests.rs` |
//! | 26 | `tests/tests/serf.rs` of the workspace |
//! | 27 | `surprise_27_a_cut_off_node_keeps_its_peers_alive` in `tests/tests/serf.rs` |

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

mod histories;
mod members;
mod messages;
mod pool;
mod rules;
mod transitions;
