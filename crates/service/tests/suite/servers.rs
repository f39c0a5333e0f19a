//! Servers with a life: bound first, accepting when those before them run, drained, cut, closed.

use std::cell::RefCell;
use std::rc::Rc;

use crate::common::{Act, Diary, MS, Plan, SECOND, application, play, probe};
use sestina_deferred::Failure;
use sestina_reactor::{
    Address, Conn, ConnHandle, ConnectionLimits, Endpoint, ListenError, Lost, Protocol, Reactor,
};
use sestina_service::{Child, Limits, Service, StartError, Step, StreamServer, TcpServer, Tree};

/// Greets at once, and closes when it hears something.
struct Host;
impl Protocol for Host {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write(b"welcome");
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, _: &[u8]) {
        conn.lose_connection();
    }
}

/// Keeps what it hears, and how it ends.
#[derive(Clone, Default)]
struct Guest {
    heard: Rc<RefCell<String>>,
    lost: Rc<RefCell<Option<String>>>,
}
impl Protocol for Guest {
    fn data_received(&mut self, _: &mut Conn<'_>, data: &[u8]) {
        self.heard.borrow_mut().push_str(&String::from_utf8_lossy(data));
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        *self.lost.borrow_mut() = Some(why.to_string());
    }
}

const AT: u16 = 7;

fn server(name: &str) -> Child {
    Child::new(name, || TcpServer::new(&Endpoint::loopback(AT), |_: &Address| Host))
}

async fn visit(reactor: &Reactor) -> Result<(Guest, ConnHandle), Failure> {
    let guest = Guest::default();
    let visitor = guest.clone();
    let conn =
        reactor.connect(&Endpoint::loopback(AT), move |_: &Address| visitor.clone()).connected().await?;
    Ok((guest, conn))
}

fn port_of(tree: &Tree, path: &str) -> Option<u16> {
    tree.status().find(path)?.addresses.first()?.port()
}

#[test]
fn a_server_binds_in_its_privileged_start_and_accepts_when_all_before_it_run() {
    // spec: P16-25
    let diary = Diary::default();
    let slow = probe("slow", Plan { start: Act::After(100), ..Plan::default() }, &diary);
    play(application([slow, server("tcp")]), |tree| async move {
        let reactor = tree.reactor().clone();
        tree.privileged_start().await?;
        assert_eq!(port_of(&tree, "tcp"), Some(AT));
        let (early, _) = visit(&reactor).await?; // the kernel's backlog takes it
        let start = tree.start();
        reactor.sleep(50 * MS).await?;
        assert_eq!(*early.heard.borrow(), "", "the service before it is not there yet");
        start.await?;
        reactor.sleep(20 * MS).await?;
        assert_eq!(*early.heard.borrow(), "welcome", "who came early is served");
        assert_eq!(tree.status().find("tcp").and_then(|tcp| tcp.connections), Some(1));
        Ok(())
    });
}

#[test]
fn a_start_that_fails_elsewhere_closes_the_listener() {
    let diary = Diary::default();
    let bad = probe("bad", Plan { start: Act::Fail, ..Plan::default() }, &diary);
    play(application([server("tcp"), bad]), |tree| async move {
        assert!(tree.start().await.is_err());
        assert_eq!(tree.reactor().ports(), 0);
        assert!(visit(tree.reactor()).await.is_err(), "nobody listens");
        Ok(())
    });
}

#[test]
fn a_taken_address_is_a_failed_privileged_start_that_says_so() {
    play(application([server("one"), server("two")]), |tree| async move {
        let failure = tree.start().await.expect_err("there is one address");
        let error = &failure.check::<StartError>().expect("its kind").error;
        assert_eq!((error.service.as_str(), error.step), ("two", Step::PrivilegedStart));
        assert!(matches!(
            error.failure().and_then(Failure::check::<ListenError>),
            Some(ListenError::AddressTaken(_))
        ));
        assert_eq!(tree.reactor().ports(), 0);
        Ok(())
    });
}

#[test]
fn a_drain_closes_the_port_and_waits_for_open_conversations() {
    play(application([server("tcp")]), |tree| async move {
        let reactor = tree.reactor().clone();
        tree.start().await?;
        let (guest, conn) = visit(&reactor).await?;
        reactor.sleep(20 * MS).await?;
        let stop = tree.stop();
        reactor.sleep(SECOND).await?;
        assert!(visit(&reactor).await.is_err(), "nobody is taken any more");
        assert!(!stop.is_fired(), "the conversation goes on");
        conn.write(b"bye");
        let report = stop.await?;
        assert!(report.is_clean(), "{report}");
        assert_eq!(guest.lost.borrow().as_deref(), Some("the peer closed the connection"));
        assert!(reactor.now().as_nanos() < 2_000_000_000);
        Ok(())
    });
}

#[test]
fn a_conversation_that_is_longer_than_the_drain_is_aborted_and_the_server_is_named() {
    play(application([server("tcp")]).with_limits(Limits::new().with_drain(3 * SECOND)), |tree| async move {
        let reactor = tree.reactor().clone();
        tree.start().await?;
        let (guest, _conn) = visit(&reactor).await?;
        reactor.sleep(20 * MS).await?;
        let report = tree.stop().await?;
        assert_eq!(report.to_string(), "not everything stopped: tcp did not answer its drain within 3s");
        reactor.sleep(20 * MS).await?;
        assert_eq!(guest.lost.borrow().as_deref(), Some("the peer reset the connection"));
        assert_eq!((reactor.connections(), reactor.ports()), (0, 0));
        Ok(())
    });
}

#[test]
fn a_restarted_server_listens_again_and_a_factory_is_made_for_each_instance() {
    let made = Rc::new(RefCell::new(0));
    let counted = Rc::clone(&made);
    let child = Child::new("tcp", move || {
        *counted.borrow_mut() += 1;
        TcpServer::new(&Endpoint::loopback(AT), |_: &Address| Host)
            .with_connection_limits(ConnectionLimits { total: 1, ..ConnectionLimits::default() })
    });
    play(application([child]), |tree| async move {
        tree.start().await?;
        tree.restart("tcp").await?;
        let reactor = tree.reactor().clone();
        let (one, conn) = visit(&reactor).await?;
        let (two, _) = visit(&reactor).await?;
        reactor.sleep(50 * MS).await?;
        assert_eq!(
            (one.heard.borrow().as_str(), two.heard.borrow().as_str()),
            ("welcome", ""),
            "one at a time"
        );
        conn.abort();
        reactor.sleep(50 * MS).await?;
        assert_eq!(two.heard.borrow().as_str(), "welcome");
        tree.stop_now().await?;
        Ok(())
    });
    assert_eq!(*made.borrow(), 2);
}

#[test]
fn a_stream_server_has_a_conversation_with_each_connection() {
    let echo = Child::new("echo", || {
        StreamServer::new(&Endpoint::loopback(AT), |stream| async move {
            let line = stream.read_until(b'\n', 100).await?;
            stream.write_all(line).await
        })
    });
    play(application([echo]), |tree| async move {
        let reactor = tree.reactor().clone();
        tree.start().await?;
        let stream = reactor.connect_stream(&Endpoint::loopback(AT)).await?;
        stream.write_all(&b"hello\n"[..]).await?;
        assert_eq!(stream.read_until(b'\n', 100).await?, b"hello\n");
        drop(stream);
        assert!(tree.stop().await?.is_clean());
        Ok(())
    });
}

#[test]
fn a_server_at_a_unix_socket_is_one_too() {
    let endpoint: Endpoint = "unix:/run/host".parse().expect("an endpoint");
    let at = endpoint.clone();
    let child = Child::new("unix", move || TcpServer::new(&at, |_: &Address| Host));
    play(application([child]), |tree| async move {
        tree.start().await?;
        let guest = Guest::default();
        let visitor = guest.clone();
        tree.reactor().connect(&endpoint, move |_: &Address| visitor.clone()).connected().await?;
        tree.reactor().sleep(20 * MS).await?;
        assert_eq!(*guest.heard.borrow(), "welcome");
        tree.stop_now().await?;
        Ok(())
    });
}

#[test]
fn a_server_can_serve_without_a_tree_of_its_own_making() {
    let server: Rc<dyn Service> = Rc::new(TcpServer::new(&Endpoint::loopback(AT), |_: &Address| Host));
    play(application([Child::once("tcp", Rc::clone(&server))]), |tree| async move {
        tree.start().await?;
        assert_eq!(server.details().addresses.len(), 1);
        Ok(())
    });
}
