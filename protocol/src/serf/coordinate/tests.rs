//! The golden vectors of the specification (10.5), what is refused, and what is no place.

use super::*;
use crate::rng::{Keys, Stream};

const NODE: MemberId = MemberId(7);

fn rng() -> Stream {
    Keys::new(1).stream(2)
}

/// The other node of the golden vectors.
fn other() -> Coordinate {
    Coordinate {
        vec: std::array::from_fn(|i| 0.001 * (i + 1) as f64),
        error: 0.7,
        adjustment: 0.0002,
        height: 0.0005,
    }
}

#[test]
fn the_golden_vectors_agree_to_the_bit() {
    // Round trip in milliseconds; first and last of the position, error, adjustment, height; distance.
    let steps: [(i64, [u64; 5], i64); 5] = [
        (
            50,
            [
                0xbf3b_6139_48df_bc8d,
                0xbf6b_6139_48df_bc8d,
                0x3ff5_d18d_e6b6_e47c,
                0x3f47_c764_5da7_9c86,
                0x3f2d_3cf3_cb7e_715c,
            ],
            21_898_724,
        ),
        (
            40,
            [
                0xbf48_5721_156c_7a52,
                0xbf78_5721_156c_7a52,
                0x3ff3_b31f_7aee_da36,
                0x3f55_cf3a_b2cd_3a40,
                0x3f39_7b86_0bb9_dc51,
            ],
            27_312_262,
        ),
        (
            45,
            [
                0xbf4e_cedd_32fe_4aa4,
                0xbf7e_cedd_32fe_4aa4,
                0x3ff1_8fef_054d_0f09,
                0x3f5c_7c4f_9de3_1e73,
                0x3f40_0a2f_b8c0_2083,
            ],
            30_639_537,
        ),
        (
            300,
            [
                0xbf51_eb2a_eacf_96e2,
                0xbf81_eb2a_eacf_96e2,
                0x3fef_5252_6e5c_1712,
                0x3f61_1da9_9bcc_23ce,
                0x3f42_9acb_eaff_bf21,
            ],
            33_260_640,
        ),
        (
            42,
            [
                0xbf53_e1a5_fb10_d0d2,
                0xbf83_e1a5_fb10_d0d2,
                0x3feb_f914_734a_0bf0,
                0x3f63_a041_5bc2_f323,
                0x3f44_9b53_a11e_a052,
            ],
            35_339_248,
        ),
    ];
    let (mut client, mut rng) = (Client::default(), rng());
    for (i, (rtt, words, distance)) in steps.into_iter().enumerate() {
        client.update(NODE, &other(), rtt * 1_000_000, &mut rng).expect("accepted");
        let own = client.own().to_words();
        assert_eq!([own[0], own[7], own[8], own[9], own[10]], words, "step {}", i + 1);
        assert_eq!(client.own().distance(&other()), distance, "step {}", i + 1);
    }
    assert_eq!(rng.drawn(), 0, "positions that differ draw nothing");
}

/// The specification's 10.3 as it stands: vectors, whole sums, nothing remembered between two lines.
struct Plain {
    own: Coordinate,
    samples: Vec<(MemberId, Vec<i64>)>,
    ring: [f64; 20],
    index: usize,
    resets: u64,
}

impl Plain {
    fn new() -> Self {
        Self { own: Coordinate::FRESH, samples: Vec::new(), ring: [0.0; 20], index: 0, resets: 0 }
    }

    fn apart(a: &Coordinate, b: &Coordinate) -> f64 {
        let mut sum = 0.0;
        for i in 0..8 {
            sum += (a.vec[i] - b.vec[i]) * (a.vec[i] - b.vec[i]);
        }
        sum.sqrt()
    }

    fn go_seconds(nanoseconds: i64) -> f64 {
        (nanoseconds / 1_000_000_000) as f64 + (nanoseconds % 1_000_000_000) as f64 / 1e9
    }

    fn force(own: Coordinate, force: f64, other: &Coordinate, rng: &mut Stream) -> Coordinate {
        let mut moved = own;
        let apart = Self::apart(&own, other);
        let mut unit = [0.0; 8];
        if apart > 1e-6 {
            for (i, part) in unit.iter_mut().enumerate() {
                *part = (own.vec[i] - other.vec[i]) * (1.0 / apart);
            }
            let height = (own.height + other.height) * force / apart + own.height;
            moved.height = if height < 1e-5 { 1e-5 } else { height };
        } else {
            for part in &mut unit {
                *part = (rng.word() >> 11) as f64 / 9_007_199_254_740_992.0 - 0.5;
            }
            let length = Self::apart(&Coordinate { vec: unit, ..own }, &Coordinate::FRESH);
            unit = unit.map(|part| part * (1.0 / length));
        }
        for (part, unit) in moved.vec.iter_mut().zip(unit) {
            *part += unit * force;
        }
        moved
    }

    fn update(&mut self, node: MemberId, other: &Coordinate, rtt: i64, rng: &mut Stream) {
        let at = self.samples.iter().position(|(known, _)| *known == node).unwrap_or_else(|| {
            self.samples.push((node, Vec::new()));
            self.samples.len() - 1
        });
        let samples = &mut self.samples[at].1;
        samples.push(rtt);
        let mut newest = samples[samples.len().saturating_sub(3)..].to_vec();
        newest.sort_unstable();
        let r = Self::go_seconds(newest[newest.len() / 2]);

        let own = self.own;
        let d = Self::go_seconds(own.distance(other));
        let least = if r < 1e-6 { 1e-6 } else { r };
        let wrong = (d - least).abs() / least;
        let total = own.error + other.error;
        let w = own.error / if total < 1e-6 { 1e-6 } else { total };
        let error = 0.25 * w * wrong + own.error * (1.0 - 0.25 * w);
        self.own.error = if error > 1.5 { 1.5 } else { error };
        self.own = Self::force(self.own, 0.25 * w * (least - d), other, rng);

        self.ring[self.index] =
            r - (Self::apart(&self.own, other) + self.own.height + other.height);
        self.index = (self.index + 1) % 20;
        let mut sum = 0.0;
        for off in self.ring {
            sum += off;
        }
        self.own.adjustment = sum / 40.0;

        let g = Self::go_seconds(Coordinate::FRESH.distance(&self.own)) / 150.0;
        self.own = Self::force(self.own, -(g * g), &Coordinate::FRESH, rng);
        if !self.own.to_words().iter().all(|&word| f64::from_bits(word).is_finite()) {
            self.own = Coordinate::FRESH;
            self.resets += 1;
        }
    }
}

#[test]
fn histories_agree_with_the_plain_algorithm_to_the_bit() {
    // Scale of positions, spread of heights and errors; greatest round trip. The last are absurd, so that
    // resets and what a ring remembers of them are among the histories.
    let worlds: [(f64, f64, i64); 6] = [
        (0.05, 1e-3, 200_000_000),
        (0.0, 0.0, 3_000),
        (5.0, 0.1, LONGEST_RTT),
        (1e-6, 1e-5, 20_000),
        (1e11, 1e11, LONGEST_RTT),
        (1e160, 1e300, LONGEST_RTT),
    ];
    let (mut resets, mut drawn) = (0, 0);
    for (world, &(scale, height, longest)) in worlds.iter().enumerate() {
        let keys = Keys::new(world as u64);
        let (mut dice, mut probe) = (keys.stream(1), keys.stream(3));
        let (mut ours, mut theirs) = (keys.stream(2), keys.stream(2));
        let (mut client, mut plain) = (Client::default(), Plain::new());
        for step in 0..3_000 {
            let mut share = || (dice.word() >> 11) as f64 / (1u64 << 53) as f64;
            // Most others are ordinary, so that a client recovers between two absurd ones.
            let scale = if share() < 0.95 { scale.min(0.1) } else { scale };
            let other = Coordinate {
                vec: std::array::from_fn(|_| (share() - 0.5) * scale),
                error: share() * 1.5,
                adjustment: (share() - 0.5) * height.min(1e-3),
                height: if share() < 0.95 { 1e-5 } else { share() * height },
            };
            let who = MemberId(probe.below(40));
            let rtt = probe.span(longest as u64 + 1) as i64;
            let estimate = client.own().distance(&other);
            let moved = client.update(who, &other, rtt, &mut ours).expect("accepted");
            let before = plain.resets;
            plain.update(who, &other, rtt, &mut theirs);
            assert_eq!(client.own().to_words(), plain.own.to_words(), "world {world}, step {step}");
            assert_eq!(moved, Moved { estimate, reset: plain.resets > before });
            assert_eq!(ours.drawn(), theirs.drawn());
        }
        assert_eq!(client.resets(), plain.resets);
        resets += plain.resets;
        drawn += ours.drawn();
    }
    assert!(resets > 100 && drawn > 1_000, "{resets} resets, {drawn} draws");
}

#[test]
fn what_is_refused_changes_nothing() {
    let other = other();
    let with = |i: usize, value: f64| {
        let mut words = other.to_words();
        words[i] = value.to_bits();
        Coordinate::from_words(&words)
    };
    let mut cases = vec![
        (other, -1, Rejected::Rtt(-1)),
        (other, LONGEST_RTT + 1, Rejected::Rtt(LONGEST_RTT + 1)),
    ];
    for i in 0..WORDS {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            cases.push((with(i, value), 1, Rejected::Invalid));
        }
    }
    let (mut client, mut rng) = (Client::default(), rng());
    for (other, rtt, why) in &cases {
        assert_eq!(client.update(NODE, other, *rtt, &mut rng), Err(*why));
    }
    assert_eq!((client.own(), client.heap(), rng.drawn()), (&Coordinate::FRESH, 0, 0));

    // Not even the latency filter knows of them.
    let mut untouched = Client::default();
    client.update(NODE, &other, 50_000_000, &mut rng).expect("accepted");
    untouched.update(NODE, &other, 50_000_000, &mut rng).expect("accepted");
    for (other, rtt, why) in &cases {
        assert_eq!(client.update(NODE, other, *rtt, &mut rng), Err(*why));
    }
    for rtt in [0, LONGEST_RTT] {
        client.update(NODE, &other, rtt, &mut rng).expect("the ends are in the range");
        untouched.update(NODE, &other, rtt, &mut rng).expect("the ends are in the range");
    }
    assert_eq!(client.own(), untouched.own());
    assert_eq!(Coordinate::from_parts(&[0.0; 7], 1.0, 0.0, 1e-5), Err(Rejected::Dimensions));
    assert_eq!(Coordinate::from_parts(&[0.0; 8], 1.5, 0.0, 1e-5), Ok(Coordinate::FRESH));
}

#[test]
fn a_bad_value_resets_until_the_ring_has_lost_it() {
    let (mut client, mut rng) = (Client::default(), rng());
    client.update(NODE, &other(), 40_000_000, &mut rng).expect("accepted");
    // Finite, but the squares are not.
    let absurd = Coordinate { vec: [1e200; 8], ..other() };
    let moved = client.update(NODE, &absurd, 40_000_000, &mut rng).expect("accepted");
    assert_eq!(moved, Moved { estimate: i64::MIN, reset: true });
    for step in 1..20 {
        let moved = client.update(NODE, &other(), 40_000_000, &mut rng).expect("accepted");
        assert!(moved.reset, "step {step}");
        assert_eq!(client.own(), &Coordinate::FRESH);
    }
    assert_eq!(client.resets(), 20);
    assert!(!client.update(NODE, &other(), 40_000_000, &mut rng).expect("accepted").reset);
    assert_eq!(client.resets(), 20);
    assert_ne!(client.own(), &Coordinate::FRESH);
}

#[test]
fn coincident_positions_part_in_a_random_direction() {
    let (mut client, mut rng) = (Client::default(), rng());
    // Two fresh nodes: one direction to part, none for gravity after that.
    client.update(NODE, &Coordinate::FRESH, 20_000_000, &mut rng).expect("accepted");
    assert_eq!(rng.drawn(), 8);
    let own = *client.own();
    let length = magnitude(&own.vec);
    // 0.25 * 0.5 * (20 ms - 20 us), pulled back by next to nothing.
    assert!((length - 0.0024975).abs() < 1e-9, "{length}");
    assert_eq!(own.height, HEIGHT_MIN, "a random direction does not change the height");
    // Less than the threshold is coincident too, and then gravity draws once more.
    let mut client = Client::default();
    client.update(NODE, &Coordinate::FRESH, 20_000, &mut rng).expect("accepted");
    assert_eq!(rng.drawn(), 24);
}

#[test]
fn draws_of_next_to_nothing_give_the_first_axis() {
    struct Half;
    impl Chance for Half {
        fn word(&mut self) -> u64 {
            1 << 63
        }
    }
    assert_eq!(random_unit(&mut Half), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn distances_are_whole_nanoseconds_and_never_saturate() {
    let at = |x: f64, adjustment: f64, height: f64| Coordinate {
        vec: [x, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        error: 0.0,
        adjustment,
        height,
    };
    let origin = at(0.0, 0.0, 0.0);
    let cases = [
        (at(0.0, 0.0, 0.0), 0),
        (at(1.9e-9, 0.0, 0.0), 1),
        (at(-0.25, 0.0, 0.125), 375_000_000),
        (at(0.25, 0.125, 0.0), 375_000_000),
        (at(0.25, -0.125, 0.0), 125_000_000),
        // An adjustment that leaves nothing is not applied.
        (at(0.25, -0.25, 0.0), 250_000_000),
        (at(0.25, -9.0, 0.0), 250_000_000),
        (at(9e9, 0.0, 0.0), 9_000_000_000_000_000_000),
        (at(1e10, 0.0, 0.0), i64::MIN),
        (at(1e300, 0.0, 0.0), i64::MIN),
        (at(f64::NAN, 0.0, 0.0), i64::MIN),
        (at(0.0, 0.0, f64::NEG_INFINITY), i64::MIN),
    ];
    for (other, expected) in cases {
        assert_eq!(origin.distance(&other), expected, "{other:?}");
        assert_eq!(other.distance(&origin), expected, "{other:?}");
    }
}

#[test]
fn words_are_bit_patterns() {
    let words: [u64; WORDS] = std::array::from_fn(|i| {
        [0, 1, f64::NAN.to_bits() | 5, 1 << 63, f64::INFINITY.to_bits()][i % 5] ^ i as u64
    });
    assert_eq!(Coordinate::from_words(&words).to_words(), words);
}

#[test]
fn forgetting_drops_the_latencies_and_nothing_else() {
    let (mut client, mut rng) = (Client::default(), rng());
    client.forget(NODE);
    for rtt in [50_000_000, 40_000_000, 45_000_000] {
        client.update(NODE, &other(), rtt, &mut rng).expect("accepted");
    }
    let (mut kept, own) = (client.clone(), *client.own());
    client.forget(NODE);
    assert_eq!(client.own(), &own);
    for client in [&mut client, &mut kept] {
        client.update(NODE, &other(), 300_000_000, &mut rng).expect("accepted");
    }
    // Without the filter the outlier counts for what it is.
    assert!(client.own().distance(&other()) > kept.own().distance(&other()) + 10_000_000);
}

#[test]
fn a_client_has_nothing_on_the_heap_before_its_first_sample() {
    assert_eq!(Client::default().heap(), 0);
    let mut client = Client::default();
    client.update(NODE, &other(), 1, &mut rng()).expect("accepted");
    assert!(client.heap() <= 8 * 64 * 16, "{}", client.heap());
}

/// Short round trips, long ones and those of far members are filtered alike.
#[test]
fn the_filter_does_not_depend_on_where_its_entries_are() {
    let median = |times: &[u64]| {
        let mut last: Vec<u64> = times.iter().rev().take(3).copied().collect();
        last.sort_unstable();
        last[last.len() / 2]
    };
    for member in [0, 1023, 1024, 70_000] {
        for pattern in
            [[1, 2, 3], [5, 3_000_000, 7], [2_097_150, 2_097_151, 1], [9, 9, 10_000_000_000]]
        {
            let mut samples = super::samples::Samples::default();
            let mut times = Vec::new();
            for i in 0..12 {
                times.push(pattern[i * 7 % 3] + (i as u64 % 2));
                let time = *times.last().unwrap_or(&0);
                let found = samples.push(MemberId(member), time.min(10_000_000_000));
                let times: Vec<u64> = times.iter().map(|t| (*t).min(10_000_000_000)).collect();
                assert_eq!(found, median(&times), "member {member}, {times:?}");
            }
            assert_eq!(samples.len(), 1);
            samples.remove(MemberId(member));
            assert_eq!(samples.len(), 0);
        }
    }
}

/// Coordinates that are moved together go where each would have gone alone, to the bit; what cannot be
/// moved together says so and stays.
#[test]
fn several_together_are_as_each_alone() {
    let mut rng = rng();
    let fresh = || [(); Client::TOGETHER].map(|()| Client::default());
    let (mut alone, mut together) = (fresh(), fresh());
    let (mut moved, mut refused) = (0, 0);
    for round in 0..2000u32 {
        for i in 0..Client::TOGETHER {
            let from = *alone[(i + 1 + round as usize % 3) % Client::TOGETHER].own();
            let from = if round % 97 == 0 { other() } else { from };
            let rtt = if round % 31 == 0 { 0 } else { i64::from(rng.below(80_000_000)) };
            let node = MemberId(round % 5);
            // Coinciding positions draw, each client the same words.
            let mut draws = crate::rng::Keys::new(u64::from(round)).stream(i as u64);
            let mut same = draws;
            alone[i].update(node, &from, rtt, &mut draws).expect("accepted");
            together[i].defer(node, &from, rtt, &mut same).expect("accepted");
        }
        if Client::settle_together(together.each_mut()) {
            moved += 1;
        } else {
            refused += 1;
            for (i, client) in together.iter_mut().enumerate() {
                let mut draws = crate::rng::Keys::new(u64::from(round)).stream(i as u64);
                client.settle(&mut draws);
            }
        }
        for (alone, together) in alone.iter().zip(&together) {
            assert_eq!(alone.own().to_words(), together.own().to_words(), "round {round}");
        }
    }
    assert!(moved > 1900 && refused > 0, "{moved} moved, {refused} refused");
}
