//! How a command ends: the exit codes of the program.

use std::{fmt, process::ExitCode};

use wavetank::{Error, Problems};

/// A command that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well: 0.
    Passed,
    /// A threshold failed: 99.
    Failed,
    /// Stopped by the user, finished runs are kept: 130.
    Interrupted,
}

impl Exit {
    pub fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Passed => 0,
            Self::Failed => 99,
            Self::Interrupted => 130,
        })
    }
}

/// Why a command could not do its work, and what to do about it.
#[derive(Debug)]
pub enum Failure {
    /// It could not run: 1.
    CannotRun(String),
    /// It was asked for something that is not there: 2.
    Usage(String),
    /// The scenario is invalid: 2.
    Invalid(Problems),
    /// What is wrong has been said already: 2.
    Told,
}

impl Failure {
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::CannotRun(_) => 1,
            Self::Usage(_) | Self::Invalid(_) | Self::Told => 2,
        })
    }

    /// A file or folder that cannot be written.
    pub fn writing(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::CannotRun(format!(
            "cannot write {}: {error}; name another place or make it writable",
            path.display()
        ))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CannotRun(text) | Self::Usage(text) => f.write_str(text),
            Self::Invalid(problems) => write!(f, "{problems}"),
            Self::Told => Ok(()),
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(problems) => Self::Invalid(problems),
            Error::Threads(_) => Self::CannotRun(error.to_string()),
            Error::Read { .. } | Error::UnknownBuiltin { .. } => Self::Usage(error.to_string()),
        }
    }
}
