//! The proxy as a service: several upstreams, one memory; started, reloaded, drained and stopped by its tree. All of it on
//! a simulated network, where time costs nothing.

use std::time::Duration;

use crate::common::client::listen;
use crate::common::puppet::Puppet;
use sestina_deferred::Failure;
use sestina_poetry::{
    FastPoetry, Poem, PoetryProxy, PoetryProxyService, ProxyRoute, ProxySettings, SlowPoetry, get_poem, poems,
};
use sestina_reactor::{Endpoint, Lost, Reactor};
use sestina_reactor_sim::Simulation;
use sestina_service::{Application, Child, State, Tree};

const MS: Duration = Duration::from_millis(1);

fn play<A>(child: Child, story: impl FnOnce(Tree, Reactor) -> A)
where
    A: Future<Output = Result<(), Failure>> + 'static,
{
    let reactor = Simulation::seeded(1).reactor();
    let mut application = Application::new("poets");
    application.add(child).expect("it is the only one");
    let tree = application.attach(&reactor).expect("a good name");
    let told = reactor.run_until(reactor.spawn(story(tree, reactor.clone())));
    told.unwrap_or_else(|failure| panic!("the story failed: {failure} at {}", failure.location()));
}

fn proxy_of(routes: &[(&str, u16, u16)], change: impl Fn(&mut ProxySettings) + 'static) -> Child {
    let at = Endpoint::loopback;
    let routes = routes.iter().map(|(name, poet, front)| ProxyRoute::new(*name, &at(*poet), &at(*front)));
    let routes: Vec<ProxyRoute> = routes.collect();
    Child::new("proxy", move || {
        let mut settings = ProxySettings::default();
        change(&mut settings);
        PoetryProxyService::with_routes(settings, routes.clone())
    })
}

fn proxy(tree: &Tree) -> PoetryProxy {
    tree.service::<PoetryProxyService>("proxy").and_then(|service| service.proxy()).expect("it runs")
}

fn serve_at(reactor: &Reactor, port: u16, poem: &[u8]) {
    let poet = FastPoetry::new(Poem::from_bytes(poem));
    reactor.listen(&Endpoint::loopback(port), poet).expect("nobody else is there");
}

#[test]
fn two_upstreams_have_a_port_each_and_one_memory() {
    let two = [("ecstasy", 10_001, 10_000), ("science", 10_002, 10_003)];
    // There is memory for one of the two poems, and for one fetch at a time.
    let child = proxy_of(&two, |settings| settings.cache.memory_bytes_max = 64 * 1024 + 4 * 3_003 + 700);
    play(child, |tree, reactor| async move {
        serve_at(&reactor, 10_001, poems::ECSTASY);
        serve_at(&reactor, 10_002, poems::SCIENCE);
        tree.start().await?;
        assert_eq!(tree.status().find("proxy").map(|proxy| proxy.addresses.len()), Some(2));
        for _ in 0..2 {
            assert_eq!(get_poem(&reactor, &Endpoint::loopback(10_000)).await?.as_bytes(), poems::ECSTASY);
            assert_eq!(get_poem(&reactor, &Endpoint::loopback(10_003)).await?.as_bytes(), poems::SCIENCE);
        }
        let statistics = proxy(&tree).statistics();
        assert_eq!((statistics.misses, statistics.hits, statistics.entries), (2, 2, 2));
        assert!(statistics.memory.cache_bytes >= 3_656, "one account for both: {:?}", statistics.memory);
        assert!(tree.stop().await?.is_clean());
        assert_eq!(reactor.ports(), 2, "the poets'");
        Ok(())
    });
}

#[test]
fn a_port_that_is_taken_closes_the_others_too() {
    let two = [("ecstasy", 10_001, 10_000), ("science", 10_002, 10_003)];
    play(proxy_of(&two, |_| ()), |tree, reactor| async move {
        serve_at(&reactor, 10_003, poems::SCIENCE);
        assert!(tree.start().await.is_err());
        assert_ne!(tree.state("proxy"), Some(State::Running));
        assert_eq!(reactor.ports(), 1, "the one that was there before");
        Ok(())
    });
}

#[test]
fn a_drain_lets_a_client_of_a_slow_poet_have_its_poem_and_nobody_else_come() {
    play(proxy_of(&[("science", 10_001, 10_000)], |_| ()), |tree, reactor| async move {
        let poet = SlowPoetry::new(Poem::from_bytes(poems::SCIENCE)).with_delay(50 * MS);
        reactor.listen(&Endpoint::loopback(10_001), poet)?;
        tree.start().await?;
        let client = get_poem(&reactor, &Endpoint::loopback(10_000));
        reactor.sleep(200 * MS).await?;
        let report = tree.stop().await?;
        assert!(report.is_clean(), "{report}");
        assert_eq!(client.await?.as_bytes(), poems::SCIENCE);
        assert!(get_poem(&reactor, &Endpoint::loopback(10_000)).await.is_err());
        Ok(())
    });
}

#[test]
fn a_client_whose_poet_never_ends_is_cut_when_the_drain_has_taken_too_long() {
    play(proxy_of(&[("science", 10_001, 10_000)], |_| ()), |tree, reactor| async move {
        let puppet = Puppet::default();
        reactor.listen(&Endpoint::loopback(10_001), puppet.clone())?;
        tree.start().await?;
        let client = listen(&reactor, &Endpoint::loopback(10_000));
        reactor.sleep(200 * MS).await?;
        puppet.last().write(b"the beginning");
        reactor.sleep(200 * MS).await?;
        tree.stop().await?;
        let heard = client.await?;
        assert!(matches!(heard.why, Lost::Reset), "{}", heard.why);
        reactor.sleep(200 * MS).await?;
        assert_eq!((puppet.count(), puppet.ends().len()), (1, 1), "the poet is cut off too");
        Ok(())
    });
}

#[test]
fn a_reload_has_every_poem_fetched_anew() {
    let two = [("ecstasy", 10_001, 10_000), ("science", 10_002, 10_003)];
    play(proxy_of(&two, |_| ()), |tree, reactor| async move {
        serve_at(&reactor, 10_001, poems::ECSTASY);
        serve_at(&reactor, 10_002, poems::SCIENCE);
        tree.start().await?;
        for fetches in [2, 4] {
            get_poem(&reactor, &Endpoint::loopback(10_000)).await?;
            get_poem(&reactor, &Endpoint::loopback(10_003)).await?;
            assert_eq!(proxy(&tree).counters().fetches_begun, fetches);
            assert!(tree.reload().await?.is_empty());
        }
        Ok(())
    });
}

// spec: P14-26
#[test]
fn a_poem_older_than_two_hours_is_fetched_again() {
    let two_hours = |settings: &mut ProxySettings| settings.cache.ttl = Some(Duration::from_secs(2 * 3600));
    play(proxy_of(&[("science", 10_001, 10_000)], two_hours), |tree, reactor| async move {
        serve_at(&reactor, 10_001, poems::SCIENCE);
        tree.start().await?;
        for (minutes, fetches) in [(0, 1), (100, 1), (40, 2)] {
            reactor.sleep(Duration::from_secs(60 * minutes)).await?;
            assert_eq!(get_poem(&reactor, &Endpoint::loopback(10_000)).await?.as_bytes(), poems::SCIENCE);
            assert_eq!(proxy(&tree).counters().fetches_begun, fetches, "after {minutes} more minutes");
        }
        Ok(())
    });
}
