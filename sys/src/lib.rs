//! Descriptors by their numbers: the one thing that a daemon needs and std has no safe call for.
//!
//! A program is started with open descriptors and told their numbers (`fd:3`, systemd's `LISTEN_FDS`), and must not pass on
//! those that it knows nothing of. Here is the only unsafe block of the project; every other crate forbids unsafe code.
//!
//! ```
//! use std::io::Write;
//!
//! let standard_error = sestina_sys::duplicate(2)?; // as an owned descriptor, which closes itself
//! std::fs::File::from(standard_error).write_all(b"heard\n")?;
//! # Ok::<(), std::io::Error>(())
//! ```
#![cfg(unix)]
#![deny(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

/// A new descriptor for whatever `number` stands for, closed on exec. `number` itself stays open, and whoever owns it
/// goes on owning it.
///
/// ```
/// assert!(sestina_sys::duplicate(2).is_ok());
/// assert!(sestina_sys::duplicate(-1).is_err());
/// ```
///
/// # Errors
/// If nothing is open under that number, or descriptors have run out.
pub fn duplicate(number: i32) -> io::Result<OwnedFd> {
    lent(number, |descriptor| descriptor.try_clone_to_owned())
}

/// Programs that are started from now on do not get `number`. It stays open here, and whoever owns it goes on owning it.
///
/// ```
/// use std::os::fd::AsRawFd;
///
/// let (socket, _other) = std::os::unix::net::UnixStream::pair()?;
/// sestina_sys::close_on_exec(socket.as_raw_fd())?;
/// assert!(sestina_sys::close_on_exec(-1).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// If nothing is open under that number.
pub fn close_on_exec(number: i32) -> io::Result<()> {
    lent(number, |descriptor| Ok(rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?))
}

/// Calls `f` with the descriptor of that number. For calls that neither close it nor keep it.
fn lent<T>(number: i32, f: impl FnOnce(BorrowedFd<'_>) -> io::Result<T>) -> io::Result<T> {
    if number < 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a descriptor's number is not negative"));
    }
    // SAFETY: `number` is not -1. The borrow ends within this function, after the one system call that `f` makes with
    // it, and that call only reads the number: the kernel answers EBADF if nothing is open there. Nothing is closed.
    #[allow(unsafe_code, reason = "std has no safe way to name a descriptor by its number")]
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    f(borrowed)
}

#[cfg(test)]
mod tests {
    use super::{close_on_exec, duplicate};
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn the_duplicate_is_the_same_thing_and_outlives_the_original() {
        let (near, mut far) = UnixStream::pair().expect("a pair");
        let copy = duplicate(near.as_raw_fd()).expect("it is open");
        drop(near);
        UnixStream::from(copy).write_all(b"hello").expect("it is open");
        let mut heard = String::new();
        far.read_to_string(&mut heard).expect("it ended");
        assert_eq!(heard, "hello");
    }

    #[test]
    fn numbers_that_are_not_open_are_errors() {
        for number in [-1, i32::MIN, 1_000_000] {
            assert!(duplicate(number).is_err() && close_on_exec(number).is_err(), "{number}");
        }
    }

    #[test]
    fn programs_do_not_get_what_is_closed_on_exec() {
        let (near, _far) = UnixStream::pair().expect("a pair");
        rustix::io::fcntl_setfd(&near, rustix::io::FdFlags::empty()).expect("it is open");
        close_on_exec(near.as_raw_fd()).expect("it is open");
        let flags = rustix::io::fcntl_getfd(&near).expect("it is open");
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }
}
