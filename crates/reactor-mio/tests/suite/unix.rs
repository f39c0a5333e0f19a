//! UNIX sockets, and the files they leave.

use crate::common::{Folder, Host, of, queue, unix};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use sestina_reactor::{Address, Close, Driver, Listen};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};

#[test]
fn both_sides_talk_and_the_end_comes_with_the_last_data() {
    let (mut host, folder) = (Host::new(), Folder::new());
    let (near, far) = host.pair_at(folder.address("socket"));
    let far = host.watch(far);
    host.send(near.sock, "question");
    assert_eq!(host.recv(far).expect("receives").0, "question");
    host.send(far.sock, "answer");
    assert_eq!(host.recv(near).expect("receives").0, "answer");
    host.is_told(far.token);
    host.send(near.sock, "last");
    host.driver.finish(near.sock).expect("finishes");
    host.until(|event| of(far.token, event));
    assert_eq!(host.recv(far).expect("receives"), ("last".to_owned(), true));
    assert_eq!(host.recv(far).expect("receives"), (String::new(), false));
    host.driver.close(far.sock, Close::Reset); // UNIX sockets have no reset: an end
    assert_eq!(host.recv(near).expect("receives").0, "");
}

#[test]
fn addresses_are_the_path_or_nothing() {
    let (mut host, folder) = (Host::new(), Folder::new());
    let (listener, taken) = host.listen(folder.address("socket"));
    assert_eq!(taken, folder.address("socket"));
    let near = host.connect(&taken).expect("connects");
    let (far, peer) = host.accept(listener);
    assert_eq!(peer, Address::Unix(None));
    assert_eq!(host.driver.local_address(far).expect("has one"), taken);
    assert_eq!(host.driver.local_address(near.sock).expect("has one"), Address::Unix(None));
}

/// The kernel cuts a read short behind bytes that carry a descriptor. A short read is not an empty socket here.
#[test]
fn bytes_behind_a_passed_descriptor_are_not_left_lying() {
    let (mut host, folder) = (Host::new(), Folder::new());
    let (listener, _) = host.listen(folder.address("socket"));
    let peer = UnixStream::connect(folder.path("socket")).expect("connects");
    let far = host.accept(listener).0;
    let far = host.watch(far);

    let passed = [peer.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&passed)));
    sendmsg(&peer, &[IoSlice::new(b"with a descriptor")], &mut ancillary, SendFlags::empty()).expect("sends");
    let mut nothing = SendAncillaryBuffer::default();
    sendmsg(&peer, &[IoSlice::new(b", and behind it")], &mut nothing, SendFlags::empty()).expect("sends");

    let mut heard = String::new();
    while !heard.ends_with("behind it") {
        let (text, more) = host.recv(far).expect("receives");
        heard += &text;
        assert!(more, "a UNIX socket is empty when it says so");
    }
    assert_eq!(host.driver.recv(far.sock, &mut [0; 1]).expect_err("empty").kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn nobody_listens() {
    let (mut host, folder) = (Host::new(), Folder::new());
    let missing = host.connect(&folder.address("missing")).expect_err("no such file");
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    drop(UnixListener::bind(folder.path("left behind")).expect("listens"));
    let refused = host.connect(&folder.address("left behind")).expect_err("nobody there");
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    let too_long = unix(&folder.path(&"long".repeat(100)));
    assert_eq!(host.connect(&too_long).expect_err("too long").kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_listener_that_is_full_refuses() {
    let (mut host, folder) = (Host::new(), Folder::new());
    let at = Listen { backlog: 1, ..Listen::at(folder.address("socket")) };
    host.driver.listen(&at).expect("listens");
    let mut waiting = Vec::new();
    let error = loop {
        match host.connect(&at.address) {
            Ok(end) => waiting.push(end),
            Err(error) => break error,
        }
        assert!(waiting.len() < 10, "the queue has no end");
    };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_closed_listener_takes_its_file_away_and_the_path_is_free_again() {
    let (mut host, folder) = (Host::new(), Folder::new());
    for how in [Close::Polite, Close::Reset] {
        let (listener, taken) = host.listen(folder.address("socket"));
        let again = Listen::at(taken);
        assert_eq!(host.driver.listen(&again).expect_err("taken").kind(), io::ErrorKind::AddrInUse);
        assert!(folder.path("socket").exists(), "an attempt that failed removes nothing");
        host.driver.close(listener.sock, how);
        assert!(!folder.path("socket").exists());
    }
    host.listen(folder.address("socket"));
    drop(host);
    assert!(!folder.path("socket").exists(), "dropping the driver closes the listener");
}

#[test]
fn a_file_that_another_server_made_since_is_left_alone() {
    let (mut host, folder) = (Host::new(), Folder::new());
    let (listener, _) = host.listen(folder.address("socket"));
    std::fs::rename(folder.path("socket"), folder.path("moved")).expect("moves");
    let _newer = UnixListener::bind(folder.path("socket")).expect("listens");
    host.driver.close(listener.sock, Close::Polite);
    assert!(folder.path("socket").exists());
}

#[test]
fn a_listener_needs_a_path() {
    let at = Listen::at(Address::Unix(None));
    let error = Host::new().driver.listen(&at).expect_err("no path");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn writing_to_a_peer_that_is_gone_is_an_error_and_no_signal() {
    let (mut host, folder) = (Host::new(), Folder::new());
    let (near, far) = host.pair_at(folder.address("socket"));
    host.driver.close(far, Close::Polite);
    for pieces in [&[&b"one"[..]][..], &[&b"one"[..], &b"two"[..]][..]] {
        let error = host.driver.send(near.sock, &queue(pieces.iter().copied())).expect_err("gone");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}

/// Leaves the file of a listener that is gone, as a killed server does: std removes none.
fn leave_a_file(folder: &Folder) {
    drop(UnixListener::bind(folder.path("socket")).expect("the path is free"));
}

fn listen(host: &mut Host, folder: &Folder, lock: bool) -> io::Result<()> {
    host.driver.listen(&Listen { lock, ..Listen::at(folder.address("socket")) }).map(drop)
}

#[test]
fn a_file_that_a_killed_server_left_is_recognised_and_removed_under_the_lock_only() {
    let (mut host, folder) = (Host::new(), Folder::new());
    leave_a_file(&folder);
    let stale = listen(&mut host, &folder, false).expect_err("it is in the way");
    assert_eq!(stale.kind(), io::ErrorKind::StaleNetworkFileHandle);
    listen(&mut host, &folder, true).expect("nobody answers there, and we have the lock");
    UnixStream::connect(folder.path("socket")).expect("somebody answers now");
}

#[test]
fn a_file_on_which_somebody_listens_and_one_that_is_no_socket_are_never_removed() {
    let (mut host, folder) = (Host::new(), Folder::new());
    let live = UnixListener::bind(folder.path("socket")).expect("the path is free");
    for lock in [false, true] {
        let taken = listen(&mut host, &folder, lock).expect_err("it is in use");
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        UnixStream::connect(folder.path("socket")).expect("the first one still answers");
    }
    drop(live);
    std::fs::remove_file(folder.path("socket")).expect("it is there");
    std::fs::write(folder.path("socket"), "a text").expect("writes");
    let taken = listen(&mut host, &folder, true).expect_err("it is no socket");
    assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    assert_eq!(std::fs::read_to_string(folder.path("socket")).expect("it is there"), "a text");
}

/// Two servers that start at the same time: the second one may not take the file of the first.
#[test]
fn a_lock_that_somebody_holds_is_an_error_of_its_own_and_ends_with_its_listener() {
    let (mut host, mut other, folder) = (Host::new(), Host::new(), Folder::new());
    let at = Listen { lock: true, ..Listen::at(folder.address("socket")) };
    let (sock, _) = host.driver.listen(&at).expect("the path is free");
    let locked = other.driver.listen(&at).expect_err("the other one has the lock");
    assert_eq!(locked.kind(), io::ErrorKind::ResourceBusy);
    host.driver.close(sock, Close::Polite);
    other.driver.listen(&at).expect("the lock is free again");
}
