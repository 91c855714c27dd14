//! Reading codes back.
//!
//! Every string that a code stands for already stands in the output: it is the one decoded before and the
//! byte that came after it. So the table holds places in the output, and a code that is used before its
//! last byte is known needs no case of its own: the copy runs into the bytes that it writes.

use super::{CLEAR, END, LAST_CODE, MIN_WIDTH};
use crate::wire::Malformed;

/// Appends the decompressed input, at most `limit` bytes of it.
///
/// What stands behind the end code is ignored. On an error `out` holds what came before it.
pub fn decode(input: &[u8], limit: u32, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let base = out.len();
    let mut places = vec![(0, 0); LAST_CODE as usize + 1];
    let mut highest = END;
    let mut width = MIN_WIDTH;
    let mut bits = Bits { input: input.iter(), pending: 0, count: 0 };
    loop {
        let code = bits.next(width)?;
        let start = out.len();
        let (from, len) = match code {
            CLEAR => {
                highest = END;
                width = MIN_WIDTH;
                continue;
            }
            END => return Ok(()),
            0..CLEAR => (start, 1),
            known if known <= highest => places[known as usize],
            unknown => return Err(Malformed::Code(unknown as u16)),
        };
        if start - base + len > limit as usize {
            return Err(Malformed::TooLarge { limit });
        }
        if code < CLEAR {
            out.push(code as u8);
        } else {
            append(out, from, len);
        }
        if highest < LAST_CODE {
            highest += 1;
            places[highest as usize] = (start, len + 1);
            width += u32::from(highest == 1 << width);
        }
    }
}

/// Appends what stands at `from`; its last byte may be the first that this appends.
fn append(out: &mut Vec<u8>, from: usize, len: usize) {
    if from + len <= out.len() {
        out.extend_from_within(from..from + len);
    } else {
        for at in from..from + len {
            let byte = out[at];
            out.push(byte);
        }
    }
}

struct Bits<'a> {
    input: std::slice::Iter<'a, u8>,
    pending: u32,
    count: u32,
}

impl Bits<'_> {
    fn next(&mut self, width: u32) -> Result<u32, Malformed> {
        while self.count < width {
            let &byte = self.input.next().ok_or(Malformed::Unfinished)?;
            self.pending |= u32::from(byte) << self.count;
            self.count += 8;
        }
        let code = self.pending & ((1 << width) - 1);
        self.pending >>= width;
        self.count -= width;
        Ok(code)
    }
}
