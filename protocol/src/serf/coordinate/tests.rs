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
