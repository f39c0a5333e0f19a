//! Accepting, and what to do when the process has no descriptors left.
//!
//! Without a descriptor a waiting connection can be neither taken nor refused: its client hangs, and an
//! edge-triggered listener is silent about it. So one descriptor is kept in reserve. It is given up to take that one
//! connection and reset it, which its client notices, and then taken back. A polite close would tell the client a clean
//! end, and so an empty answer.
//! Tests: `tests/descriptors.rs`, alone in its process because it uses up all descriptors.

use std::io;
use std::os::unix::net::UnixDatagram;

use rustix::io::Errno;
use sestina_reactor::{Address, Close};

use crate::socket::Socket;

/// The descriptor in reserve. A socket without a name, because a chroot may have no `/dev/null`.
#[derive(Debug, Default)]
pub(crate) struct Spare(Option<UnixDatagram>);

impl Spare {
    /// Takes the descriptor if it is not there; without one the next refusal fails, and nothing else.
    pub(crate) fn keep(&mut self) {
        if self.0.is_none() {
            self.0 = UnixDatagram::unbound().ok();
        }
    }

    fn refuse_one(&mut self, listener: &Socket) {
        self.0 = None;
        if let Ok((refused, _)) = listener.accept() {
            refused.close(Close::Reset);
        }
        self.keep();
    }
}

/// Takes one connection. If descriptors have run out, the one that waits longest is refused, and the error returned.
pub(crate) fn accept(listener: &Socket, spare: &mut Spare) -> io::Result<(Socket, Address)> {
    loop {
        match listener.accept() {
            Err(error) if belongs_to_one_connection(&error) => {}
            Err(error) if out_of_descriptors(&error) => {
                spare.refuse_one(listener);
                return Err(error);
            }
            answer => return answer,
        }
    }
}

/// Whether the error is that of a connection that died while it waited: the next one may be fine. Linux hands out
/// the network's errors here, and asks programs to treat them like that (accept(2), "Error handling").
fn belongs_to_one_connection(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    let died = matches!(errno, Some(Errno::CONNABORTED | Errno::PROTO | Errno::INTR | Errno::NOPROTOOPT));
    let unreachable =
        matches!(errno, Some(Errno::NETDOWN | Errno::NETUNREACH | Errno::HOSTDOWN | Errno::HOSTUNREACH));
    died || unreachable
}

fn out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}
