//! UNIX sockets.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use sestina_reactor::{Address, Endpoint, ListenError};

use crate::connecting::fail;
use crate::{Diary, Probe, Stage};

/// A path that nobody else uses.
pub(crate) fn path() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("sestina-contract-{}-{number}", std::process::id()))
}

/// Bytes both ways; then the path is free again.
pub fn a_socket_file_serves_and_is_removed(stage: &mut Stage) {
    let (diary, got, at) = (Diary::default(), Rc::default(), Endpoint::unix(path()));
    for _ in 0..2 {
        let log = diary.clone();
        let port = stage.reactor().listen(&at, move |_: &Address| {
            Probe::new(&log).named("server").data(|_, conn, data| conn.write(data))
        });
        let port = port.expect("the path is free");
        assert_eq!(port.local_addr().to_string(), at.peer_name());
        stage.connect(
            &at,
            Probe::new(&diary).named("client").into(&got).made(|_, conn| {
                conn.write(b"echo");
                conn.lose_write_connection();
            }),
        );
        stage.until_noted(&diary, "client lost Done");
        stage.until_alone();
        drop(port.stop_listening());
        stage.until("the port to close", || stage.reactor().ports() == 0);
        assert_eq!(std::mem::take(&mut *got.borrow_mut()), b"echo");
        drop(diary.take());
    }
}

/// A path that is taken, with the way out in the message.
pub fn a_file_in_the_way_is_told(stage: &mut Stage) {
    let at = Endpoint::unix(path());
    let listen = || stage.reactor().listen(&at, |_: &Address| Probe::new(&Diary::default()));
    let _port = listen().expect("the path is free");
    match listen() {
        Err(error @ ListenError::FileInTheWay(_)) => {
            assert!(error.to_string().contains("remove it"), "{error}")
        }
        other => panic!("listening twice gave {other:?}"),
    }
}

/// No file, no server.
pub fn a_missing_socket_is_told(stage: &mut Stage) {
    let diary = Diary::default();
    fail(stage, &Endpoint::unix(path()), &diary);
    stage.until_noted(&diary, "NoSuchSocket");
}

/// The kernel has a limit of about a hundred bytes.
pub fn a_path_that_is_too_long_is_told(stage: &mut Stage) {
    let (diary, at) = (Diary::default(), Endpoint::unix(format!("/tmp/{}", "x".repeat(200))));
    let listened = stage.reactor().listen(&at, |_: &Address| Probe::new(&Diary::default()));
    assert!(matches!(listened, Err(ListenError::BadPath { .. })), "{listened:?}");
    fail(stage, &at, &diary);
    stage.until_noted(&diary, "BadPath");
}
