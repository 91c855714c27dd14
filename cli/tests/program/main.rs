//! The program from outside: what it prints, where, and how it ends.

mod commands;
mod folder;
#[cfg(unix)]
mod interrupt;
mod run;
mod trace;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// A scenario that takes milliseconds and passes.
pub(crate) const SMALL: &str = "version: 1
name: small
seeds: 3
duration: 30s
cluster: {preset: memberlist-local, nodes: 8}
timeline:
  - {at: 2s, crash: {nodes: {pick: 1, as: victim}}}
thresholds:
  detection.all: [\"max < 25s\"]
  false_positives: [\"count == 0\"]
";

/// What came of a command.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The program in a folder of its own, which is removed in the end.
pub(crate) struct Shell {
    pub(crate) folder: PathBuf,
}

impl Shell {
    /// A new folder with `small.yaml` in it.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{nth}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let shell = Self { folder };
        shell.write("small.yaml", SMALL);
        shell
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// The command, its arguments separated by spaces.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wavetank"));
        command
            .args(arguments.split_whitespace())
            .current_dir(&self.folder)
            .env_remove("NO_COLOR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Done {
        self.run_with(arguments, "")
    }

    /// With this on standard input.
    pub(crate) fn run_with(&self, arguments: &str, input: &str) -> Done {
        let mut child = self.command(arguments).spawn().expect("the program");
        // A program that reads nothing may be gone already.
        let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("its output");
        Done {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// No line is wider than a plain terminal.
#[track_caller]
pub(crate) fn fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
}
