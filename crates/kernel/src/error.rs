//! The one error type of the kernel.
//!
//! Messages name arguments and shapes, never values: an error may end in a log.

use core::fmt;

/// What went wrong, by who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Bytes from the peer are not a canonical encoding of the expected shape.
    Malformed(&'static str),
    /// The caller's own arguments do not fit each other.
    Mismatch(&'static str),
    /// A step was run out of order or twice.
    Abort(&'static str),
    /// An argument of the caller is outside its documented range.
    Range(&'static str),
    /// A check failed that only a deviating peer fails.
    Cheat(&'static str),
}

/// Result with the kernel's [`Error`].
pub type Result<T> = core::result::Result<T, Error>;

impl Error {
    /// `"malformed"`, `"mismatch"`, `"abort"`, `"range"` or `"cheat"`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Mismatch(_) => "mismatch",
            Self::Abort(_) => "abort",
            Self::Range(_) => "range",
            Self::Cheat(_) => "cheat",
        }
    }

    /// The sentence that names the argument.
    #[must_use]
    pub fn message(&self) -> &'static str {
        match self {
            Self::Malformed(text)
            | Self::Mismatch(text)
            | Self::Abort(text)
            | Self::Range(text)
            | Self::Cheat(text) => text,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind(), self.message())
    }
}

impl core::error::Error for Error {}

/// `Ok` when `condition` holds, else `error`.
pub(crate) fn ensure(condition: bool, error: Error) -> Result<()> {
    if condition { Ok(()) } else { Err(error) }
}
