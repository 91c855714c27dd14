//! LZW as Go's `compress/lzw` writes it: least significant bit first, literals of 8 bits, codes of at most
//! 12 (specification 12.5).
//!
//! Interoperation needs only that others can read it; fidelity needs the exact length, and thus the exact
//! codes. One walk over the input, `Trie::walk`, decides the codes; an [`Encoder`] writes them down, a
//! [`Meter`] only adds their widths up.
//!
//! ```text
//!   256  literal ...  (first miss: define 258)  ...  (258 = 2^9 - 254th: width 10)  ...  257
//!   clear                                       at 4094 codes: 256, all forgotten        end
//! ```

mod decode;
mod encode;
mod trie;

pub use decode::decode;
pub use encode::{Encoder, Meter};

/// Forget all codes.
const CLEAR: u32 = 256;
/// End of the data.
const END: u32 = 257;
/// Codes have at least this many bits.
const MIN_WIDTH: u32 = 9;
/// The code that is never given: before it, everything is forgotten.
const LAST_CODE: u32 = 4095;
