//! The worked examples E9 and E10 under AES-GCM, and the ring of keys.

use super::{
    examples::{encoded, members, suspect},
    hex,
};
use crate::{
    config::Compat,
    wire::{
        Malformed,
        packet::{self, Receiving, Sending},
        seal::{NONCE, aes::Keyring},
        stream,
    },
};

fn ring(key: &[u8]) -> Keyring {
    let nonce: [u8; NONCE] = std::array::from_fn(|at| at as u8);
    Keyring::new(key, move || nonce).expect("a key of a legal length")
}

const KEY: &[u8] = b"0123456789abcdef";

#[track_caller]
fn check(version: u8, label: &[u8], expected: &str) {
    let message = encoded(&suspect());
    let expected = hex(expected);
    let mut keys = ring(KEY);
    let mut out = Vec::new();
    let sending = Sending { label, seal: Some((version, &mut keys)), ..Sending::default() };
    packet::write(&message, sending, &mut out);
    assert_eq!(out, expected);

    // A ring with the key in second place reads it too.
    let mut keys = ring(&[9; 32]);
    keys.add(KEY).expect("a key of a legal length");
    let receiving =
        Receiving { cipher: Some(&keys), verify_incoming: true, label, skip_label_check: false };
    assert_eq!(packet::read(&out, &receiving).as_deref(), Ok(&message[..]));
    let stranger = ring(&[9; 24]);
    let receiving = Receiving { cipher: Some(&stranger), ..receiving };
    assert_eq!(packet::read(&out, &receiving), Err(Malformed::Key));
    assert!(packet::read(&message, &Receiving { label: b"", ..receiving }).is_err());
    let lenient = Receiving { label: b"", verify_incoming: false, ..receiving };
    assert_eq!(packet::read(&message, &lenient).as_deref(), Ok(&message[..]));
}

#[test]
fn e9_packets() {
    check(
        1,
        b"",
        "01000102030405060708090a0bfebc605b6c1b56948616ac53aef8d15f6eb6239368dd4bef39068e964dc59a
         e2fdbed518dc35fd938355ce4cc79b60",
    );
    check(
        0,
        b"",
        "00000102030405060708090a0bfebc605b6c1b56948616ac53aef8d15f6eb6239368dd4bef39068e964dc59a
         6d956f07a854c9194ffaf2c090e9777bf6",
    );
    check(
        1,
        b"lbl",
        "f4036c626c01000102030405060708090a0bfebc605b6c1b56948616ac53aef8d15f6eb6239368dd4bef3906
         8e964dc59ae96de9c5b5a938df0805723079c15414",
    );
}

#[test]
fn e10_streams() {
    let mut message = Vec::new();
    members().encode(Compat::Head, &mut message);
    let mut keys = ring(KEY);
    let mut out = Vec::new();
    let sending = Sending { seal: Some((1, &mut keys)), ..Sending::default() };
    stream::write(&message, true, sending, &mut out);
    let expected = hex(
        "0a000000c101000102030405060708090a0bfbbc6057711d55f54d68687ea5e8b28155a4328854c72b3f12258f
         9dea2c0f2d3a73ed4afaee98c6c16ec9fd1f1f3340170b664037d50e1376c848c00913b22f1220c9eb5bbf389a
         53f5aa32cc0b79f12aebae3a6c30d600aa4ec1c8451435aa86593ea29ccd83c07153099675b1fbc2af3628e696
         5fa02c534ff8a219b072dbfa25a57b329e0b47124b0286f803b492bf613156b504067798069a7f4c20af22f9d6
         dca1d4b53cad9aa75376b71d14b4f560ab22",
    );
    assert_eq!(out, expected);
    let receiving =
        Receiving { cipher: Some(&keys), verify_incoming: true, ..Receiving::default() };
    assert_eq!(stream::read(&out, &receiving).as_deref(), Ok(&message[..]));
    assert_eq!(stream::read(&out[..197], &receiving), Err(Malformed::Truncated));
    assert_eq!(stream::read(&message, &receiving), Err(Malformed::Encryption));
    assert_eq!(stream::read(&out, &Receiving::default()), Err(Malformed::Encryption));
}

#[test]
fn the_primary_encrypts_and_stays() {
    let mut keys = ring(KEY);
    assert!(keys.add(&[1; 7]).is_err());
    keys.add(&[2; 16]).expect("a key of a legal length");
    assert!(!keys.use_key(&[3; 16]));
    assert!(!keys.remove(KEY));
    assert!(keys.use_key(&[2; 16]));
    assert!(keys.remove(KEY));
    assert!(!keys.use_key(KEY));
}
