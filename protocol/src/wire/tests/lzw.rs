//! LZW: the vectors of appendix D, and the three ways to get a length.

use proptest::prelude::*;

use crate::wire::{
    Malformed,
    compress::{self, NEVER_SHORTER, compressed_packet_len},
    crc::crc32,
    len,
    lzw::{Encoder, Meter, decode},
};

/// Bytes of the specification's generator, below `modulus`.
fn noise(modulus: u32, len: usize) -> Vec<u8> {
    let mut state: u32 = 12345;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) % modulus) as u8
    };
    (0..len).map(|_| byte()).collect()
}

fn encoded(input: &[u8], encoder: &mut Encoder) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.encode(input, &mut out);
    out
}

fn decoded(input: &[u8], limit: u32) -> Result<Vec<u8>, Malformed> {
    let mut out = b"before".to_vec();
    decode(input, limit, &mut out).map(|()| out.split_off(6))
}

#[test]
fn appendix_d() {
    let mut encoder = Encoder::new();
    for (modulus, len, out_len, crc) in [
        (256, 0, 3, 979561469),
        (256, 1, 4, 351406088),
        (256, 2, 5, 3429796229),
        (256, 256, 291, 4090501431),
        (256, 1000, 1242, 3173249344),
        (256, 3837, 5228, 1209520569),
        (256, 3838, 5230, 3054434584),
        (256, 3839, 5231, 1277392557),
        (256, 20000, 27306, 3028344645),
        (256, 100000, 136682, 2015302201),
        (7, 1000, 522, 1519368329),
        (7, 5000, 2218, 2523516856),
        (7, 20000, 8552, 3396377397),
        (7, 100000, 42270, 2924737659),
        (1, 1000, 53, 4137514973),
        (1, 100000, 530, 791869009),
    ] {
        let input = noise(modulus, len);
        let out = encoded(&input, &mut encoder);
        assert_eq!((out.len(), crc32(&out)), (out_len, crc), "{modulus} {len}");
        assert_eq!(encoder.encoded_len(&input) as usize, out_len, "{modulus} {len}");
        assert_eq!(decoded(&out, len as u32).as_ref(), Ok(&input), "{modulus} {len}");
        if len > 0 {
            let limit = len as u32 - 1;
            assert_eq!(decoded(&out, limit), Err(Malformed::TooLarge { limit }));
            assert_eq!(decoded(&out[..out.len() - 2], len as u32), Err(Malformed::Unfinished));
        }
    }
}

/// The compressed length of every prefix, across several clears.
#[test]
fn the_meter_knows_every_prefix() {
    let mut encoder = Encoder::new();
    let mut meter = Meter::new();
    for modulus in [256, 7, 2] {
        let input = noise(modulus, 9000);
        meter.clear();
        for end in 0..input.len() {
            if end % 13 == 0 || (3800..3900).contains(&end) {
                let expected = encoder.encoded_len(&input[..end]);
                assert_eq!(meter.len_if_finished(), expected, "{modulus} {end}");
            }
            meter.feed(&input[end..=end]);
        }
    }
}

#[test]
fn the_shortest_messages_never_get_shorter() {
    let mut encoder = Encoder::new();
    for len in 0..=NEVER_SHORTER {
        let best = encoder.encoded_len(&vec![0; len as usize]);
        assert!(len::compress_len(best) >= len, "{len}");
    }
    let first = vec![0; NEVER_SHORTER as usize + 4];
    assert!(compressed_packet_len(&first, &mut encoder) < first.len() as u32, "the bound is near");
}

#[test]
fn codes_out_of_nowhere_are_refused() {
    // 256, 259: before any data.
    assert_eq!(decoded(&[0x00, 0x07, 0x06, 0x00], 99), Err(Malformed::Code(259)));
    // 1, 258, 257: a string that ends with its own first byte.
    assert_eq!(decoded(&[0x01, 0x04, 0x06, 0x04], 99), Ok(vec![1; 3]));
    assert_eq!(decoded(&[0x01, 0x04, 0x06], 99), Err(Malformed::Unfinished));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn round_trip(
        input in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..6000),
            proptest::collection::vec(0..4u8, 0..40_000),
            proptest::collection::vec(b'a'..b'd', 0..200),
        ],
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut encoder = Encoder::new();
        let out = encoded(&input, &mut encoder);
        prop_assert_eq!(encoder.encoded_len(&input) as usize, out.len());
        let back = decoded(&out, input.len() as u32);
        prop_assert_eq!(back.as_ref(), Ok(&input));

        let mut meter = Meter::new();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.push(input.len());
        cuts.sort_unstable();
        let mut from = 0;
        for cut in cuts {
            meter.feed(&input[from..cut]);
            prop_assert_eq!(meter.len_if_finished(), encoder.encoded_len(&input[..cut]));
            from = cut;
        }

        let mut packet = Vec::new();
        compress::wrap_if_shorter(&input, &mut encoder, &mut packet);
        prop_assert_eq!(packet.len() as u32, compressed_packet_len(&input, &mut encoder));
        prop_assert!(packet.len() <= input.len());
    }

    #[test]
    fn any_bytes_decode_or_not(input in proptest::collection::vec(any::<u8>(), 0..9000)) {
        if let Ok(out) = decoded(&input, 20_000) {
            prop_assert!(out.len() <= 20_000);
        }
    }
}
