//! What ends the agents: a shell of its own that waits for this process to end.
//!
//! The shell reads a pipe whose other end only this process holds. When the process ends, by return,
//! panic, Ctrl-C or a kill, the pipe closes; the shell then removes the folder and kills its process
//! group, of which every agent is a member. It does the same by itself when the time is over.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Signals that a terminal sends must not end it before its work.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM
end() { rm -rf -- "$1"; kill -KILL 0; }
(sleep "$2"; end "$1") &
read -r _
end "$1"
"#;

/// The process group of the agents, and the one folder that they need.
#[derive(Debug)]
pub struct Guard {
    shell: Child,
    folder: PathBuf,
}

impl Guard {
    /// Starts the shell; it ends the group after `limit` at the latest.
    pub fn start(limit: Duration) -> io::Result<Self> {
        let folder =
            std::env::temp_dir().join(format!("wavetank-real-serf-{}", std::process::id()));
        let mut command = Command::new("/bin/sh");
        enter(&mut command, 0);
        let shell = command
            .args(["-c", SCRIPT, "guard"])
            .arg(&folder)
            .arg(limit.as_secs().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        std::fs::create_dir(&folder)?;
        Ok(Self { shell, folder })
    }

    /// A command whose process, with all that it starts, ends with the group.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        enter(&mut command, self.shell.id().cast_signed());
        command.stdin(Stdio::null());
        command
    }

    /// A folder that is removed in the end.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Makes a command's process a member of a group; of one of its own for 0.
fn enter(command: &mut Command, group: i32) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, group);
    // Elsewhere there is no shell either, so that no guard starts.
    #[cfg(not(unix))]
    let _ = (command, group);
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // It dies of its own kill, so its status says nothing.
        let _ = self.shell.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn ends_what_it_holds() {
        let guard = Guard::start(Duration::from_secs(60)).expect("a shell starts");
        let folder = guard.folder().to_owned();
        std::fs::write(folder.join("file"), "x").expect("the folder can be written");
        let mut sleeper = guard.command(Path::new("sleep")).arg("60").spawn().expect("it starts");
        drop(guard);
        // A signal ended it: there is no exit code.
        assert_eq!(sleeper.wait().expect("it was started").code(), None);
        assert!(!folder.exists());
    }
}
