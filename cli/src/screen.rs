//! The two streams of the program: results on standard output, everything else on standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};

use clap::ValueEnum;
use wavetank::Problems;

use crate::{args::Common, exit::Failure};

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What is known about the reader.
#[derive(Debug)]
pub struct Screen {
    /// Colours on standard output.
    pub color: bool,
    /// Colours on standard error.
    color_err: bool,
    quiet: bool,
    out: io::Stdout,
}

impl Screen {
    pub fn new(common: &Common) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let on = |terminal: bool| match common.color {
            Color::Auto => terminal && wanted && !dumb,
            Color::Always => true,
            Color::Never => false,
        };
        Self {
            color: on(io::stdout().is_terminal()),
            color_err: on(io::stderr().is_terminal()),
            quiet: common.quiet,
            out: io::stdout(),
        }
    }

    /// Whether progress may be shown.
    pub fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Text in a style on standard output, where colours are wanted.
    pub fn style(&self, code: &str, text: &str) -> String {
        style(self.color, code, text)
    }

    /// A result. A reader who has gone away is no error.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        let mut out = self.out.lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::CannotRun(format!("cannot write to standard output: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// A remark that `--quiet` suppresses.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.tell("36", "note", text);
        }
    }

    /// Plain words on standard error that `--quiet` suppresses.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Something that is probably not meant.
    pub fn warning(&self, text: &str) {
        self.tell("33", "warning", text);
    }

    /// Problems of a scenario, in colour where wanted.
    pub fn problems(&self, problems: &Problems) {
        let _ = writeln!(io::stderr(), "{}", problems.render(self.color_err).trim_end());
    }

    /// Why the command failed.
    pub fn failure(&self, failure: &Failure) {
        match failure {
            Failure::Told => {}
            Failure::Invalid(problems) => {
                self.problems(problems);
                let n = problems.0.len();
                let plural = if n == 1 { "error" } else { "errors" };
                let _ = writeln!(io::stderr(), "\n{n} {plural}; nothing was simulated");
            }
            Failure::Usage(text) | Failure::CannotRun(text) => self.tell("1;31", "error", text),
        }
    }

    fn tell(&self, code: &str, word: &str, text: &str) {
        let word = style(self.color_err, code, word);
        let _ = writeln!(io::stderr(), "{word}: {text}");
    }
}

fn style(on: bool, code: &str, text: &str) -> String {
    if on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}
