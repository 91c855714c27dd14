//! Where the real program comes from: the one in the path, or Debian's package, unpacked for this run.
//!
//! The package is downloaded and unpacked rather than installed: installing it needs root and starts an
//! agent as a service on all interfaces, which no comparison should do.

use std::path::{Path, PathBuf};

use super::guard::Guard;

/// What to do when there is no program.
const REMEDY: &str =
    "install it (Debian, Ubuntu: `apt-get install serf`) or put a `serf` into the path";

/// The program, and how it names its version.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// First line of `serf version`.
    pub version: String,
}

/// Finds `serf` in the path, or unpacks Debian's package into the guard's folder.
pub fn find(guard: &Guard) -> Result<Program, String> {
    if let Some(program) = at(guard, Path::new("serf")) {
        return Ok(program);
    }
    eprintln!("no serf in the path; downloading Debian's package, for this run only ...");
    let mut fetched = run(guard, "apt-get", &["download", "-q", "serf"]);
    if fetched.is_err() {
        // Without package lists nothing can be found; only root may fetch them.
        run(guard, "apt-get", &["update", "-q"]).map_err(|e| format!("{e}; {REMEDY}"))?;
        fetched = run(guard, "apt-get", &["download", "-q", "serf"]);
    }
    fetched.map_err(|e| format!("{e}; {REMEDY}"))?;
    run(guard, "/bin/sh", &["-c", "dpkg-deb -x serf_*.deb ."])
        .map_err(|e| format!("{e}; {REMEDY}"))?;
    at(guard, &guard.folder().join("usr/bin/serf"))
        .ok_or_else(|| format!("the package of serf holds no program for this machine; {REMEDY}"))
}

fn at(guard: &Guard, path: &Path) -> Option<Program> {
    let out = guard.command(path).arg("version").output().ok()?;
    let text = String::from_utf8_lossy(&out.stdout);
    let version = text.lines().next()?.trim().to_owned();
    Some(Program { path: path.to_owned(), version })
}

fn run(guard: &Guard, program: &str, args: &[&str]) -> Result<(), String> {
    let said = format!("`{program} {}`", args.join(" "));
    let mut command = guard.command(Path::new(program));
    let out = command
        .args(args)
        .current_dir(guard.folder())
        .output()
        .map_err(|e| format!("{said} did not start: {e}"))?;
    if out.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&out.stderr);
    let last = text.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("no reason given").trim();
    Err(format!("{said} failed: {last}"))
}
