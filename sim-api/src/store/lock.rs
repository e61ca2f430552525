//! One process a database: an operating-system lock on a file beside it.
//!
//! SQLite would let a second process in, and two engines would then each believe to own the
//! journal. The lock ends with the process, however it ends, so there is never a stale one.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// A held lock. Dropping it releases the database.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

/// Why the lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody has it.
    #[error(
        "{} is in use by {}; stop it or name another file",
        database.display(),
        pid.map_or("another process".to_owned(), |pid| format!("process {pid}"))
    )]
    Held {
        /// The database.
        database: PathBuf,
        /// The process that has it; none in the instant before it has written its number.
        pid: Option<u32>,
    },
    /// The lock file can not be opened, locked or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl FileLock {
    /// Takes the lock of `database` (`<database>.lock`, which stays behind afterwards: removing it
    /// would let two processes lock two files of the same name). Never waits.
    ///
    /// # Errors
    /// [`LockError::Held`] with the other process, or the system's reason.
    pub fn take(database: &Path) -> Result<Self, LockError> {
        let path = lock_path(database);
        let io = |source| LockError::Io { path: path.clone(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { database: database.to_owned(), pid: read_pid(&mut file) });
            }
            Err(TryLockError::Error(e)) => return Err(io(e)),
        }
        file.set_len(0).map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self { file })
    }
}

impl Drop for FileLock {
    /// A released file names nobody, so that nobody is blamed in the instant between the next
    /// process's lock and its number.
    fn drop(&mut self) {
        // The lock itself ends when the file is closed; failing to empty it only spoils a message.
        let _ = self.file.set_len(0);
    }
}

/// The lock file of a database.
pub(super) fn lock_path(database: &Path) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(".lock");
    PathBuf::from(name)
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    // Ten digits and a line end; the bound keeps a foreign file from being read whole.
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
