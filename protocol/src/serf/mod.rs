//! Serf above SWIM: intents, user events, queries, reconnection, coordinates.

pub mod coalesce;
pub mod config;
pub mod coordinate;
pub mod event;
pub mod filter;
pub mod lamport;
pub mod ledger;
pub mod snapshot;
pub mod status;
pub mod tags;

pub use config::Config;
pub use event::Event;
pub use status::Status;
