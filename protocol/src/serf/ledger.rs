//! What Serf's messages say, interned once for all nodes of a process: a packet carries numbers.
//!
//! A user message's number ([`Roster::add_user`]) is its index here too. Equal contents are equal bytes,
//! so a node that forwards "exactly the bytes it received" forwards the number.

use rustc_hash::FxHashMap;

use super::{filter::Filter, lamport::LTime};
use crate::{
    belief::{AddressId, AttributesId, MemberId, Roster},
    time::Span,
};

/// A name and a payload: what a user event is beside its Lamport time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextId(pub u32);

/// What is asked, without the asking: name, payload, filters, flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QuestionId(pub u32);

/// A name and a payload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// Name of the event or query.
    pub name: String,
    /// Payload; absent is nil on the wire.
    pub payload: Option<Vec<u8>>,
}

/// A query as its asker describes it (`serf/query.go: QueryParam`) and how those asked answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Name and payload.
    pub text: TextId,
    /// All must accept; the node filter first.
    pub filters: Vec<Filter>,
    /// `RequestAck`.
    pub ack: bool,
    /// `RelayFactor`.
    pub relay_factor: u8,
    /// `Timeout`; 0: the default.
    pub timeout: Span,
    /// What an application that hears it answers, if it does: the simulator's stand-in for a handler.
    pub answer: Option<Answer>,
    /// What the layer itself does with it.
    pub internal: Option<Internal>,
}

/// How an application answers a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Payload of the response.
    pub payload: Vec<u8>,
    /// Least and greatest time that the handler takes, uniform between.
    pub after: (Span, Span),
}

/// A query whose name starts with `_serf_` (`serf/internal_query.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Internal {
    /// `_serf_ping`.
    Ping,
    /// `_serf_conflict`: who has this name?
    Conflict(MemberId),
    /// `_serf_install-key`, by the key's index among the scenario's keys (0 to 63).
    InstallKey(u8),
    /// `_serf_use-key`.
    UseKey(u8),
    /// `_serf_remove-key`.
    RemoveKey(u8),
    /// `_serf_list-keys`.
    ListKeys,
}

/// A response's payload, as far as its reader cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An ack.
    Ack,
    /// An application's answer.
    Answer {
        /// Length of its payload.
        len: u32,
    },
    /// The answer of a key operation.
    Key {
        /// `Result`.
        done: bool,
        /// It lists keys.
        list: bool,
    },
    /// The answer of a conflict vote: what the voter knows of the name, if it knows it.
    Conflict(Option<Known>),
}

/// What a voter knows of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The name.
    pub member: MemberId,
    /// What that member said about itself last.
    pub attributes: AttributesId,
}

/// What a user message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Not one of Serf's.
    Foreign,
    /// `messageLeaveType`.
    Leave {
        /// Lamport time.
        ltime: LTime,
        /// Who leaves.
        member: MemberId,
        /// Forget it altogether.
        prune: bool,
    },
    /// `messageJoinType`.
    Join {
        /// Lamport time.
        ltime: LTime,
        /// Who is there.
        member: MemberId,
    },
    /// `messageUserEventType`.
    Event {
        /// Lamport time.
        ltime: LTime,
        /// Name and payload.
        text: TextId,
        /// `CC`: may be coalesced.
        coalesce: bool,
    },
    /// `messageQueryType`.
    Query {
        /// Lamport time.
        ltime: LTime,
        /// Random number of the query.
        id: u32,
        /// What is asked.
        question: QuestionId,
        /// Where to answer.
        address: AddressId,
        /// Who asks.
        source: MemberId,
        /// How long.
        timeout: Span,
    },
    /// `messageQueryResponseType`.
    Response {
        /// Lamport time of the query.
        ltime: LTime,
        /// Random number of the query.
        id: u32,
        /// Who answers.
        from: MemberId,
        /// What.
        reply: Reply,
    },
    /// `messageRelayType`: to be passed on.
    Relay {
        /// Where to.
        to: AddressId,
        /// Whom to.
        name: MemberId,
        /// The message inside, by its number.
        inner: u32,
    },
}

/// Contents of all messages, texts, questions, tags.
#[derive(Debug, Default)]
pub struct Ledger {
    contents: Vec<Content>,
    texts: Vec<Text>,
    text_index: FxHashMap<Text, TextId>,
    /// By text: the number of its name.
    name_numbers: Vec<u32>,
    name_index: FxHashMap<String, u32>,
    questions: Vec<Question>,
    /// Tags by the number of the metadata that they are encoded in.
    tags: FxHashMap<u32, Tags>,
    /// Metadata by the bytes of tags, with the turn that their map order took.
    metas: FxHashMap<(Tags, u8), (u32, u16)>,
}

/// Tags of a member, ascending by key.
pub type Tags = Vec<(String, String)>;

impl Ledger {
    /// What a message says.
    #[inline]
    pub fn content(&self, user: u32) -> Content {
        self.contents.get(user as usize).copied().unwrap_or(Content::Foreign)
    }

    /// Adds a message of so many encoded bytes and gives its number.
    pub fn add(&mut self, roster: &mut Roster, content: Content, len: u32) -> u32 {
        let user = roster.add_user(len);
        self.contents.resize(user as usize, Content::Foreign);
        self.contents.push(content);
        user
    }

    /// Interns a name with its payload.
    pub fn text_id(&mut self, text: Text) -> TextId {
        let next = TextId(self.texts.len() as u32);
        let id = *self.text_index.entry(text.clone()).or_insert(next);
        if id == next {
            let number = self.name_index.len() as u32;
            let number = *self.name_index.entry(text.name.clone()).or_insert(number);
            self.name_numbers.push(number);
            self.texts.push(text);
        }
        id
    }

    /// A number that texts of the same name share.
    pub fn name_number(&self, id: TextId) -> u32 {
        self.name_numbers[id.0 as usize]
    }

    /// How many names with payloads there are.
    pub fn texts(&self) -> u32 {
        self.texts.len() as u32
    }

    /// A name with its payload.
    pub fn text(&self, id: TextId) -> &Text {
        &self.texts[id.0 as usize]
    }

    /// Adds a question.
    pub fn add_question(&mut self, question: Question) -> QuestionId {
        self.questions.push(question);
        QuestionId(self.questions.len() as u32 - 1)
    }

    /// A question.
    pub fn question(&self, id: QuestionId) -> &Question {
        &self.questions[id.0 as usize]
    }

    /// The metadata that tags are encoded in: its number and length. `turn` tells apart encodings of the
    /// same tags in another map order.
    pub fn meta_of(&mut self, roster: &mut Roster, tags: Tags, turn: u8) -> (u32, u16) {
        if let Some(&known) = self.metas.get(&(tags.clone(), turn)) {
            return known;
        }
        let len = super::tags::encoded_len(&tags) as u16;
        let meta = roster.new_meta(len);
        self.tags.insert(meta, tags.clone());
        self.metas.insert((tags, turn), (meta, len));
        (meta, len)
    }

    /// The tags in metadata; none for metadata that is not Serf's.
    pub fn tags(&self, meta: u32) -> &[(String, String)] {
        self.tags.get(&meta).map_or(&[], Vec::as_slice)
    }
}
