//! The tree as text and as data.

use std::rc::Rc;

use crate::common::{Diary, MS, SECOND, application, end, good, play};
use sestina_deferred::{Deferred, Failure, succeed};
use sestina_reactor::{Address, Endpoint};
use sestina_service::{
    Backoff, Child, Details, MultiService, Restart, Service, State, Supervision, TcpServer,
};

struct Talkative;
impl Service for Talkative {
    fn start(self: Rc<Self>, _: sestina_service::ServiceContext) -> Deferred<()> {
        succeed(())
    }

    fn details(&self) -> Details {
        Details::default().with_note("a\nb\u{1b}[31m")
    }
}

struct Panicking;
impl Service for Panicking {
    fn details(&self) -> Details {
        panic!("it has nothing to say")
    }
}

struct Silent;
impl sestina_reactor::Protocol for Silent {}

#[test]
fn the_tree_prints_names_states_uptime_restarts_addresses_connections_and_failures() {
    let diary = Diary::default();
    let backoff = Backoff::new(SECOND, 10 * SECOND).with_jitter_percent(0);
    let mut poetry =
        MultiService::new("poetry").with_supervision(Supervision::one_for_one().with_backoff(backoff));
    poetry
        .add(good("poem", &diary))
        .unwrap()
        .add(Child::new("tcp", || TcpServer::new(&Endpoint::loopback(7), |_: &Address| Silent)))
        .unwrap()
        .add(good("shaky", &diary))
        .unwrap();
    let app = application([
        Child::from(poetry),
        Child::new("talkative", || Talkative),
        Child::new("panicking", || Panicking),
        good("done", &diary).with_restart(Restart::Transient),
    ]);
    play(app, |tree| async move {
        tree.start().await?;
        end(&tree, "done", Ok(()));
        tree.reactor().sleep(3700 * SECOND).await?;
        end(&tree, "poetry/shaky", Err(Failure::msg("it broke")));
        tree.reactor().sleep(2 * SECOND).await?;
        let guest = tree.reactor().connect(&Endpoint::loopback(7), |_: &Address| Silent);
        guest.connected().await?;
        tree.reactor().sleep(20 * MS).await?;
        end(&tree, "poetry/shaky", Err(Failure::msg("again")));
        let text = tree.status().to_string();
        assert_eq!(
            text,
            "\
test          running   1h 1m
├─ poetry     running   1h 1m
│  ├─ poem    running   1h 1m
│  ├─ tcp     running   1h 1m  127.0.0.1:7, 1 connection
│  └─ shaky   failed           1 restart, starts again in 2s, 0ms ago: poetry/shaky failed: again
├─ talkative  running   1h 1m  a\\nb\\u{1b}[31m
├─ panicking  running   1h 1m
└─ done       stopped
"
        );
        let status = tree.status();
        let tcp = status.find("poetry/tcp").expect("it is there");
        assert_eq!((tcp.state, tcp.connections, tcp.addresses.len()), (State::Running, Some(1), 1));
        assert_eq!(tcp.path, "poetry/tcp");
        assert!(status.find("poetry/udp").is_none());
        assert_eq!(status.all().len(), 8);
        assert_eq!(status.running(), (4, 6));
        Ok(())
    });
}
