//! Status of a member in Serf's table (`serf/serf.go: MemberStatus`); the numbers are those of the wire.

/// As what a member is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Status {
    /// Not known.
    #[default]
    None = 0,
    /// Alive.
    Alive = 1,
    /// Has announced that it leaves.
    Leaving = 2,
    /// Has left.
    Left = 3,
    /// Died without a word.
    Failed = 4,
}

impl Status {
    /// Its name in `serf members`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Alive => "alive",
            Self::Leaving => "leaving",
            Self::Left => "left",
            Self::Failed => "failed",
        }
    }
}
