//! Hostile scenario files: the library's, wounded at random, and noise.
//!
//! An input is a pure function of a seed and a number, so that a finding is named by the two. Whatever
//! the text, [`try_one`] wants an answer: a plan whose resolved form loads back to an equal plan, or
//! problems that each have a place and a text.

use wavetank_protocol::rng::{Chance, Keys, Stream};
use wavetank_scenarios::{Overrides, Source, library, load};

/// Pieces that lead deep into the readers.
const PIECES: &[&str] = &[
    "\n",
    "\n  - ",
    "  ",
    "{",
    "}",
    "[",
    "]",
    ": ",
    ", ",
    "#",
    "\"",
    "'",
    "|",
    ">",
    "&a ",
    "*a",
    "!!str ",
    "---\n",
    "...\n",
    "? ",
    "~",
    "<<: ",
    "\t",
    "\r\n",
    "\u{feff}",
    "\u{85}",
    "é",
    "🦀",
    "\0",
    "-1",
    "0",
    "0.0",
    "1e400",
    "NaN",
    "99999999999999999999",
    "18446744073709551615",
    "5%",
    "100.1%",
    "1ns",
    "0s",
    "500ms",
    "106751d",
    "1.5s",
    "kB/s",
    "node-0",
    "all",
    "rest",
    "{pick: 1}",
    "{pick: 5%, repick: true}",
    "{picked: victim}",
    "{zone: east}",
    "{group: node, pick: 3, as: x}",
    "at: 1s",
    "at: {from: 1s, to: 2s}",
    "after: {event: crash, known: all}",
    "every: {mean: 1s}",
    "times: 3",
    "until: 9s",
    "for: 5s",
    "id: x",
    "crash: ",
    "restart: ",
    "rolling-restart: ",
    "join: ",
    "leave: ",
    "force-leave: ",
    "scale: ",
    "update: ",
    "set-config: ",
    "pause: ",
    "slow: ",
    "clock: ",
    "delay: ",
    "loss: ",
    "duplicate: ",
    "reorder: ",
    "corrupt: ",
    "bandwidth: ",
    "partition: ",
    "block: ",
    "groups: ",
    "links: ",
    "latency: ",
    "between: ",
    "from: ",
    "to: ",
    "config: ",
    "distribution: lognormal",
    "median: 1ms",
    "p99: 9ms",
    "model: gilbert-elliott",
    "p: 1%",
    "r: 9%",
    "preset: memberlist-wan",
    "nodes: 4000000000",
    "nodes: 3",
    "names: '{index}'",
    "meta_bytes: 513",
    "start: joining",
    "thresholds: ",
    "detection.all",
    "max < 5s",
    "p(99) <= 1s",
    "count == 0",
    "suspicion_mult: 4294967295",
    "udp_buffer_size: 0",
    "encryption: ",
    "label: ",
    "compat: '0.2'",
    "quirks: {queue_id_reset: false}",
    "address_bytes: 4",
    "seeds: 0",
    "seed: -1",
    "version: 2",
];

/// The input of a number.
pub fn input(seed: u64, number: u64) -> String {
    let mut rng = Keys::new(seed).stream(number);
    let mut bytes = match rng.below(16) {
        0 => noise(&mut rng),
        1 => pieces(&mut rng),
        _ => text(&mut rng).as_bytes().to_vec(),
    };
    for _ in 0..=rng.below(6) {
        wound(&mut bytes, &mut rng);
    }
    bytes.truncate(100_000);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn text(rng: &mut Stream) -> &'static str {
    let all = library::list();
    all[rng.below(all.len() as u32) as usize].text
}

fn piece(rng: &mut Stream) -> &'static str {
    PIECES[rng.below(PIECES.len() as u32) as usize]
}

fn noise(rng: &mut Stream) -> Vec<u8> {
    (0..rng.below(200)).map(|_| rng.below(256) as u8).collect()
}

fn pieces(rng: &mut Stream) -> Vec<u8> {
    (0..rng.below(60)).flat_map(|_| piece(rng).bytes()).collect()
}

/// A range of at most `most` bytes.
fn range(len: usize, most: u32, rng: &mut Stream) -> std::ops::Range<usize> {
    let from = rng.below(len as u32 + 1) as usize;
    from..(from + rng.below(most) as usize).min(len)
}

fn wound(bytes: &mut Vec<u8>, rng: &mut Stream) {
    let here = range(bytes.len(), 40, rng);
    match rng.below(9) {
        0 => drop(bytes.drain(here)),
        1 => drop(bytes.splice(here, piece(rng).bytes())),
        2 => drop(bytes.splice(here.start..here.start, piece(rng).bytes())),
        3 => {
            let copy = bytes[here.clone()].to_vec();
            bytes.splice(here.start..here.start, copy);
        }
        4 => bytes[here].iter_mut().for_each(|b| *b ^= 1 << rng.below(8)),
        5 => {
            let other = text(rng).as_bytes();
            let from = range(other.len(), 400, rng);
            bytes.splice(here, other[from].iter().copied());
        }
        6 => swap_lines(bytes, rng),
        7 => {
            // A number becomes another number.
            let digits: Vec<usize> =
                (0..bytes.len()).filter(|&i| bytes[i].is_ascii_digit()).collect();
            if !digits.is_empty() {
                let i = digits[rng.below(digits.len() as u32) as usize];
                bytes[i] = b'0' + rng.below(10) as u8;
            }
        }
        _ => {
            // Very deep or very long.
            let unit = piece(rng);
            let many = 1 << rng.below(10);
            bytes.splice(here, unit.repeat(many).into_bytes());
        }
    }
}

fn swap_lines(bytes: &mut Vec<u8>, rng: &mut Stream) {
    let mut lines: Vec<Vec<u8>> = bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    let (a, b) = (rng.below(lines.len() as u32), rng.below(lines.len() as u32));
    lines.swap(a as usize, b as usize);
    *bytes = lines.join(&b'\n');
}

/// Loads a text and looks at whatever comes back; true if it is a scenario.
///
/// # Panics
///
/// When the answer is none.
pub fn try_one(text: &str) -> bool {
    match load(Source::new("fuzz", text), &Overrides::default()) {
        Ok(scenario) => {
            let resolved = scenario.resolved();
            let again = match load(Source::new("resolved", &resolved), &Overrides::default()) {
                Ok(again) => again,
                Err(problems) => panic!("the resolved form is refused:\n{problems}\n{resolved}"),
            };
            assert_eq!(again.hash, scenario.hash, "the resolved form means something else");
            true
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            for problem in &problems.0 {
                assert!(problem.line > 0 && problem.column > 0, "a problem without a place");
                assert!(!problem.render(true).is_empty());
            }
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `make fuzz` tries a million.
    #[test]
    fn twenty_thousand_hostile_scenarios_get_an_answer() {
        let mut accepted = 0;
        for number in 0..20_000 {
            let text = input(1, number);
            let answer = std::panic::catch_unwind(|| try_one(&text)).ok();
            let Some(yes) = answer else { panic!("input {number} of seed 1:\n{text}") };
            accepted += u32::from(yes);
        }
        // Not all wounds kill, or nothing behind the parser would be reached.
        assert!((200..19_000).contains(&accepted), "{accepted} of 20000 were scenarios");
    }

    #[test]
    fn inputs_repeat() {
        assert_eq!(input(3, 5), input(3, 5));
        assert_ne!(input(3, 5), input(3, 6));
    }
}
