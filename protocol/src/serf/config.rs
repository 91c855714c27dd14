//! The settings of Serf's layer: `serf.Config`, with the defaults of the library and of the agent.
//!
//! Field names are the snake_case of the Go names (`serf/config.go: DefaultConfig`). The agent's own
//! settings that change what members do stand among them and say so.

use crate::time::{HOUR, MICROSECOND, MINUTE, SECOND, Span};

/// The settings of one node's Serf layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Config {
    /// `BroadcastTimeout`: how long leave, force-leave and set-tags wait for their message to be sent out.
    pub broadcast_timeout: Span,
    /// `LeavePropagateDelay`: the wait at the end of a leave.
    pub leave_propagate_delay: Span,
    /// `CoalescePeriod`: longest window of the member-event coalescer; off unless both are above 0.
    pub coalesce_period: Span,
    /// `QuiescentPeriod`: a window closes after so much quiet.
    pub quiescent_period: Span,
    /// `UserCoalescePeriod`: the same for user events.
    pub user_coalesce_period: Span,
    /// `UserQuiescentPeriod`: the same for user events.
    pub user_quiescent_period: Span,
    /// `ReapInterval`: between two looks for members to be forgotten.
    pub reap_interval: Span,
    /// `ReconnectInterval`: between two attempts to reach a failed member.
    pub reconnect_interval: Span,
    /// `ReconnectTimeout`: how long a failed member is kept.
    pub reconnect_timeout: Span,
    /// `TombstoneTimeout`: how long a left member is kept.
    pub tombstone_timeout: Span,
    /// `FlapTimeout`: a failed member that returns sooner counts as a flap.
    pub flap_timeout: Span,
    /// `RecentIntentTimeout`: how long intents about unknown names are kept.
    pub recent_intent_timeout: Span,
    /// `QueueCheckInterval`: between two looks at the depth of the queues.
    pub queue_check_interval: Span,
    /// `QueueDepthWarning`: warn from this depth on.
    pub queue_depth_warning: u32,
    /// `MaxQueueDepth`: prune above this depth.
    pub max_queue_depth: u32,
    /// `MinQueueDepth`: if above 0 the limit is the greater of this and twice the number of members.
    pub min_queue_depth: u32,
    /// `EventBuffer`: slots of the ring of user events.
    pub event_buffer: u32,
    /// `QueryBuffer`: slots of the ring of queries.
    pub query_buffer: u32,
    /// `QueryTimeoutMult`: factor of the default time of a query.
    pub query_timeout_mult: u32,
    /// `QueryResponseSizeLimit`, in encoded bytes.
    pub query_response_size_limit: u32,
    /// `QuerySizeLimit`, in encoded bytes.
    pub query_size_limit: u32,
    /// `UserEventSizeLimit`, in bytes, at most 9216.
    pub user_event_size_limit: u32,
    /// `SnapshotPath` is set.
    pub snapshot: bool,
    /// `RejoinAfterLeave`: a leave does not end what the snapshot remembers.
    pub rejoin_after_leave: bool,
    /// The agent's `replay_on_join`: a join takes old user events too.
    pub replay_on_join: bool,
    /// `EnableNameConflictResolution`.
    pub enable_name_conflict_resolution: bool,
    /// `DisableCoordinates`. The agent reads the key and forgets it (quirk `dead_config`).
    pub disable_coordinates: bool,
    /// `ProtocolVersion` of Serf, 2 to 5.
    pub serf_protocol_version: u8,
    /// How long the application takes over each event that reaches it; 0: no time.
    pub handler_time: Span,
}

impl Config {
    /// Greatest `UserEventSizeLimit` (`serf/serf.go: UserEventSizeLimit`), in bytes.
    pub const GREATEST_EVENT: u32 = 9 * 1024;

    /// `serf.DefaultConfig`: the library's defaults.
    pub const fn library() -> Self {
        Self {
            broadcast_timeout: 5 * SECOND,
            leave_propagate_delay: SECOND,
            coalesce_period: 0,
            quiescent_period: 0,
            user_coalesce_period: 0,
            user_quiescent_period: 0,
            reap_interval: 15 * SECOND,
            reconnect_interval: 30 * SECOND,
            reconnect_timeout: 24 * HOUR,
            tombstone_timeout: 24 * HOUR,
            flap_timeout: MINUTE,
            recent_intent_timeout: 5 * MINUTE,
            queue_check_interval: 30 * SECOND,
            queue_depth_warning: 128,
            max_queue_depth: 4096,
            min_queue_depth: 0,
            event_buffer: 512,
            query_buffer: 512,
            query_timeout_mult: 16,
            query_response_size_limit: 1024,
            query_size_limit: 1024,
            user_event_size_limit: 512,
            snapshot: false,
            rejoin_after_leave: false,
            replay_on_join: false,
            enable_name_conflict_resolution: true,
            disable_coordinates: false,
            serf_protocol_version: 4,
            handler_time: 0,
        }
    }

    /// What `serf agent` ends up with when the user sets nothing.
    pub const fn agent() -> Self {
        Self {
            coalesce_period: 3 * SECOND,
            quiescent_period: SECOND,
            user_coalesce_period: 3 * SECOND,
            user_quiescent_period: SECOND,
            serf_protocol_version: 5,
            ..Self::library()
        }
    }

    /// Whether coordinates are kept.
    pub const fn coordinates(&self, dead_config: bool) -> bool {
        dead_config || !self.disable_coordinates
    }
}

/// The clock tick of a snapshot (`serf/snapshot.go: clockUpdateInterval`) and least span between two flushes.
pub const SNAPSHOT_INTERVAL: Span = 500_000 * MICROSECOND;
