//! Each rule of the specification's section 9, on the text itself.

use std::collections::BTreeMap;

use super::*;
use crate::rng::{Chance, Keys};
use crate::time::{MILLISECOND, SECOND};
use MemberEvent::{Failed, Join, Leave, Reap, Update};

const ADDRESS: &str = "10.0.0.1:7946";

fn fresh() -> Recorder {
    Recorder::open(0, File::default(), false).0
}

fn text(file: &File) -> &str {
    std::str::from_utf8(file.bytes()).expect("text")
}

/// Names of the living after a replay.
fn alive(content: &str, rejoin_after_leave: bool) -> Vec<String> {
    let restored = File::new(content).replay(rejoin_after_leave);
    restored.alive.into_iter().map(|(name, _)| name).collect()
}

/// A file of so many bytes without a living member.
fn filler(bytes: usize) -> String {
    let line = "not-alive: nobody-at-all\n";
    let mut text = line.repeat(bytes / line.len());
    text.extend(std::iter::repeat_n('#', bytes - text.len() - 1));
    text.push('\n');
    text
}

#[test]
fn each_event_has_its_line() {
    let mut r = fresh();
    r.member(0, Join, "a", ADDRESS);
    r.clock_changed(0, 3);
    r.member(0, Join, "b c", "[::1]:7946");
    r.member(0, Update, "a", ADDRESS);
    r.member(0, Failed, "b c", ADDRESS);
    r.user(0, 5);
    r.user(0, 5);
    r.user(0, 4);
    r.query(0, 2);
    r.query(0, 1);
    r.clock_changed(0, 4);
    r.member(0, Reap, "b c", ADDRESS);
    r.member(0, Leave, "a", ADDRESS);
    assert_eq!(
        text(&r.shutdown(0)),
        "alive: a 10.0.0.1:7946\nalive: b c [::1]:7946\nclock: 2\nnot-alive: b c\nevent-clock: 5\n\
         query-clock: 2\nclock: 3\nnot-alive: a\n"
    );
}

#[test]
fn a_tick_writes_the_clock_as_it_was_then() {
    // Clock changes in milliseconds; what is on the disk after a shutdown at 2 s without a last change.
    let cases: [(&[(u64, LTime)], &str); 6] = [
        (&[], ""),
        (&[(100, 1)], ""),
        (&[(100, 2), (200, 5)], "clock: 4\n"),
        (&[(100, 2), (500, 5), (600, 6)], "clock: 1\nclock: 5\n"),
        (&[(499, 2), (501, 3), (1700, 4)], "clock: 1\nclock: 2\nclock: 3\n"),
        (&[(100, 9), (700, 3)], "clock: 8\n"),
    ];
    for (changes, expected) in cases {
        let mut r = fresh();
        for &(at, clock) in changes {
            r.clock_changed(at * MILLISECOND, clock);
        }
        assert_eq!(text(&r.shutdown(2 * SECOND)), expected, "{changes:?}");
    }
}

#[test]
fn ticks_count_from_the_start_of_the_process() {
    let (mut r, _) = Recorder::open(300 * MILLISECOND, File::default(), false);
    r.clock_changed(700 * MILLISECOND, 2);
    assert_eq!(text(&r.clone().crash(799 * MILLISECOND)), "");
    assert_eq!(text(&r.crash(800 * MILLISECOND)), "clock: 1\n", "the first line goes out at once");
}

#[test]
fn only_a_line_after_more_than_500_ms_flushes() {
    // Times of lines in milliseconds, and how many of them a crash leaves.
    let cases: [(&[u64], u64); 5] =
        [(&[0], 1), (&[0, 1], 1), (&[0, 500], 1), (&[0, 400, 501, 502], 3), (&[90_000, 90_001], 1)];
    for (times, left) in cases {
        let mut r = fresh();
        for (i, &at) in times.iter().enumerate() {
            r.user(at * MILLISECOND, i as LTime + 1);
        }
        let file = r.crash(100 * SECOND);
        assert_eq!(file.replay(false).event_clock, left, "{times:?}");
        assert_eq!(file.replay(false).torn, 0);
    }
}

#[test]
fn surprise_24_a_crash_loses_the_last_lines() {
    let mut r = fresh();
    r.member(0, Join, "a", ADDRESS);
    r.member(SECOND, Join, "b", ADDRESS);
    r.member(SECOND + MILLISECOND, Failed, "b", ADDRESS);
    let crashed = r.clone().crash(60 * SECOND);
    assert_eq!(alive(text(&crashed), false), ["a", "b"], "the dead one is remembered as alive");
    assert_eq!(alive(text(&r.shutdown(60 * SECOND)), false), ["a"]);
}

#[test]
fn surprise_24_who_saw_all_others_fail_has_nobody_to_rejoin() {
    let mut r = fresh();
    for name in ["a", "b"] {
        r.member(0, Join, name, ADDRESS);
    }
    for name in ["a", "b"] {
        r.member(5 * SECOND, Failed, name, ADDRESS);
    }
    assert_eq!(r.shutdown(6 * SECOND).replay(false).alive, []);
}

#[test]
fn an_overflow_flushes_whole_buffers_and_may_cut_a_line() {
    let mut r = fresh();
    r.user(0, 1);
    let first = r.len();
    // 22 bytes each, with names of two letters.
    for name in (0..179).map(|i| format!("{}{}", (b'a' + i / 26) as char, (b'a' + i % 26) as char))
    {
        r.member(MILLISECOND, Join, &name, "10.0.0.1:79");
    }
    assert_eq!(r.len() - first, 179 * 22);
    assert_eq!(r.clone().crash(1).bytes().len(), first, "the buffer holds it all");
    let room = BUFFER - 179 * 22;
    // A line that just fits leaves the buffer full but in memory.
    let name = "n".repeat(room - "not-alive: \n".len());
    r.member(MILLISECOND, Failed, &name, "");
    assert_eq!(r.clone().crash(1).bytes().len(), first);
    r.member(MILLISECOND, Failed, "x", "");
    assert_eq!(r.clone().crash(1).bytes().len(), first + BUFFER);
    assert_eq!(r.clone().crash(1).replay(false).torn, 0);
    // The next overflow falls into the middle of a line.
    for _ in 0..BUFFER / 13 {
        r.member(MILLISECOND, Failed, "y", "");
    }
    let file = r.crash(1);
    assert_eq!(file.bytes().len(), first + 2 * BUFFER);
    assert_eq!(file.replay(false).torn, (BUFFER - 13) % 13);
}

#[test]
fn a_torn_last_line_also_spoils_the_first_of_the_next_run() {
    // A fragment, the first line after it, and what is remembered: the living, unknown lines.
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], u32);
    let cases: [Case; 4] = [
        ("", "b", &[("a", "1:1"), ("b", "2:2")], 0),
        ("not-al", "b", &[("a", "1:1")], 1),
        ("alive: c 3", "b", &[("a", "1:1"), ("c 3alive: b", "2:2")], 0),
        ("not-alive: a", "b", &[("a", "1:1")], 0),
    ];
    for (fragment, name, expected, unknown) in cases {
        let file = File::new(format!("alive: a 1:1\n{fragment}"));
        let (mut r, restored) = Recorder::open(0, file, false);
        assert_eq!(restored.torn, fragment.len());
        r.member(0, Join, name, "2:2");
        let restored = r.shutdown(0).replay(false);
        let expected: Vec<_> =
            expected.iter().map(|&(name, at)| (name.to_owned(), at.to_owned())).collect();
        assert_eq!((restored.alive, restored.unknown), (expected, unknown), "{fragment}");
    }
}

#[test]
fn replay_takes_lines_in_their_order() {
    let restored = File::new(
        "alive: z 1:1\nalive: my node 2:2\nalive: a 3:3\nnot-alive: a\nalive: z 4:4\nnot-alive: nobody\n\
         clock: 9\nclock: 7\nevent-clock: 5\nquery-clock: 3\nclock: x\nclock: \nclock: +8\n\
         # comment\ncoordinate: {}\nalive: lonely\nrubbish\nevent-clock: 6",
    )
    .replay(false);
    let expected = Restored {
        member_clock: 7,
        event_clock: 5,
        query_clock: 3,
        alive: [("my node", "2:2"), ("z", "4:4")].map(|(n, a)| (n.into(), a.into())).into(),
        unknown: 5,
        torn: "event-clock: 6".len(),
    };
    assert_eq!(restored, expected);
}

#[test]
fn a_leave_clears_all_unless_the_node_means_to_rejoin() {
    let mut r = fresh();
    r.member(0, Join, "a", ADDRESS);
    r.user(0, 4);
    r.query(0, 6);
    r.clock_changed(0, 8);
    r.leave(SECOND);
    // The tick of 500 ms came before the leave; later events are not recorded.
    r.member(2 * SECOND, Leave, "a", ADDRESS);
    r.user(2 * SECOND, 5);
    r.query(2 * SECOND, 7);
    let file = r.shutdown(3 * SECOND);
    assert!(text(&file).ends_with("clock: 7\nleave\n"), "{}", text(&file));
    assert_eq!(file.replay(false), Restored::default());
    let kept = file.replay(true);
    assert_eq!((kept.member_clock, kept.event_clock, kept.query_clock), (7, 4, 6));
    assert_eq!(kept.alive, [("a".to_owned(), ADDRESS.to_owned())]);
}

#[test]
fn a_clock_line_can_follow_a_leave_and_survive_it() {
    let mut r = fresh();
    r.member(0, Join, "a", ADDRESS);
    r.leave(SECOND);
    r.clock_changed(1100 * MILLISECOND, 5);
    let file = r.crash(2 * SECOND);
    // The leave was a timed flush too, and the tick 500 ms later is not more than that behind.
    assert!(text(&file).ends_with("leave\n"));
    let mut r = fresh();
    r.leave(0);
    r.clock_changed(600 * MILLISECOND, 5);
    let file = r.crash(2 * SECOND);
    assert_eq!(text(&file), "leave\nclock: 4\n");
    assert_eq!(file.replay(false).member_clock, 4);
}

#[test]
fn a_leave_is_on_the_disk_at_once() {
    let mut r = fresh();
    r.member(0, Join, "a", ADDRESS);
    r.user(MILLISECOND, 1);
    r.leave(2 * MILLISECOND);
    assert!(text(&r.crash(2 * MILLISECOND)).ends_with("event-clock: 1\nleave\n"));
}

#[test]
fn a_long_file_is_rewritten_with_the_living_and_the_clocks() {
    let lines = "alive: b 2:2\nalive: a 1:1\nclock: 3\nquery-clock: 9\n";
    let content = filler(MIN_COMPACT_SIZE - lines.len()) + lines;
    let (mut r, _) = Recorder::open(0, File::new(content), false);
    r.clock_changed(0, 4);
    assert_eq!(r.compactions(), 0, "exactly the size is not too long");
    r.user(0, 2);
    assert_eq!(r.compactions(), 1);
    let rewritten = "alive: a 1:1\nalive: b 2:2\nclock: 3\nevent-clock: 2\nquery-clock: 9\n";
    assert_eq!(text(&r.clone().crash(0)), rewritten);
    // The places of names are those of the new text.
    r.member(SECOND, Failed, "a", "");
    r.member(SECOND, Join, "b", "5:5");
    assert_eq!(text(&r.shutdown(SECOND)), format!("{rewritten}not-alive: a\nalive: b 5:5\n"));
}

#[test]
fn many_living_members_allow_a_longer_file() {
    let living = MIN_COMPACT_SIZE / BYTES_PER_NODE + 1;
    let lines = (0..living).map(|i| format!("alive: {i} 1:1\n")).collect::<Vec<_>>().concat();
    let content = filler(BYTES_PER_NODE * living - lines.len()) + &lines;
    let (mut r, restored) = Recorder::open(0, File::new(content), false);
    assert_eq!(restored.alive.len(), living);
    r.member(0, Update, "0", "");
    assert_eq!(r.compactions(), 0);
    r.member(0, Failed, "0", "");
    assert_eq!(r.compactions(), 1);
    let file = r.crash(0);
    assert!(!text(&file).contains("not-alive"));
    assert_eq!(file.replay(false).alive.len(), living - 1);
}

#[test]
fn a_leave_that_makes_the_file_too_long_is_lost_in_the_rewriting() {
    let (mut r, _) = Recorder::open(0, File::new(filler(MIN_COMPACT_SIZE)), false);
    r.leave(0);
    let file = r.crash(0);
    assert_eq!(text(&file), "clock: 0\nevent-clock: 0\nquery-clock: 0\n");
}

#[test]
fn clocks_go_on_from_the_life_before() {
    let file = File::new("clock: 9\nevent-clock: 7\nquery-clock: 5\n");
    let (mut r, restored) = Recorder::open(0, file, false);
    assert_eq!((restored.member_clock, restored.event_clock, restored.query_clock), (9, 7, 5));
    r.clock_changed(0, 10);
    r.user(SECOND, 7);
    r.query(SECOND, 6);
    assert_eq!(
        text(&r.shutdown(2 * SECOND)),
        "clock: 9\nevent-clock: 7\nquery-clock: 5\nquery-clock: 6\n"
    );
}

#[test]
fn lives_one_after_another_remember_what_was_flushed() {
    let mut dice = Keys::new(4).stream(9);
    let (mut file, mut now) = (File::default(), 0);
    let (mut compactions, mut cut) = (0, 0);
    for life in 0..40 {
        let (mut r, restored) = Recorder::open(now, file, false);
        let mut model: BTreeMap<String, String> = restored.alive.into_iter().collect();
        let (mut clock, mut event) = (restored.member_clock + 1, restored.event_clock);
        for _ in 0..2_000 {
            now += dice.span(SECOND / 50);
            let (name, address) =
                (format!("node {}", dice.below(200)), format!("10.0.0.{}:1", dice.below(9)));
            match dice.below(5) {
                0 => {
                    r.member(now, Failed, &name, &address);
                    model.remove(&name);
                }
                1 => {
                    event += u64::from(dice.below(2));
                    r.user(now, event);
                }
                2 => {
                    clock += u64::from(dice.below(2));
                    r.clock_changed(now, clock);
                }
                _ => {
                    r.member(now, Join, &name, &address);
                    model.insert(name, address);
                }
            }
        }
        compactions += r.compactions();
        let whole = r.clone().shutdown(now);
        let kept = whole.replay(false);
        assert_eq!(kept.alive, model.into_iter().collect::<Vec<_>>(), "life {life}");
        assert_eq!((kept.member_clock + 1, kept.event_clock, kept.torn), (clock, event, 0));
        let crashed = r.crash(now);
        assert!(whole.bytes().starts_with(crashed.bytes()));
        cut += usize::from(crashed.bytes().len() < whole.bytes().len());
        file = if life % 2 == 0 { crashed } else { whole };
    }
    assert!(
        compactions > 5 && cut > 20,
        "{compactions} compactions, {cut} crashes that lost something"
    );
}
