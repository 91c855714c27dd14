//! Running agents, and what they say, each line with the instant at which it was read.
//!
//! The agent's own stamps have a resolution of a second. A thread per agent reads its output and takes
//! the time on a monotonic clock; an agent writes each line when the thing happens.

use std::{
    io::{BufRead as _, BufReader, Read},
    net::{TcpListener, UdpSocket},
    process::{Child, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{guard::Guard, program::Program};

/// Gossip port of every agent.
const GOSSIP: u16 = 7946;
/// Port of every agent's own interface for clients.
const RPC: u16 = 7373;

/// A line of an agent or a client.
#[derive(Clone, Debug)]
pub struct Line {
    /// When it was read, from the fleet's start.
    pub at: Duration,
    /// Which agent; clients have their own number.
    pub who: usize,
    /// Without time and level.
    pub text: String,
}

/// All lines so far.
#[derive(Debug)]
struct Lines {
    all: Mutex<Vec<Line>>,
    more: Condvar,
    origin: Instant,
}

impl Lines {
    fn read(self: Arc<Self>, who: usize, from: impl Read + Send + 'static) {
        thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                let at = self.origin.elapsed();
                // `    2006/01/02 15:04:05 [INFO] serf: ...`
                let text = line.split_once("] ").map_or(line.as_str(), |l| l.1).trim().to_owned();
                self.all.lock().unwrap_or_else(PoisonError::into_inner).push(Line {
                    at,
                    who,
                    text,
                });
                self.more.notify_all();
            }
        });
    }
}

/// Agents of one cluster.
#[derive(Debug)]
pub struct Fleet<'a> {
    guard: &'a Guard,
    program: &'a Program,
    names: Vec<String>,
    subnet: String,
    agents: Vec<Option<Child>>,
    clients: usize,
    lines: Arc<Lines>,
}

impl<'a> Fleet<'a> {
    /// No agent runs yet. Refuses when no subnet of loopback addresses is free.
    pub fn new(guard: &'a Guard, program: &'a Program, names: &[String]) -> Result<Self, String> {
        let free = |subnet: &String| {
            (0..names.len()).all(|i| {
                let ip = address(subnet, i);
                UdpSocket::bind((ip.as_str(), GOSSIP)).is_ok()
                    && TcpListener::bind((ip.as_str(), GOSSIP)).is_ok()
                    && TcpListener::bind((ip.as_str(), RPC)).is_ok()
            })
        };
        let subnet = (84..94).map(|n| format!("127.84.{n}")).find(free).ok_or_else(|| {
            format!(
                "ports {GOSSIP} and {RPC} of no block of loopback addresses 127.84.84 to 127.84.93 can be bound; \
                 on systems other than Linux add the addresses to the loopback interface first"
            )
        })?;
        let lines = Lines { all: Mutex::default(), more: Condvar::new(), origin: Instant::now() };
        Ok(Self {
            guard,
            program,
            names: names.to_vec(),
            subnet,
            agents: names.iter().map(|_| None).collect(),
            clients: names.len(),
            lines: Arc::new(lines),
        })
    }

    /// Time since the fleet's start.
    pub fn now(&self) -> Duration {
        self.lines.origin.elapsed()
    }

    /// Waits until a time since the fleet's start.
    pub fn until(&self, at: Duration) {
        thread::sleep(at.saturating_sub(self.now()));
    }

    /// An agent's name.
    pub fn name(&self, who: usize) -> &str {
        &self.names[who]
    }

    /// An agent's address without port.
    pub fn address(&self, who: usize) -> String {
        address(&self.subnet, who)
    }

    /// Agents that were started and not ended by [`Self::kill`] or [`Self::gone`].
    pub fn running(&self) -> Vec<usize> {
        (0..self.agents.len()).filter(|&i| self.agents[i].is_some()).collect()
    }

    /// Starts an agent that answers queries, with LAN settings; it joins at once through another one.
    pub fn start(&mut self, who: usize, via: Option<usize>) -> Result<(), String> {
        let (ip, name) = (self.address(who), self.names[who].clone());
        let mut command = self.guard.command(&self.program.path);
        command
            .args(["agent", "-node", &name, "-profile", "lan", "-log-level", "debug"])
            .args(["-bind", &format!("{ip}:{GOSSIP}"), "-rpc-addr", &format!("{ip}:{RPC}")])
            .args(["-event-handler", "query=echo yes"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(via) = via {
            command.args(["-join", &self.address(via)]);
        }
        let mut child = command.spawn().map_err(|e| format!("agent {name} did not start: {e}"))?;
        let out = child.stdout.take().expect("its output is a pipe");
        Arc::clone(&self.lines).read(who, out);
        self.agents[who] = Some(child);
        Ok(())
    }

    /// Kills an agent (SIGKILL) and returns when.
    pub fn kill(&mut self, who: usize) -> Duration {
        let at = self.now();
        if let Some(mut child) = self.agents[who].take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        at
    }

    /// An agent that is leaving counts no more.
    pub fn gone(&mut self, who: usize) {
        if let Some(mut child) = self.agents[who].take() {
            thread::spawn(move || child.wait());
        }
    }

    /// Starts a client command at an agent; returns the number under which its lines appear.
    pub fn client(&mut self, at: usize, command: &str, args: &[&str]) -> Result<usize, String> {
        let rpc = format!("-rpc-addr={}:{RPC}", self.address(at));
        let mut child = self
            .guard
            .command(&self.program.path)
            .args([command, &rpc])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("`serf {command}` did not start: {e}"))?;
        let number = self.clients;
        self.clients += 1;
        let out = child.stdout.take().expect("its output is a pipe");
        Arc::clone(&self.lines).read(number, out);
        thread::spawn(move || child.wait());
        Ok(number)
    }

    /// The first line of one speaker since a time that fits, waited for until `patience` is over.
    pub fn heard(
        &self,
        who: usize,
        since: Duration,
        patience: Duration,
        fits: impl Fn(&str) -> bool,
    ) -> Option<Line> {
        let end = self.now() + patience;
        let mut lines = self.lines.all.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = 0;
        loop {
            let fresh = &lines[seen..];
            let found = fresh.iter().find(|l| l.who == who && l.at >= since && fits(&l.text));
            if let Some(line) = found {
                return Some(line.clone());
            }
            seen = lines.len();
            let left = end.saturating_sub(self.now());
            if left.is_zero() {
                return None;
            }
            let waited = self.lines.more.wait_timeout(lines, left);
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// When each of some agents first said something since a time, in milliseconds after a begin.
    ///
    /// A begin is itself a line that was read, perhaps a little later than what followed from it: what was
    /// said since `since` counts, and what was read before the begin took no time.
    pub fn reached(
        &self,
        agents: &[usize],
        (since, begin): (Duration, Duration),
        patience: Duration,
        fits: impl Fn(&str) -> bool,
    ) -> Vec<Option<f64>> {
        let end = self.now() + patience;
        let one = |&who: &usize| {
            let line = self.heard(who, since, end.saturating_sub(self.now()), &fits)?;
            Some(line.at.saturating_sub(begin).as_secs_f64() * 1e3)
        };
        agents.iter().map(one).collect()
    }

    /// All lines of one speaker so far.
    pub fn said(&self, who: usize) -> Vec<Line> {
        let lines = self.lines.all.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|l| l.who == who).cloned().collect()
    }
}

impl Drop for Fleet<'_> {
    fn drop(&mut self) {
        for who in 0..self.agents.len() {
            self.kill(who);
        }
    }
}

fn address(subnet: &str, who: usize) -> String {
    format!("{subnet}.{}", who + 1)
}
