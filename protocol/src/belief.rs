//! Who there is and what can be believed about them, interned once for all nodes.
//!
//! A *belief* is (member, status, incarnation, attributes). Nearly all beliefs of a cluster are equal,
//! so nodes hold four-byte ids. An *accusation* (the content of a suspect or dead message) is a belief
//! without attributes. The roster is owned by the caller and shared by all nodes of a simulation; a real
//! agent has one of its own.

use rustc_hash::FxHashMap;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// The id as an index.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// A member's name: the identity key everywhere in the protocol.
    MemberId
);
id!(
    /// A network address (IP and port) in one of its byte forms.
    AddressId
);
id!(
    /// What an alive message says beside the incarnation: address, metadata, versions.
    AttributesId
);
id!(
    /// An interned [`Belief`].
    BeliefId
);

/// The port that all members of a simulation listen on.
pub const PORT: u16 = 7946;

impl AddressId {
    /// The address as `IP:PORT`: simulated members live in 10.0.0.0/8, counted from 10.0.0.1.
    pub fn text(self) -> String {
        format!("{}:{PORT}", self.ip())
    }

    /// The address without its port.
    pub fn ip(self) -> String {
        let [_, a, b, c] = (self.0 + 1).to_be_bytes();
        format!("10.{a}.{b}.{c}")
    }

    /// Reads what [`AddressId::text`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        let ip = text.strip_suffix(&format!(":{PORT}"))?;
        let mut parts = ip.strip_prefix("10.")?.split('.').map(str::parse::<u8>);
        let (a, b, c) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        u32::from_be_bytes([0, a, b, c]).checked_sub(1).map(Self)
    }
}

/// State of a member in a view; the numbers are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Status {
    /// Answers, or has not been accused.
    Alive = 0,
    /// Accused; a timer runs.
    Suspect = 1,
    /// Declared dead by somebody.
    Dead = 2,
    /// Declared dead by itself.
    Left = 3,
}

impl Status {
    /// Dead or left.
    #[inline]
    pub const fn is_gone(self) -> bool {
        matches!(self, Self::Dead | Self::Left)
    }
}

/// What an alive message says beside name and incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// Where the member listens.
    pub address: AddressId,
    /// Which metadata: equal numbers are equal bytes.
    pub meta: u32,
    /// Length of the metadata in bytes; at most 512.
    pub meta_len: u16,
    /// Protocol version spoken (`PCur`).
    pub protocol: u8,
}

/// What one node can hold about one member, or what a message claims about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Belief {
    /// About whom.
    pub member: MemberId,
    /// State.
    pub status: Status,
    /// Incarnation.
    pub incarnation: u32,
    /// Attributes; [`Roster::NO_ATTRIBUTES`] in an accusation.
    pub attributes: AttributesId,
}

/// Names, attributes and beliefs of a cluster.
#[derive(Clone, Debug)]
pub struct Roster {
    names: String,
    name_ends: Vec<u32>,
    name_lens: Vec<u16>,
    attributes: Vec<Attributes>,
    attributes_index: FxHashMap<Attributes, AttributesId>,
    beliefs: Vec<Belief>,
    index: FxHashMap<Belief, BeliefId>,
    users: Vec<u32>,
    metas: u32,
    address_bytes: u8,
}

impl Roster {
    /// The attributes of an accusation.
    pub const NO_ATTRIBUTES: AttributesId = AttributesId(u32::MAX);

    /// An empty roster; addresses have this many bytes on the wire (4 or 16).
    pub fn new(address_bytes: u8) -> Self {
        Self {
            names: String::new(),
            name_ends: Vec::new(),
            name_lens: Vec::new(),
            attributes: Vec::new(),
            attributes_index: FxHashMap::default(),
            beliefs: Vec::new(),
            index: FxHashMap::default(),
            users: Vec::new(),
            metas: 1,
            address_bytes,
        }
    }

    /// Adds a member by its name.
    pub fn add_member(&mut self, name: &str) -> MemberId {
        self.names.push_str(name);
        self.name_ends.push(self.names.len() as u32);
        self.name_lens.push(name.len() as u16);
        MemberId(self.name_lens.len() as u32 - 1)
    }

    /// A member's name.
    pub fn name(&self, member: MemberId) -> &str {
        let end = self.name_ends[member.index()] as usize;
        &self.names[end - usize::from(self.name_lens[member.index()])..end]
    }

    /// Metadata that nobody had before; `meta_len` 0 is always number 0.
    pub fn new_meta(&mut self, meta_len: u16) -> u32 {
        if meta_len == 0 {
            return 0;
        }
        self.metas += 1;
        self.metas - 1
    }

    /// Adds a user message by its length in bytes and gives its number.
    pub fn add_user(&mut self, len: u32) -> u32 {
        self.users.push(len);
        self.users.len() as u32 - 1
    }

    /// Interns attributes.
    pub fn attributes_id(&mut self, attributes: Attributes) -> AttributesId {
        let next = AttributesId(self.attributes.len() as u32);
        let id = *self.attributes_index.entry(attributes).or_insert(next);
        if id == next {
            self.attributes.push(attributes);
        }
        id
    }

    /// Interns a belief.
    #[inline]
    pub fn belief_id(&mut self, belief: Belief) -> BeliefId {
        let next = BeliefId(self.beliefs.len() as u32);
        let id = *self.index.entry(belief).or_insert(next);
        if id == next {
            self.beliefs.push(belief);
        }
        id
    }

    /// Interns an accusation: suspect or dead at an incarnation.
    pub fn accusation(&mut self, member: MemberId, status: Status, incarnation: u32) -> BeliefId {
        self.belief_id(Belief { member, status, incarnation, attributes: Self::NO_ATTRIBUTES })
    }

    /// Number of members ever added.
    pub fn members(&self) -> u32 {
        self.name_lens.len() as u32
    }

    /// Number of beliefs interned.
    pub fn beliefs(&self) -> u32 {
        self.beliefs.len() as u32
    }

    /// Number of attributes interned.
    pub fn attributes_count(&self) -> u32 {
        self.attributes.len() as u32
    }

    /// A belief.
    #[inline]
    pub fn belief(&self, id: BeliefId) -> Belief {
        self.beliefs[id.index()]
    }

    /// Attributes; those of an accusation do not exist.
    #[inline]
    pub fn attributes(&self, id: AttributesId) -> Attributes {
        self.attributes[id.index()]
    }

    /// Length of a member's name in bytes.
    #[inline]
    pub fn name_len(&self, member: MemberId) -> u32 {
        u32::from(self.name_lens[member.index()])
    }

    /// Length of a user message in bytes.
    pub fn user_len(&self, user: u32) -> u32 {
        self.users[user as usize]
    }

    /// Bytes of an address on the wire.
    pub const fn address_bytes(&self) -> u8 {
        self.address_bytes
    }
}
