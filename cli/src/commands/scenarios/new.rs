//! A new scenario from a few questions: on a terminal they are asked, from a pipe the answers are read line
//! by line. An empty answer takes the default; a bad one is asked again, or refused where nobody answers.

use std::{
    fmt::Write as _,
    io::{self, BufRead, IsTerminal, Write},
};

use wavetank::{
    Scenario,
    protocol::{Config, rules::suspicion_limits, time::SECOND},
    scenarios::presets::{self, PRESETS},
    sim_core::threshold::nearest,
};

use crate::{exit::Failure, screen::Screen};

/// What can happen, with the entry and the threshold that go with it; `{bound}` is a time by which a crash
/// should be known to all.
const EVENTS: [(&str, &str, &str); 5] = [
    (
        "crash",
        "  # One node dies without a word. How soon does somebody notice, how soon everybody?\n  \
         - {at: {from: 10s, to: 11s}, id: crash, crash: {nodes: {pick: 1, as: victim}}}\n",
        "  detection.all: [\"p(99) < {bound}\"]     # until everybody held the victim dead\n",
    ),
    (
        "update",
        "  # One node changes its metadata. How soon does everybody know?\n  \
         - {at: {from: 20s, to: 21s}, id: change, update: {nodes: {pick: 1}, meta_bytes: 64}}\n",
        "  dissemination.t100: [\"max < 10s\"]  # until everybody had the change\n",
    ),
    (
        "restart",
        "  # One in ten nodes restarts and is away for five seconds.\n  \
         - {at: 40s, id: restart, restart: {nodes: {pick: 10%}, delay: 5s}}\n",
        "",
    ),
    (
        "partition",
        "  # A third of the nodes is cut off, then the cut ends. Does the cluster become one again? Members\n  \
         # that were dead for gossip_to_the_dead_time are forgotten, and nobody looks for them: try a longer cut.\n  \
         - {at: 60s, for: 20s, id: cut, partition: {groups: [{pick: 33%}, rest]}}\n",
        "  heal: [\"max < 120s\"]               # until all who were cut held each other alive\n",
    ),
    (
        "pause",
        "  # One node stands still for thirty seconds, as a machine that swaps does.\n  \
         - {at: 100s, for: 30s, id: pause, pause: {nodes: {pick: 1}}}\n",
        "",
    ),
];

struct Answers {
    name: String,
    preset: String,
    nodes: u32,
    zones: u32,
    loss: String,
    events: Vec<String>,
}

/// Asks, and returns the name and the text of the scenario.
pub fn ask(screen: &Screen) -> Result<(String, String), Failure> {
    let mut asker = Asker { terminal: io::stdin().is_terminal() };
    if asker.terminal {
        screen.say("Press Enter to take the answer in brackets.\n");
    }
    let answers = Answers {
        name: asker.ask("name of the scenario", "my-cluster", name)?,
        preset: asker.ask(
            "settings (a preset such as memberlist-lan, consul-lan, nomad)",
            "memberlist-lan",
            preset,
        )?,
        nodes: asker.ask("how many nodes", "64", |t| number(t, 2))?,
        zones: asker.ask("in how many zones", "1", |t| number(t, 1))?,
        loss: asker.ask("share of datagrams lost on the way", "0%", loss)?,
        events: asker.ask(
            "what happens (crash, update, restart, partition, pause; several with commas; or none)",
            "crash, update",
            events,
        )?,
    };
    if answers.zones > answers.nodes {
        let (nodes, zones) = (answers.nodes, answers.zones);
        return Err(Failure::Usage(format!(
            "{nodes} nodes cannot fill {zones} zones; take fewer zones"
        )));
    }
    let text = write(&answers);
    Scenario::raw(&answers.name, &text).check()?;
    Ok((answers.name, text))
}

struct Asker {
    terminal: bool,
}

impl Asker {
    fn ask<T>(
        &mut self,
        question: &str,
        default: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        loop {
            if self.terminal {
                eprint!("{question} [{default}]: ");
                let _ = io::stderr().flush();
            }
            let mut line = String::new();
            let end = io::stdin().lock().read_line(&mut line).map_err(|error| {
                Failure::CannotRun(format!("cannot read the answer from standard input: {error}"))
            })? == 0;
            if end && self.terminal {
                eprintln!();
            }
            let answer = if line.trim().is_empty() { default } else { line.trim() };
            match read(answer) {
                Ok(value) => return Ok(value),
                Err(error) if self.terminal && !end => eprintln!("  {error}"),
                Err(error) => return Err(Failure::Usage(format!("{question}: {error}"))),
            }
        }
    }
}

fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("letters, digits, `-` and `_` only".to_owned())
    }
}

fn preset(text: &str) -> Result<String, String> {
    if presets::get(text).is_some() {
        return Ok(text.to_owned());
    }
    let names: Vec<&str> = PRESETS.iter().map(|p| p.name).collect();
    Err(match nearest(text, &names) {
        Some(near) => format!("no preset is called `{text}`; did you mean `{near}`?"),
        None => format!("no preset is called `{text}`; there are {}", names.join(", ")),
    })
}

fn number(text: &str, least: u32) -> Result<u32, String> {
    text.parse().ok().filter(|&n| n >= least).ok_or(format!("a whole number from {least} on"))
}

fn loss(text: &str) -> Result<String, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    match number.parse::<f64>() {
        Ok(n) if (0.0..100.0).contains(&n) => Ok(format!("{number}%")),
        _ => Err("a share such as 1%".to_owned()),
    }
}

fn events(text: &str) -> Result<Vec<String>, String> {
    let words: Vec<&str> = text.split([',', ' ']).filter(|w| !w.is_empty()).collect();
    if words == ["none"] {
        return Ok(Vec::new());
    }
    let names = EVENTS.map(|(name, ..)| name);
    let unknown = words.iter().find(|w| !names.contains(w));
    match unknown {
        None => Ok(words.iter().map(|w| (*w).to_owned()).collect()),
        Some(word) => Err(format!("`{word}` is none of {}", names.join(", "))),
    }
}

/// The commented file.
fn write(answers: &Answers) -> String {
    let Answers { name, preset, nodes, zones, loss, events } = answers;
    let bound = bound(preset, *nodes);
    let duration = 200 + bound;
    let mut out = format!(
        "# A scenario for wavetank. `wavetank check FILE` says what would run, `wavetank run FILE` runs it.\n\
         # yaml-language-server: $schema=./scenario.schema.json\n\
         # (`wavetank schema > scenario.schema.json` gives your editor completion)\n\
         version: 1\n\
         name: {name}\n\
         description: Written by `wavetank scenarios new`; say here what to look at.\n\
         seeds: 10                      # runs, each with chances of its own\n\
         duration: {duration}s                 # simulated time\n\n\
         cluster:\n  preset: {preset}\n  \
         # Settings that differ from the preset, in snake_case of memberlist's names:\n  \
         # config: {{gossip_interval: 200ms, suspicion_mult: 4}}\n"
    );
    if *zones == 1 {
        let _ = writeln!(out, "  nodes: {nodes}");
    } else {
        out += "  groups:\n";
        for zone in 0..*zones {
            let share = nodes / zones + u32::from(zone < nodes % zones);
            let letter = zone_name(zone);
            let _ = writeln!(
                out,
                "    - {{name: {letter}, nodes: {share}, labels: {{zone: {letter}}}}}"
            );
        }
    }
    let _ = write!(
        out,
        "\nnetwork:\n  \
         latency: {{distribution: lognormal, median: 500us, p99: 3ms}}   # one way\n  \
         loss: {loss}\n"
    );
    if *zones > 1 {
        let (a, b) = (zone_name(0), zone_name(1));
        let _ = write!(
            out,
            "  links:                       # what differs between zones\n    \
             - {{between: [{{zone: {a}}}, {{zone: {b}}}], latency: {{distribution: lognormal, median: 12ms, p99: 30ms, min: 5ms}}}}\n"
        );
    }
    let chosen = || EVENTS.iter().filter(|(event, ..)| events.iter().any(|e| e == event));
    if events.is_empty() {
        out += "\n# Nothing happens: every accusation is a mistake.\ntimeline: []\n";
    } else {
        out += "\ntimeline:\n";
        chosen().for_each(|(_, entry, _)| out += entry);
    }
    out += "\n# The exit code is 99 when one of these fails.\nthresholds:\n";
    out += if events.iter().any(|e| e == "pause") {
        "  # A node that stands still is declared dead and comes back: that counts here.\n  \
         false_positives: [\"rate < 100\"]    # running, reachable nodes declared dead, per node-hour\n"
    } else {
        "  false_positives: [\"count == 0\"]    # no running, reachable node was declared dead\n"
    };
    chosen().for_each(|(.., threshold)| out += &threshold.replace("{bound}", &format!("{bound}s")));
    out
}

/// Seconds by which a crash should be known to all: the longest suspicion and ten probes, in whole tens.
fn bound(preset: &str, nodes: u32) -> u64 {
    let config = presets::get(preset).map_or_else(Config::lan, |p| p.config.clone());
    let limits = suspicion_limits(&config, nodes);
    (limits.max + 10 * config.probe_interval).div_ceil(10 * SECOND) * 10
}

/// a to z, then a1, b1, ...
fn zone_name(zone: u32) -> String {
    let letter = char::from(b'a' + (zone % 26) as u8);
    if zone < 26 { letter.to_string() } else { format!("{letter}{}", zone / 26) }
}
