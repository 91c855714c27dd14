//! Ctrl-C: the first one lets the program finish with what it has, the second ends it at once.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether somebody wants it to end.
static STOP: AtomicBool = AtomicBool::new(false);

/// From now on an interrupt is noted instead of ending the program. Where that is impossible, it ends it.
pub fn listen() -> &'static AtomicBool {
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    &STOP
}
