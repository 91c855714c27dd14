//! The snapshot file: what a node remembers of its cluster over a restart (`serf/snapshot.go`;
//! specification 9).
//!
//! One line of text for each change, appended through a buffer of 4096 bytes. A line that comes more than
//! 500 ms after the last timed flush takes the buffer to the disk with it; an overflow takes as many whole
//! buffers as there are, which may cut a line; nothing else does. So a crash loses the tail, and a line that
//! was cut swallows the beginning of the next run's first line (section 14, item 24). When the file
//! is too long it is rewritten with the living alone.
//!
//! The file is kept as its text, with a mark up to which it is on the disk. The clock's tick costs no timer:
//! a clock only matters at the first tick after it changed, so what the ticks since then wrote is made up
//! for at the next call.

use std::cmp::Ordering;

use super::{config::SNAPSHOT_INTERVAL, event::MemberEvent, lamport::LTime};
use crate::time::{NEVER, Time};

/// Bytes of the write buffer.
const BUFFER: usize = 4096;
/// The file is rewritten above this size and [`BYTES_PER_NODE`] of each living member, whichever is
/// greater.
const MIN_COMPACT_SIZE: usize = 128 * 1024;
/// Twice the estimate of a living member's lines.
const BYTES_PER_NODE: usize = 2 * 128;

/// A snapshot file as it is on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File(Vec<u8>);

/// What a node remembers when it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Member clock to witness; 0: none.
    pub member_clock: LTime,
    /// Event clock to witness; the least time of user events is one more.
    pub event_clock: LTime,
    /// Query clock to witness; the least time of queries is one more.
    pub query_clock: LTime,
    /// Names and addresses (`IP:PORT`) of the living, by name.
    pub alive: Vec<(String, String)>,
    /// Lines that say nothing known, as torn ones do.
    pub unknown: u32,
    /// Bytes after the last line: a line that was cut, which the next run continues.
    pub torn: usize,
}

impl File {
    /// A file with a content.
    pub fn new(content: impl Into<Vec<u8>>) -> Self {
        Self(content.into())
    }

    /// Its content.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// What a node that starts with it remembers.
    pub fn replay(&self, rejoin_after_leave: bool) -> Restored {
        Replay::of(&self.0, rejoin_after_leave).restored(&self.0)
    }
}

/// Writes the snapshot of one life of a node (`Snapshotter`).
///
/// All methods take non-decreasing times. A clock that changes with a member event must be told first.
#[derive(Clone, Debug)]
pub struct Recorder {
    text: Vec<u8>,
    /// So much of the text is on the disk.
    flushed: usize,
    alive: Alive,
    written: Clocks,
    /// The member clock, as last told.
    clock: LTime,
    /// The next tick that may find the clock changed; never, if none can.
    tick: Time,
    /// When the process started: ticks are whole intervals after it.
    start: Time,
    /// The latest timed flush, or compaction.
    last_flush: Option<Time>,
    leaving: bool,
    rejoin_after_leave: bool,
    compactions: u32,
}

/// Last written clock values.
#[derive(Clone, Copy, Debug, Default)]
struct Clocks {
    member: LTime,
    event: LTime,
    query: LTime,
}

impl Recorder {
    /// Opens the file of the previous life, or an empty one, and says what it remembers.
    pub fn open(now: Time, file: File, rejoin_after_leave: bool) -> (Self, Restored) {
        let File(text) = file;
        let replay = Replay::of(&text, rejoin_after_leave);
        let restored = replay.restored(&text);
        let recorder = Self {
            flushed: text.len(),
            text,
            alive: replay.alive,
            written: replay.clocks,
            clock: replay.clocks.member.wrapping_add(1),
            tick: NEVER,
            start: now,
            last_flush: None,
            leaving: false,
            rejoin_after_leave,
            compactions: 0,
        };
        (recorder, restored)
    }

    /// A member event happened, before any coalescer. `address` is `IP:PORT`, an IPv6 one in brackets, and
    /// only read for a join.
    pub fn member(&mut self, now: Time, kind: MemberEvent, name: &str, address: &str) {
        self.catch_up(now);
        if self.leaving {
            return;
        }
        match kind {
            MemberEvent::Join => {
                // The entry points at the line, so the line comes first and its flush after.
                let at = self.text.len() + ALIVE.len();
                self.text.extend_from_slice(ALIVE);
                self.text.extend_from_slice(name.as_bytes());
                self.text.push(b' ');
                self.text.extend_from_slice(address.as_bytes());
                self.text.push(b'\n');
                self.alive.insert(&self.text, Entry::new(at, name.len(), address.len()));
                self.appended(now);
            }
            MemberEvent::Leave | MemberEvent::Failed => {
                self.alive.remove(&self.text, name.as_bytes());
                self.text.extend_from_slice(NOT_ALIVE);
                self.text.extend_from_slice(name.as_bytes());
                self.text.push(b'\n');
                self.appended(now);
            }
            MemberEvent::Update | MemberEvent::Reap => {}
        }
        self.update_clock(now);
    }

    /// A user event was delivered.
    pub fn user(&mut self, now: Time, ltime: LTime) {
        self.catch_up(now);
        if !self.leaving && ltime > self.written.event {
            self.written.event = ltime;
            self.append(now, format_args!("event-clock: {ltime}\n"));
        }
    }

    /// A query was delivered, an internal one included.
    pub fn query(&mut self, now: Time, ltime: LTime) {
        self.catch_up(now);
        if !self.leaving && ltime > self.written.query {
            self.written.query = ltime;
            self.append(now, format_args!("query-clock: {ltime}\n"));
        }
    }

    /// The member clock shows something else. A fresh node's shows 1 and need not be told.
    pub fn clock_changed(&mut self, now: Time, clock: LTime) {
        self.catch_up(now);
        self.clock = clock;
        if self.tick == NEVER && self.is_clock_due() {
            let ticks = now.saturating_sub(self.start) / SNAPSHOT_INTERVAL + 1;
            self.tick = self.start.saturating_add(ticks.saturating_mul(SNAPSHOT_INTERVAL));
        }
    }

    /// The node leaves gracefully: nothing but the clock is recorded from here on.
    pub fn leave(&mut self, now: Time) {
        self.catch_up(now);
        self.leaving = true;
        if !self.rejoin_after_leave {
            self.alive = Alive::default();
        }
        self.append(now, format_args!("leave\n"));
        self.flushed = self.text.len();
    }

    /// The process ends in order: all is on the disk.
    #[must_use]
    pub fn shutdown(mut self, now: Time) -> File {
        self.catch_up(now);
        self.update_clock(now);
        File(self.text)
    }

    /// The process ends at once: what was in the buffer is lost.
    #[must_use]
    pub fn crash(mut self, now: Time) -> File {
        self.catch_up(now);
        self.text.truncate(self.flushed);
        File(self.text)
    }

    /// Length of the file and its buffer, in bytes.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether nothing has ever been written.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// How often the file was rewritten.
    pub fn compactions(&self) -> u32 {
        self.compactions
    }

    /// Bytes on the heap.
    pub fn heap(&self) -> usize {
        self.text.capacity() + self.alive.0.capacity() * size_of::<Entry>()
    }

    /// Does what the clock's ticks up to now have done. A tick at the same instant comes first.
    fn catch_up(&mut self, now: Time) {
        if self.tick <= now {
            let at = std::mem::replace(&mut self.tick, NEVER);
            self.update_clock(at);
        }
    }

    /// Writes the clock, if it has gone on (`updateClock`).
    fn update_clock(&mut self, now: Time) {
        if self.is_clock_due() {
            self.written.member = self.clock.wrapping_sub(1);
            let ltime = self.written.member;
            self.append(now, format_args!("clock: {ltime}\n"));
        }
        self.tick = NEVER;
    }

    /// A clock that wrapped to 0 has seen the greatest time.
    fn is_clock_due(&self) -> bool {
        self.clock.wrapping_sub(1) > self.written.member
    }

    /// Appends a line with its newline.
    fn append(&mut self, now: Time, line: std::fmt::Arguments<'_>) {
        use std::io::Write as _;
        self.text.write_fmt(line).expect("a vector takes all that is written");
        self.appended(now);
    }

    /// What follows a line in `appendLine`: overflow, timed flush, size.
    fn appended(&mut self, now: Time) {
        // A full buffer waits for the next byte.
        while self.text.len() - self.flushed > BUFFER {
            self.flushed += BUFFER;
        }
        if self.last_flush.is_none_or(|last| now - last > SNAPSHOT_INTERVAL) {
            self.last_flush = Some(now);
            self.flushed = self.text.len();
        }
        if self.text.len() > MIN_COMPACT_SIZE.max(BYTES_PER_NODE * self.alive.0.len()) {
            self.compact(now);
        }
    }

    /// Rewrites the file: the living, then the clocks. A leave before is no longer in it.
    fn compact(&mut self, now: Time) {
        let old = std::mem::take(&mut self.text);
        for entry in &mut self.alive.0 {
            let line = &old[entry.name as usize..entry.end as usize];
            let at = self.text.len() + ALIVE.len();
            self.text.extend_from_slice(ALIVE);
            self.text.extend_from_slice(line);
            self.text.push(b'\n');
            entry.move_to(at);
        }
        let Clocks { member, event, query } = self.written;
        let clocks = format!("clock: {member}\nevent-clock: {event}\nquery-clock: {query}\n");
        self.text.extend_from_slice(clocks.as_bytes());
        self.flushed = self.text.len();
        self.last_flush = Some(now);
        self.compactions += 1;
    }
}

const ALIVE: &[u8] = b"alive: ";
const NOT_ALIVE: &[u8] = b"not-alive: ";

/// The living, sorted by name: places in the text, so that a member costs no second copy of its name.
#[derive(Clone, Debug, Default)]
struct Alive(Vec<Entry>);

/// Where a name and, after a space, its address stand in the text.
#[derive(Clone, Copy, Debug)]
struct Entry {
    name: u32,
    space: u32,
    end: u32,
}

impl Entry {
    fn new(at: usize, name: usize, address: usize) -> Self {
        let space = at + name;
        Self { name: at as u32, space: space as u32, end: (space + 1 + address) as u32 }
    }

    fn name(self, text: &[u8]) -> &[u8] {
        &text[self.name as usize..self.space as usize]
    }

    fn address(self, text: &[u8]) -> &[u8] {
        &text[self.space as usize + 1..self.end as usize]
    }

    fn move_to(&mut self, at: usize) {
        let at = at as u32;
        *self = Self {
            name: at,
            space: at + (self.space - self.name),
            end: at + (self.end - self.name),
        };
    }
}

impl Alive {
    fn insert(&mut self, text: &[u8], entry: Entry) {
        match self.find(text, entry.name(text)) {
            Ok(at) => self.0[at] = entry,
            Err(at) => self.0.insert(at, entry),
        }
    }

    fn remove(&mut self, text: &[u8], name: &[u8]) {
        if let Ok(at) = self.find(text, name) {
            self.0.remove(at);
        }
    }

    fn find(&self, text: &[u8], name: &[u8]) -> Result<usize, usize> {
        self.0.binary_search_by(|entry| -> Ordering { entry.name(text).cmp(name) })
    }
}

/// The state that a file leads to (`replay`).
#[derive(Default)]
struct Replay {
    alive: Alive,
    clocks: Clocks,
    unknown: u32,
    torn: usize,
}

impl Replay {
    fn of(text: &[u8], rejoin_after_leave: bool) -> Self {
        let mut replay = Self::default();
        let mut at = 0;
        while let Some(len) = text[at..].iter().position(|&byte| byte == b'\n') {
            replay.line(text, at, len, rejoin_after_leave);
            at += len + 1;
        }
        replay.torn = text.len() - at;
        replay
    }

    /// Takes in the line of so many bytes at a place.
    fn line(&mut self, text: &[u8], at: usize, len: usize, rejoin_after_leave: bool) {
        let line = &text[at..at + len];
        let clock = |prefix: &[u8]| line.strip_prefix(prefix).map(number);
        if let Some(info) = line.strip_prefix(ALIVE) {
            // Names may contain spaces.
            match info.iter().rposition(|&byte| byte == b' ') {
                Some(name) => {
                    let entry = Entry::new(at + ALIVE.len(), name, info.len() - name - 1);
                    self.alive.insert(text, entry);
                }
                None => self.unknown += 1,
            }
        } else if let Some(name) = line.strip_prefix(NOT_ALIVE) {
            self.alive.remove(text, name);
        } else if let Some(ltime) = clock(b"clock: ") {
            set(&mut self.clocks.member, ltime, &mut self.unknown);
        } else if let Some(ltime) = clock(b"event-clock: ") {
            set(&mut self.clocks.event, ltime, &mut self.unknown);
        } else if let Some(ltime) = clock(b"query-clock: ") {
            set(&mut self.clocks.query, ltime, &mut self.unknown);
        } else if line == b"leave" {
            if !rejoin_after_leave {
                self.alive = Alive::default();
                self.clocks = Clocks::default();
            }
        } else if !line.starts_with(b"coordinate: ") && !line.starts_with(b"#") {
            self.unknown += 1;
        }
    }

    fn restored(&self, text: &[u8]) -> Restored {
        let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Restored {
            member_clock: self.clocks.member,
            event_clock: self.clocks.event,
            query_clock: self.clocks.query,
            alive: (self.alive.0.iter())
                .map(|entry| (string(entry.name(text)), string(entry.address(text))))
                .collect(),
            unknown: self.unknown,
            torn: self.torn,
        }
    }
}

/// Clock lines overwrite, even with less; one that cannot be read changes nothing.
fn set(clock: &mut LTime, read: Option<LTime>, unknown: &mut u32) {
    match read {
        Some(ltime) => *clock = ltime,
        None => *unknown += 1,
    }
}

/// A number as Go's `ParseUint` reads it: digits alone.
fn number(digits: &[u8]) -> Option<LTime> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
