//! Asking for memory ahead of its use.
//!
//! Events of a window are handled in a row, and each touches a node that lies anywhere. A hint some
//! events ahead hides most of that way; it changes nothing else.
#![expect(unsafe_code, reason = "a prefetch is a hint: it reads nothing and cannot fault")]

/// Bytes that a processor fetches at a time.
const LINE: usize = 64;

/// Hints that the first `lines` cache lines of an item will be used soon.
#[inline]
pub fn prefetch<T>(items: &[T], index: usize, lines: usize) {
    let Some(item) = items.get(index) else { return };
    let first = std::ptr::from_ref(item).cast::<i8>();
    for line in 0..lines.min(size_of::<T>().div_ceil(LINE)) {
        hint(first.wrapping_add(line * LINE));
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn hint(at: *const i8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: prefetching is allowed at any address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at) }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn hint(_at: *const i8) {}
