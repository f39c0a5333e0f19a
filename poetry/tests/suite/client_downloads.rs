//! Many downloads as one stream of events: turns, limits, retries, back-pressure, cancelling.

use std::time::Duration;

use crate::common::puppet::Puppet;
use crate::common::{close, endpoint, house, long_poem, serve, until, wait};
use sestina_deferred::{Cancelled, Failure};
use sestina_poetry::{
    Again, Downloads, EVENT_BYTES_MAX, Event, FastPoetry, FetchError, FetchOptions, Outcome, Poem, Progress,
    SlowPoetry, TransformClient, TransformError, fetch_all, race,
};
use sestina_reactor::{ConnectError, Endpoint, Lost, Reactor};

const POEM: &str = "Science! true daughter of Old Time thou art!\n";
/// Far from what any test here needs, and short for one that fails.
const SHORT: Duration = Duration::from_millis(50);

fn nobody() -> Endpoint {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    endpoint(&listener.local_addr().expect("it has an address").into())
}

fn fast(reactor: &Reactor, poem: &str) -> Endpoint {
    serve(reactor, FastPoetry::new(Poem::from_bytes(poem)))
}

/// The next event, whatever it is.
#[track_caller]
fn next(reactor: &Reactor, downloads: &Downloads) -> Event {
    let event = wait(reactor, downloads.next()).expect("waiting for events cannot fail");
    event.expect("not all have ended")
}

/// The next piece, as text.
#[track_caller]
fn piece(reactor: &Reactor, downloads: &Downloads) -> String {
    match next(reactor, downloads) {
        Event::Piece { bytes, .. } => String::from_utf8(bytes).expect("poems here are text"),
        other => panic!("no piece: {other:?}"),
    }
}

#[track_caller]
fn outcome(reactor: &Reactor, downloads: &Downloads) -> Outcome {
    loop {
        if let Event::Ended(outcome) = next(reactor, downloads) {
            return outcome;
        }
    }
}

#[track_caller]
fn error<E: std::error::Error + 'static>(outcome: &Outcome) -> &E {
    let failure = outcome.result.as_ref().expect_err("it fails");
    failure.check().unwrap_or_else(|| panic!("another error: {failure:?}"))
}

/// One download from a puppet that is connected.
#[track_caller]
fn from_puppet(reactor: &Reactor, options: FetchOptions) -> (Puppet, Downloads) {
    let puppet = Puppet::default();
    let poet = serve(reactor, puppet.clone());
    let downloads = Downloads::start(reactor, vec![poet], options);
    assert!(matches!(next(reactor, &downloads), Event::Started { task: 0 }));
    until(reactor, "a connection", || puppet.count() == 1);
    (puppet, downloads)
}

// spec: P20-23, P20-29
#[test]
fn a_download_is_told_from_its_start_to_its_outcome() {
    let reactor = house();
    let (puppet, downloads) = from_puppet(&reactor, FetchOptions::default().with_sha256());
    puppet.last().write(b"Where, ");
    assert_eq!(piece(&reactor, &downloads), "Where, ");
    assert_eq!(downloads.progress(0), Progress::Running(7));
    puppet.last().write(b"O, where?");
    assert_eq!(piece(&reactor, &downloads), "O, where?");
    puppet.last().lose_connection();
    let outcome = outcome(&reactor, &downloads);
    assert!(outcome.result.is_ok() && wait(&reactor, downloads.next()).unwrap().is_none());
    assert_eq!((outcome.task, outcome.received, outcome.attempts), (0, 16, 1));
    assert!(outcome.first_byte.expect("bytes came") <= outcome.total);
    assert_eq!(outcome.peer, downloads.peer(0));
    let sha256: String = outcome.sha256.unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    // printf 'Where, O, where?' | sha256sum
    assert_eq!(sha256, SHA256_OF_WHERE);
    close(&reactor);
}

const SHA256_OF_WHERE: &str = "f033e4ecb454528672c09c2898ae4c8c323d1c2f46f9754b3156902fed7d97db";

#[test]
fn no_more_than_the_jobs_run_at_once_and_all_get_their_turn() {
    let reactor = house();
    let puppet = Puppet::default();
    let poet = serve(&reactor, puppet.clone());
    let downloads = Downloads::start(&reactor, vec![poet; 5], FetchOptions::default().with_jobs(2));
    for done in 0..5_usize {
        let expected = (done + 2).min(5);
        until(&reactor, "the next to be connected", || puppet.count() == expected);
        for _ in 0..20 {
            reactor.turn(Some(Duration::from_millis(1))).unwrap();
        }
        assert_eq!(puppet.count(), expected, "after {done}");
        if done < 3 {
            assert_eq!(downloads.progress(4), Progress::Waiting);
        }
        puppet.connections()[done].write(b"x");
        puppet.connections()[done].lose_connection();
        assert!(outcome(&reactor, &downloads).result.is_ok());
    }
    assert_eq!(downloads.running(), 0);
    close(&reactor);
}

#[test]
fn each_limit_that_passes_has_its_error() {
    let reactor = house();
    let options = FetchOptions::default();
    let (puppet, downloads) = from_puppet(&reactor, options.clone().with_idle_max(SHORT));
    puppet.last().write(b"Where, ");
    let idle = outcome(&reactor, &downloads);
    assert!(matches!(error(&idle), FetchError::TimedOut { received: 7, limit: SHORT, .. }));

    let slow = SlowPoetry::new(Poem::from_bytes(POEM)).with_delay(Duration::from_millis(5));
    let poet = serve(&reactor, slow.with_num_bytes(std::num::NonZero::<usize>::MIN));
    let downloads =
        Downloads::start(&reactor, vec![poet], options.clone().with_timeout(SHORT).with_retries(9));
    let whole = outcome(&reactor, &downloads);
    let FetchError::TookTooLong { received, limit: SHORT, .. } = error(&whole) else { panic!("{whole:?}") };
    assert_eq!((*received, whole.attempts), (whole.received, 1));
    assert!(whole.received > 0 && whole.received < POEM.len());

    let poet = fast(&reactor, POEM);
    let downloads = Downloads::start(&reactor, vec![poet], options.with_bytes_max(POEM.len() - 1));
    let large = outcome(&reactor, &downloads);
    assert!(matches!(error(&large), FetchError::TooLarge { .. }));
    close(&reactor);
}

/// The second attempt only tells what is new, and only if the poem is the same so far.
#[test]
fn a_retry_never_tells_the_same_bytes_twice() {
    for (second, rest) in
        [("Where, O, where?", Ok("O, where?")), ("Whose", Err(())), ("Where", Err(())), ("Whose, O", Err(()))]
    {
        let reactor = house();
        let options = FetchOptions::default().with_retries(2).with_back_off(Duration::from_millis(1));
        let (puppet, downloads) = from_puppet(&reactor, options.with_sha256());
        puppet.last().write(b"Where, ");
        assert_eq!(piece(&reactor, &downloads), "Where, ");
        puppet.last().abort();
        let Event::Interrupted { task: 0, failure, attempts: 1, .. } = next(&reactor, &downloads) else {
            panic!("it will be tried again")
        };
        assert!(matches!(failure.check(), Some(FetchError::Reset { received: 7, .. })));
        downloads.go_on(0, Again::Continue);
        until(&reactor, "the second attempt", || puppet.count() == 2);
        puppet.last().write(second.as_bytes());
        puppet.last().lose_connection();
        if let Ok(rest) = rest {
            assert_eq!(piece(&reactor, &downloads), rest);
            let outcome = outcome(&reactor, &downloads);
            assert!(outcome.result.is_ok(), "{outcome:?}");
            assert_eq!((outcome.received, outcome.attempts), (16, 2));
            assert_eq!(outcome.sha256.unwrap()[0], u8::from_str_radix(&SHA256_OF_WHERE[..2], 16).unwrap());
        } else {
            let Event::Ended(outcome) = next(&reactor, &downloads) else { panic!("nothing else is told") };
            assert!(matches!(error(&outcome), FetchError::Different { used: 7, .. }), "{second}");
            assert_eq!(outcome.received, 7);
        }
        close(&reactor);
    }
}

#[test]
fn a_retry_afresh_may_bring_another_poem() {
    let reactor = house();
    let options = FetchOptions::default().with_retries(1).with_back_off(Duration::from_millis(1));
    let (puppet, downloads) = from_puppet(&reactor, options);
    puppet.last().write(b"Where, ");
    assert_eq!(piece(&reactor, &downloads), "Where, ");
    puppet.last().abort();
    assert!(matches!(next(&reactor, &downloads), Event::Interrupted { .. }));
    downloads.go_on(0, Again::Afresh);
    until(&reactor, "the second attempt", || puppet.count() == 2);
    puppet.last().write(b"Science!");
    assert_eq!(piece(&reactor, &downloads), "Science!");
    puppet.last().abort();
    let outcome = outcome(&reactor, &downloads);
    assert!(matches!(error(&outcome), FetchError::Reset { received: 8, .. }), "no more retries");
    assert_eq!((outcome.received, outcome.attempts, outcome.sha256), (8, 2, None));
    close(&reactor);
}

#[test]
fn refused_connections_are_tried_again_and_hopeless_ones_are_not() {
    let reactor = house();
    let options = FetchOptions::default().with_retries(2).with_back_off(Duration::from_millis(1));
    let downloads = Downloads::start(&reactor, vec![nobody()], options.clone());
    let refused = loop {
        match next(&reactor, &downloads) {
            Event::Interrupted { task, .. } => downloads.go_on(task, Again::Continue),
            Event::Ended(outcome) => break outcome,
            _ => {}
        }
    };
    assert!(matches!(error(&refused), ConnectError::Refused(_)));
    assert_eq!((refused.attempts, refused.received, refused.first_byte), (3, 0, None));
    let listener = "systemd:name=x".parse().expect("an endpoint for servers");
    let downloads = Downloads::start(&reactor, vec![listener], options);
    assert_eq!(outcome(&reactor, &downloads).attempts, 1);
    close(&reactor);
}

#[test]
fn a_cancel_reaches_those_that_run_that_wait_for_their_turn_and_that_were_interrupted() {
    let reactor = house();
    let puppet = Puppet::default();
    let poet = serve(&reactor, puppet.clone());
    let options = FetchOptions::default().with_jobs(2).with_retries(1);
    let downloads = Downloads::start(&reactor, vec![poet.clone(), nobody(), poet], options);
    until(&reactor, "a connection", || puppet.count() == 1);
    puppet.last().write(b"Where, ");
    let mut seen = (false, false);
    while seen != (true, true) {
        match next(&reactor, &downloads) {
            Event::Piece { .. } => seen.0 = true,
            Event::Interrupted { task: 1, .. } => seen.1 = true,
            _ => {}
        }
    }
    downloads.cancel_all();
    let mut ended: Vec<Outcome> = (0..3).map(|_| outcome(&reactor, &downloads)).collect();
    ended.sort_by_key(|outcome| outcome.task);
    let far: Vec<_> = ended.iter().map(|outcome| (outcome.received, outcome.attempts)).collect();
    assert_eq!(far, [(7, 1), (0, 1), (0, 0)]);
    assert!(ended.iter().all(|outcome| error::<Cancelled>(outcome).reason().is_none()));
    until(&reactor, "the poet to notice", || matches!(puppet.ends()[..], [Lost::Reset]));
    close(&reactor);
}

/// A consumer that is behind slows the poets down, and gets all in the end.
#[test]
fn what_waits_for_the_consumer_is_bounded() {
    let reactor = house();
    let poem = long_poem();
    let poet = serve(&reactor, FastPoetry::new(Poem::from_bytes(&poem)));
    let idle = FetchOptions::default().with_idle_max(SHORT);
    let downloads = Downloads::start(&reactor, vec![poet], idle);
    let end = reactor.now() + 4 * SHORT;
    while reactor.now() < end {
        reactor.turn(Some(Duration::from_millis(1))).unwrap();
    }
    let Progress::Running(ahead) = downloads.progress(0) else { panic!("it waits, it is not silent") };
    assert!(ahead > EVENT_BYTES_MAX / 2 && ahead < 2 * EVENT_BYTES_MAX, "{ahead}");
    let mut received = Vec::new();
    loop {
        match next(&reactor, &downloads) {
            Event::Piece { bytes, .. } => received.extend(bytes),
            Event::Ended(outcome) => break assert!(outcome.result.is_ok(), "{outcome:?}"),
            _ => {}
        }
    }
    assert!(received == poem);
    close(&reactor);
}

#[test]
fn a_download_that_is_held_waits_and_is_not_silent() {
    let reactor = house();
    let (puppet, downloads) = from_puppet(&reactor, FetchOptions::default().with_idle_max(SHORT));
    downloads.hold(0);
    puppet.last().write(POEM.as_bytes());
    puppet.last().lose_connection();
    let end = reactor.now() + 3 * SHORT;
    while reactor.now() < end {
        reactor.turn(Some(Duration::from_millis(1))).unwrap();
    }
    assert!(downloads.try_next().is_none());
    downloads.release(0);
    assert_eq!(piece(&reactor, &downloads), POEM);
    assert!(outcome(&reactor, &downloads).result.is_ok());
    close(&reactor);
}

#[test]
fn a_download_can_be_cancelled_because_of_something() {
    let reactor = house();
    let (_puppet, downloads) = from_puppet(&reactor, FetchOptions::default());
    let peer = downloads.peer(0);
    downloads.cancel_because(0, FetchError::NoRoom { peer, limit: 3 });
    let outcome = outcome(&reactor, &downloads);
    assert!(matches!(error(&outcome), FetchError::NoRoom { limit: 3, .. }));
    assert_eq!(downloads.progress(0), Progress::Ended);
    close(&reactor);
}

#[test]
fn who_drops_the_downloads_cancels_them() {
    let reactor = house();
    let (puppet, downloads) = from_puppet(&reactor, FetchOptions::default());
    drop(downloads);
    until(&reactor, "the poet to notice", || matches!(puppet.ends()[..], [Lost::Reset]));
    assert_eq!(reactor.tasks(), 0);
    close(&reactor);
}

// spec: P18-21, P20-30, P21-18
#[test]
fn all_poems_come_in_the_order_in_which_they_were_asked_for() {
    let reactor = house();
    let slow = SlowPoetry::new(Poem::from_bytes(POEM)).with_delay(Duration::from_millis(1));
    let poets = vec![serve(&reactor, slow), nobody(), fast(&reactor, "fast")];
    let poems = wait(&reactor, fetch_all(&reactor, poets, FetchOptions::default())).unwrap();
    let texts: Vec<Result<&[u8], bool>> = poems
        .iter()
        .map(|poem| poem.as_ref().map(Poem::as_bytes).map_err(Failure::is::<ConnectError>))
        .collect();
    assert_eq!(texts, [Ok(POEM.as_bytes()), Err(true), Ok(b"fast")]);
    assert!(wait(&reactor, fetch_all(&reactor, Vec::new(), FetchOptions::default())).unwrap().is_empty());
    close(&reactor);
}

#[test]
fn of_a_race_the_first_whole_poem_wins_and_the_others_are_cut() {
    let reactor = house();
    let puppet = Puppet::default();
    let silent = serve(&reactor, puppet.clone());
    let poets = vec![silent, nobody(), fast(&reactor, POEM)];
    let (winner, poem) = wait(&reactor, race(&reactor, poets, FetchOptions::default())).unwrap();
    assert_eq!((winner, poem.as_bytes()), (2, POEM.as_bytes()));
    until(&reactor, "the others to be cut", || puppet.ends().len() == puppet.count());
    let failure =
        wait(&reactor, race(&reactor, vec![nobody(), nobody()], FetchOptions::default())).unwrap_err();
    assert!(failure.is::<ConnectError>());
    close(&reactor);
}

#[test]
fn who_cancels_a_race_or_all_cancels_the_downloads() {
    let reactor = house();
    let puppet = Puppet::default();
    let poet = serve(&reactor, puppet.clone());
    let all = fetch_all(&reactor, vec![poet.clone(); 2], FetchOptions::default());
    let winner = race(&reactor, vec![poet], FetchOptions::default());
    until(&reactor, "three connections", || puppet.count() == 3);
    all.cancel();
    winner.cancel();
    assert!(wait(&reactor, all).unwrap_err().is::<Cancelled>());
    assert!(wait(&reactor, winner).unwrap_err().is::<Cancelled>());
    until(&reactor, "the poet to notice", || puppet.ends().len() == 3);
    close(&reactor);
}

/// What the service makes of it is told; what it does not, leaves the poem as it is.
#[test]
fn poems_are_transformed_on_the_way_or_the_reason_is_told() {
    let reactor = house();
    let puppet = Puppet::default();
    let service = TransformClient::new(serve(&reactor, puppet.clone()));
    let options = FetchOptions::default().with_transform(service.clone(), "cummingsify");
    let all = fetch_all(&reactor, vec![fast(&reactor, "POEM"); 2], options);
    until(&reactor, "two requests", || puppet.received() == b"16:cummingsify.POEM,".repeat(2));
    puppet.connections()[0].write(b"4:poem,");
    puppet.connections()[1].lose_connection();
    let poems: Vec<Poem> = wait(&reactor, all).unwrap().into_iter().map(Result::unwrap).collect();
    let mut texts: Vec<_> = poems.iter().map(Poem::as_bytes).collect();
    texts.sort_unstable();
    assert_eq!(texts, [b"POEM", b"poem"]);

    let long = "x".repeat(sestina_poetry::TRANSFORM_BYTES_MAX);
    let options = FetchOptions::default().with_transform(service, "cummingsify");
    let downloads = Downloads::start(&reactor, vec![fast(&reactor, &long)], options);
    let failure = loop {
        if let Event::Transformed { result, .. } = next(&reactor, &downloads) {
            break result.unwrap_err();
        }
    };
    assert!(matches!(failure.check(), Some(TransformError::TooLong { bytes: 99_999.., .. })), "{failure:?}");
    assert!(outcome(&reactor, &downloads).result.is_ok());
    close(&reactor);
}
