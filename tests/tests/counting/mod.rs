//! An allocator that counts, and remembers where the first allocations came from.

#![expect(unsafe_code, reason = "an allocator cannot be written without it; this one only counts")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    backtrace::Backtrace,
    cell::{Cell, RefCell},
};

/// The system's allocator with a counter per thread.
pub struct Counter;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static TO_TRACE: Cell<u32> = const { Cell::new(0) };
    static TRACES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn note() {
    // While a trace is taken nothing is counted, or it would count itself.
    let left = TO_TRACE.replace(0);
    if left > 0 {
        let count = COUNT.get();
        TRACES.with_borrow_mut(|traces| traces.push(Backtrace::force_capture().to_string()));
        COUNT.set(count);
        TO_TRACE.set(left - 1);
    }
}

/// Allocations of this thread so far.
pub fn count() -> u64 {
    COUNT.get()
}

/// Remembers where the next so many come from, and forgets those so far.
pub fn trace_next(many: u32) {
    TO_TRACE.set(0);
    TRACES.take();
    TO_TRACE.set(many);
}

/// Stops remembering.
pub fn trace_no_more() {
    TO_TRACE.set(0);
}

/// Where they came from: our own functions, innermost first, each place once.
pub fn traces() -> String {
    let mut places: Vec<String> = Vec::new();
    for trace in TRACES.take() {
        let lines: Vec<&str> = trace.lines().collect();
        let ours = lines.windows(2).filter(|w| w[0].contains("wavetank"));
        let place: Vec<String> =
            ours.take(4).map(|w| format!("{}\n    {}", w[0].trim(), w[1].trim())).collect();
        let place = place.join("\n");
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.join("\n--\n")
}

// SAFETY: every call goes to the system's allocator as it is; beside it only thread-local counters change.
unsafe impl GlobalAlloc for Counter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        note();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        note();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(block, layout, size) }
    }
}
