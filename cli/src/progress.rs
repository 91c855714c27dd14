//! Progress on standard error, on a terminal only: runs, simulated seconds per second, time left.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use wavetank::Progress;

use crate::screen::Screen;

const MILLISECOND: u128 = 1_000_000;

/// A bar; nothing where nobody watches.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    pub fn new(screen: &Screen) -> Self {
        if !screen.shows_progress() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr_with_hz(8));
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.0} simulated s/s", state.per_sec() / 1000.0);
        };
        let template = "{msg:>12}  {bar:28}  {percent:>3}%  {rate}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key("rate", rate).progress_chars("━━╌"));
        }
        bar.set_message("starting");
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    pub fn show(&self, progress: Progress) {
        if self.0.is_hidden() {
            return;
        }
        self.0.set_length((progress.whole / MILLISECOND) as u64);
        self.0.set_position((progress.simulated / MILLISECOND) as u64);
        self.0.set_message(format!("{}/{} runs", progress.finished, progress.runs));
    }

    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
