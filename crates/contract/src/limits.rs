//! How many connections a port takes.

use std::time::Duration;

use sestina_reactor::ConnectionLimits;

use crate::{Diary, Probe, Stage};

/// Two at once; the others wait, and nobody is turned away.
pub fn a_full_port_waits_and_goes_on(stage: &mut Stage) {
    let diary = Diary::default();
    let (port, at) = stage.serve(&diary, |probe| {
        let probe = probe.named("server").made(|_, conn| conn.set_timer(Duration::from_millis(5)));
        probe.timer(|_, conn| {
            conn.write(b"served");
            conn.lose_connection();
        })
    });
    port.set_connection_limits(ConnectionLimits { total: 2, ..ConnectionLimits::default() });
    for _ in 0..6 {
        stage.connect(&at, Probe::new(&diary).named("client"));
    }
    stage.until("six served", || {
        assert!(diary.count("server made") - diary.count("server lost") <= 2, "{diary:?}");
        diary.count("client lost Done") == 6
    });
    stage.until_alone();
}

/// Counted on the loopback because it was told to.
pub fn a_peer_with_its_share_is_refused(stage: &mut Stage) {
    let diary = Diary::default();
    let (port, at) = stage.serve(&diary, |probe| probe.named("server"));
    let limits = ConnectionLimits { per_peer: 1, per_peer_on_loopback: true, ..ConnectionLimits::default() };
    port.set_connection_limits(limits);
    let first = stage.connect(&at, Probe::new(&diary).named("first"));
    stage.until_noted(&diary, "server made");
    stage.connect_in_vain(&at, &diary, "second", Probe::new(&diary));
    stage.until_noted(&diary, "second lost");
    assert!(diary.has("second lost Reset") || diary.has("second lost before"), "{diary:?}");
    assert_eq!(stage.reactor().statistics().refused, 1);
    first.disconnect();
    stage.until_alone();
    stage.connect(&at, Probe::new(&diary).named("third").made(|_, conn| conn.lose_connection()));
    stage.until_noted(&diary, "third lost Closed");
    stage.until_alone();
}
