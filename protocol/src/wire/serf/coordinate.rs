//! The payload of an ack: its sender's network coordinate (`serf/ping_delegate.go`; specification 10.4).

use crate::{
    config::Compat,
    wire::{
        Malformed,
        message::record,
        msgpack::{Reader, Writer},
    },
};

/// The version that stands first.
const VERSION: u8 = 1;

/// A network coordinate; all in seconds but for the error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coordinate {
    /// The Euclidean part.
    pub vec: Vec<f64>,
    /// How much it is trusted, 1.5 at most; without unit.
    pub error: f64,
    /// What the Euclidean part does not explain.
    pub adjustment: f64,
    /// The distance from the plane, as of a link that everything passes.
    pub height: f64,
}

record!(Coordinate {
    b"Vec" => vec,
    b"Error" => error,
    b"Adjustment" => adjustment,
    b"Height" => height,
});

impl Coordinate {
    /// Reads a payload.
    pub fn decode(payload: &[u8]) -> Result<Self, Malformed> {
        let (&version, body) = payload.split_first().ok_or(Malformed::Truncated)?;
        if version != VERSION {
            return Err(Malformed::Version(version));
        }
        Reader::new(body).record()
    }

    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(VERSION);
        writer.map(4);
        writer.text(b"Adjustment");
        writer.float(self.adjustment);
        writer.text(b"Error");
        writer.float(self.error);
        writer.text(b"Height");
        writer.float(self.height);
        writer.text(b"Vec");
        writer.array(self.vec.len());
        for &part in &self.vec {
            writer.float(part);
        }
    }
}
