//! The reliable plane: connections between processes, one request and one answer each.
//!
//! A connection is always at one of few points: its attempt on the way, its answer on the way back, a
//! request or a reply under way, or waiting for the dialler. At most one thing of it is in flight.
//!
//! ```text
//! dial --> Attempt --> Accepted --> (dialler sends) --> Request --> (answer) --> Reply --> done
//!               \----> Refused                             \----> Reset
//! ```

use wavetank_protocol::swim::StreamMessage;

/// What of a connection is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flight {
    /// The attempt, towards the dialled side.
    Attempt,
    /// The acceptance, towards the dialler.
    Accepted,
    /// A refusal or reset, towards the dialler.
    Refused,
    /// The dialler's message.
    Request,
    /// The answer.
    Reply,
}

/// A connection.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// Who dialled.
    pub from: u32,
    /// Its life: an answer to an earlier process is nobody's.
    pub from_life: u32,
    /// Who was dialled.
    pub to: u32,
    /// The dialler's number for it.
    pub token: u32,
    /// A fallback ping.
    pub ping: bool,
    /// What is in flight, if anything.
    pub flight: Option<Flight>,
    /// The message in flight, or waiting for the acceptance.
    pub message: Option<(StreamMessage, u64)>,
    /// The dialler has closed it.
    pub closed: bool,
}

/// All connections.
#[derive(Debug, Default)]
pub struct Connections {
    slots: Vec<Option<Connection>>,
    free: Vec<u32>,
}

impl Connections {
    /// Adds a connection.
    pub fn add(&mut self, connection: Connection) -> u32 {
        if let Some(i) = self.free.pop() {
            self.slots[i as usize] = Some(connection);
            return i;
        }
        self.slots.push(Some(connection));
        self.slots.len() as u32 - 1
    }

    /// A connection.
    pub fn get(&mut self, id: u32) -> Option<&mut Connection> {
        self.slots.get_mut(id as usize).and_then(Option::as_mut)
    }

    /// The connection that a process dialled under a token.
    pub fn dialled(&mut self, from: u32, life: u32, token: u32) -> Option<(u32, &mut Connection)> {
        self.slots.iter_mut().enumerate().find_map(|(i, c)| {
            let c = c.as_mut()?;
            (c.from == from && c.from_life == life && c.token == token && !c.closed)
                .then_some((i as u32, c))
        })
    }

    /// Removes a connection and gives it back.
    pub fn remove(&mut self, id: u32) -> Option<Connection> {
        let connection = self.slots.get_mut(id as usize)?.take();
        if connection.is_some() {
            self.free.push(id);
        }
        connection
    }

    /// How many there are.
    pub fn open(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Ids of all connections dialled by a process.
    pub fn of(&self, from: u32) -> Vec<u32> {
        let ours = |(i, c): (usize, &Option<Connection>)| {
            c.as_ref().is_some_and(|c| c.from == from).then_some(i as u32)
        };
        self.slots.iter().enumerate().filter_map(ours).collect()
    }
}
