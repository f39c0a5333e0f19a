//! Law 6: a panic in user code ends its connection, and nothing else.

use std::rc::Rc;

use sestina_reactor::{Address, Conn, Lost, Protocol};

use crate::{Diary, Probe, Stage};

/// The methods that panic, one connection each.
const METHODS: [&str; 4] = ["made", "data", "read closed", "lost"];

struct Clumsy {
    diary: Diary,
    method: &'static str,
}

impl Clumsy {
    fn at(&self, method: &str) {
        self.diary.note(format!("{} {method}", self.method));
        assert!(method != self.method, "on purpose, in {method}");
    }
}

impl Protocol for Clumsy {
    fn connection_made(&mut self, _: &mut Conn<'_>) {
        self.at("made");
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        conn.write(data);
        self.at("data");
    }

    fn read_closed(&mut self, conn: &mut Conn<'_>) {
        conn.lose_connection();
        self.at("read closed");
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, _: Lost) {
        self.at("lost");
    }
}

/// Each is told its loss once; a client in the same reactor does not notice.
pub fn a_panic_in_each_method_ends_its_connection_only(stage: &mut Stage) {
    stage.expect_panics(4);
    let diary = Diary::default();
    let (log, mut methods) = (diary.clone(), METHODS.into_iter());
    let (_clumsy, at) = stage.listen(move |_: &Address| Clumsy {
        diary: log.clone(),
        method: methods.next().expect("one client a method"),
    });
    let (_port, calm_at) =
        stage.serve(&diary, |probe| probe.named("calm").data(|_, conn, data| conn.write(data)));
    let calm = stage.connect(&calm_at, Probe::new(&diary).named("witness"));
    stage.until_noted(&diary, "calm made");
    for _ in METHODS {
        let client = Probe::new(&diary).made(|_, conn| {
            conn.write(b"hello");
            conn.lose_connection();
        });
        stage.connect_in_vain(&at, &diary, "client", client);
    }
    stage.until("four losses", || METHODS.iter().all(|method| diary.has(&format!("{method} lost"))));
    stage.until("four clients to end", || diary.count("client lost") == METHODS.len());
    for method in METHODS {
        assert_eq!(diary.count(&format!("{method} lost")), 1, "{diary:?}");
    }
    assert!(!diary.has("calm lost") && !diary.has("witness lost"), "{diary:?}");
    calm.disconnect();
    stage.until_alone();
}

struct Bomb(Rc<Diary>);

impl Protocol for Bomb {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.lose_connection();
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.note("dropped");
        assert!(std::thread::panicking(), "on purpose, in drop");
    }
}

/// Dropping a protocol is user code too.
pub fn a_panicking_drop_harms_nobody(stage: &mut Stage) {
    stage.expect_panics(1);
    let diary = Rc::new(Diary::default());
    let log = Rc::clone(&diary);
    let (_port, at) = stage.listen(move |_: &Address| Bomb(Rc::clone(&log)));
    stage.connect(&at, Probe::new(&diary).named("client"));
    stage.until_noted(&diary, "dropped");
    stage.until_alone();
    assert!(diary.has("client lost Done"), "{diary:?}");
}
