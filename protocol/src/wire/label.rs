//! The label: `f4 ‖ len ‖ text`, outermost and always plain, on every packet and at the start of a dialled
//! stream, to keep clusters apart (specification 12.8).

use super::Malformed;

/// The first byte of a label header.
pub const MARK: u8 = 244;

/// Appends the header of a label; nothing for the empty one.
pub fn write(label: &[u8], out: &mut Vec<u8>) {
    if label.is_empty() {
        return;
    }
    assert!(label.len() <= 255, "a label has at most 255 bytes");
    out.push(MARK);
    out.push(label.len() as u8);
    out.extend_from_slice(label);
}

/// Splits a label off the front; the empty one if there is no header.
pub fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let Some((&MARK, behind)) = bytes.split_first() else {
        return Ok((&[], bytes));
    };
    let (&len, behind) = behind.split_first().ok_or(Malformed::Truncated)?;
    if len == 0 {
        return Err(Malformed::Label);
    }
    behind.split_at_checked(len as usize).ok_or(Malformed::Truncated)
}

/// What stands behind the label, if it is the expected one.
///
/// With `skip` (`SkipInboundLabelCheck`) somebody in front has already taken the label off: one that is
/// still there is one too many.
pub fn check<'a>(bytes: &'a [u8], expected: &[u8], skip: bool) -> Result<&'a [u8], Malformed> {
    let (label, rest) = split(bytes)?;
    let fits = if skip { label.is_empty() } else { label == expected };
    if fits { Ok(rest) } else { Err(Malformed::Label) }
}
