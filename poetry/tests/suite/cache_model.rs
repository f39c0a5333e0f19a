//! Random schedules of everything that may happen to the cache, against what must always hold.
//!
//! Each flight brings a body of its own, so that every byte says from where it came: a reader's bytes must be a
//! beginning of one body, and the whole of it if its end is clean.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use crate::common::random::Random;
use crate::common::upstream::refused;
use sestina_poetry::cache::{
    Cache, FLIGHT_RESERVE_BYTES, FlightId, Mode, OnAbandon, OnTooLarge, Order, Purge, ReaderId, Reading,
    Settings, UpstreamEnd,
};
use sestina_reactor::{Lost, Time};

/// How many schedules are played.
const SCHEDULES: u64 = 300;
const SCHEDULES_CI: u64 = 10_000;
/// How much happens in each.
const EVENTS: usize = 150;
const KEYS: [&str; 3] = ["ecstasy", "fascination", "science"];

/// An upstream connection as the world sees it.
#[derive(Default)]
struct Upstream {
    key: Rc<str>,
    sent: Vec<u8>,
    connected: bool,
    paused: bool,
    cut: bool,
    over: bool,
    clean: bool,
}

struct Client {
    key: Rc<str>,
    mode: Mode,
    got: Vec<u8>,
}

struct World {
    cache: Cache,
    now: Time,
    random: Random,
    upstreams: BTreeMap<FlightId, Upstream>,
    clients: BTreeMap<ReaderId, Client>,
    /// Told to leave, or ended: nothing may concern them any more.
    gone: Vec<ReaderId>,
}

fn settings(random: &mut Random) -> Settings {
    let mut settings = Settings::default();
    let times = [None, Some(Duration::ZERO), Some(Duration::from_secs(3))];
    settings.ttl = times[random.below(times.len())];
    let windows = [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(20)];
    settings.stale_while_revalidate = windows[random.below(3)];
    settings.stale_if_error = windows[random.below(3)];
    let policies = [
        OnAbandon::Cancel,
        OnAbandon::Finish,
        OnAbandon::Adaptive,
        OnAbandon::Linger(Duration::from_secs(1)),
    ];
    settings.on_abandon = policies[random.below(4)];
    settings.on_too_large = if random.chance(50) { OnTooLarge::Window } else { OnTooLarge::Fail };
    settings.body_bytes_max = 60_000;
    settings.window_bytes = 20_000;
    // The first is for one flight at a time, the second for four that leave hardly anything for bodies.
    settings.memory_bytes_max = [100_000, 270_000, 400_000, 64_000_000][random.below(4)];
    settings.upstreams_max = 4;
    settings.waiters_max = 6;
    settings.connect_retries = u32::try_from(random.below(2)).expect("small");
    settings.checks.allow_empty = random.chance(30);
    settings.coalesce = random.chance(80);
    settings
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let cache = Cache::new(settings(&mut random), seed);
        let (upstreams, clients, gone) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self { cache, now: Time::ZERO, random, upstreams, clients, gone }
    }

    fn step(&mut self) {
        match self.random.below(12) {
            0..=2 => self.arrive(),
            3 => self.leave(),
            4..=6 => self.upstream_speaks(),
            7 => self.upstream_ends(),
            8 | 9 => self.read_some(),
            10 => {
                self.now += Duration::from_millis(10) * u32::try_from(self.random.below(200)).expect("small")
            }
            _ => self.operator(),
        }
        self.cache.tick(self.now);
        self.orders();
        self.check();
    }

    fn arrive(&mut self) {
        let key = KEYS[self.random.below(KEYS.len())];
        let mode = if self.random.chance(70) { Mode::Stream } else { Mode::Whole };
        if let Ok(reader) = self.cache.subscribe(self.now, key, mode) {
            let client = Client { key: key.into(), mode, got: Vec::new() };
            assert!(self.clients.insert(reader, client).is_none(), "a name is given to one reader only");
            assert!(!self.gone.contains(&reader));
        }
    }

    fn pick<K: Copy, V>(random: &mut Random, map: &BTreeMap<K, V>, wanted: impl Fn(&V) -> bool) -> Option<K> {
        let keys: Vec<K> = map.iter().filter(|(_, value)| wanted(value)).map(|(key, _)| *key).collect();
        (!keys.is_empty()).then(|| keys[random.below(keys.len())])
    }

    fn leave(&mut self) {
        if let Some(reader) = Self::pick(&mut self.random, &self.clients, |_| true) {
            self.cache.cancel(self.now, reader);
            self.clients.remove(&reader);
            self.gone.push(reader);
        }
    }

    fn upstream_speaks(&mut self) {
        // A paused upstream says nothing; one that was cut may still, and it must not matter.
        let talks = |it: &Upstream| !it.over && (!it.paused || it.cut);
        let Some(flight) = Self::pick(&mut self.random, &self.upstreams, talks) else { return };
        let length = [1, 10, 700, 16_384, 30_000][self.random.below(5)];
        let tag = u8::try_from(self.random.below(256)).expect("a byte");
        let bytes = vec![tag; length];
        let upstream = self.upstreams.get_mut(&flight).expect("it was picked");
        if !upstream.connected {
            upstream.connected = true;
            self.cache.connected(self.now, flight);
        }
        if !upstream.cut {
            upstream.sent.extend_from_slice(&bytes);
        }
        self.cache.received(self.now, flight, &bytes); // of a flight that was cut, too: it must not matter
    }

    fn upstream_ends(&mut self) {
        let Some(flight) = Self::pick(&mut self.random, &self.upstreams, |it| !it.over) else { return };
        let upstream = self.upstreams.get_mut(&flight).expect("it was picked");
        let end = match self.random.below(4) {
            0 if !upstream.connected => refused(),
            1 => UpstreamEnd::Lost(Lost::Reset),
            _ => UpstreamEnd::Lost(Lost::Done),
        };
        upstream.over = true;
        upstream.clean = !upstream.cut && matches!(end, UpstreamEnd::Lost(Lost::Done));
        self.cache.ended(self.now, flight, end);
    }

    fn operator(&mut self) {
        let key = KEYS[self.random.below(KEYS.len())];
        match self.random.below(4) {
            0 => drop(self.cache.purge(self.now, key, Purge::Soft)),
            1 => drop(self.cache.purge(self.now, key, Purge::Hard)),
            2 => drop(self.cache.refresh(self.now, key)),
            _ => {
                if let Some(flight) = Self::pick(&mut self.random, &self.upstreams, |_| true) {
                    self.cache.cancel_flight(self.now, flight);
                }
            }
        }
    }

    fn read_some(&mut self) {
        if let Some(reader) = Self::pick(&mut self.random, &self.clients, |_| true) {
            self.read(reader);
        }
    }

    /// Reads once. Says whether the reader goes on.
    fn read(&mut self, reader: ReaderId) -> bool {
        let (bytes, whole, over) = match self.cache.read(self.now, reader) {
            Reading::Bytes(piece) => (piece.as_bytes().to_vec(), false, false),
            Reading::Wait => return false,
            Reading::End => (Vec::new(), true, true),
            Reading::Whole(body) => (body.blocks().concat(), true, true),
            Reading::Failed(_) => (Vec::new(), false, true),
            _ => unreachable!("there is no other reading"),
        };
        let client = self.clients.get_mut(&reader).expect("only clients that are there are read");
        assert!(client.mode == Mode::Stream || over, "a whole body comes at once");
        client.got.extend_from_slice(&bytes);
        if !over {
            self.cache.advance(self.now, reader, bytes.len());
        }
        self.check_bytes(reader, whole);
        if over {
            self.clients.remove(&reader);
            self.gone.push(reader);
        }
        !over
    }

    /// A reader's bytes are a beginning of one upstream's; with a clean end all of one that ended cleanly.
    fn check_bytes(&self, reader: ReaderId, whole: bool) {
        let client = &self.clients[&reader];
        let of_key = || self.upstreams.values().filter(|upstream| upstream.key == client.key);
        assert!(of_key().any(|upstream| upstream.sent.starts_with(&client.got)), "bytes of nobody");
        let complete = of_key().any(|upstream| upstream.clean && upstream.sent == client.got);
        assert!(!whole || complete, "a clean end after {} bytes that were not all", client.got.len());
    }

    fn orders(&mut self) {
        while let Some(order) = self.cache.next_order() {
            match order {
                Order::Connect { flight, key } => {
                    let upstream = self.upstreams.entry(flight).or_default();
                    assert!(!upstream.cut, "a flight that was cut does not connect again");
                    *upstream = Upstream { key, ..Upstream::default() };
                }
                Order::Cut(flight) => {
                    let upstream = self.upstreams.get_mut(&flight).expect("it was connected");
                    assert!(!upstream.cut && !upstream.over, "it is cut once, while it is there");
                    upstream.cut = true;
                }
                Order::Pause(flight) => {
                    self.upstreams.get_mut(&flight).expect("it was connected").paused = true
                }
                Order::Resume(flight) => {
                    self.upstreams.get_mut(&flight).expect("it was connected").paused = false
                }
                Order::Wake(reader) => assert!(!self.gone.contains(&reader), "nobody wakes who is gone"),
                _ => {}
            }
        }
    }

    fn check(&self) {
        let open = self.upstreams.values().filter(|upstream| !upstream.over).count();
        let now = self.cache.statistics();
        assert!(open <= 4, "{open} upstream connections");
        assert_eq!(now.readers, self.clients.len());
        let limit = self.cache.settings().memory_bytes_max;
        assert!(now.memory.total() <= limit, "{:?} of {limit}", now.memory);
        let flights = self.cache.flights(self.now);
        let attached = |key: &str| flights.iter().filter(|it| &*it.key == key && it.attached).count();
        assert!(KEYS.iter().all(|key| attached(key) <= 1), "newcomers join one flight: {flights:?}");
    }

    /// Everybody reads what there is: then no upstream may be paused that somebody waits for, unless memory is short.
    fn nobody_waits_for_a_paused_upstream(&mut self) {
        for _ in 0..4 {
            for reader in self.clients.keys().copied().collect::<Vec<_>>() {
                while self.clients.contains_key(&reader) && self.read(reader) {}
                self.orders();
            }
        }
        let memory = self.cache.statistics().memory.total();
        let short = memory + 4 * FLIGHT_RESERVE_BYTES >= self.cache.settings().memory_bytes_max;
        let stuck =
            self.cache.flights(self.now).into_iter().find(|flight| flight.paused && flight.phase != "cut");
        assert!(stuck.is_none() || short, "{stuck:?} with {memory} bytes");
    }

    /// Everything comes to its end, and nothing is left.
    fn finish(mut self) {
        self.nobody_waits_for_a_paused_upstream();
        for reader in self.clients.keys().copied().collect::<Vec<_>>() {
            if self.random.chance(50) {
                self.cache.cancel(self.now, reader);
                self.clients.remove(&reader);
                self.gone.push(reader);
            }
        }
        self.cache.drain(self.now, self.now + Duration::from_secs(1));
        self.orders();
        self.now += Duration::from_secs(1);
        self.cache.tick(self.now);
        self.orders();
        for flight in self.upstreams.keys().copied().collect::<Vec<_>>() {
            self.cache.ended(self.now, flight, UpstreamEnd::Lost(Lost::Aborted));
        }
        for reader in self.clients.keys().copied().collect::<Vec<_>>() {
            while self.read(reader) {}
        }
        assert!(self.clients.is_empty(), "somebody waits for ever");
        let memory = self.cache.statistics().memory;
        assert!(self.cache.is_idle());
        assert_eq!((memory.flight_bytes, memory.pinned_bytes), (0, 0));
    }
}

#[expect(clippy::disallowed_methods, reason = "a test may read the environment")]
fn schedules() -> u64 {
    if std::env::var("CI").is_ok_and(|ci| ci == "true") { SCHEDULES_CI } else { SCHEDULES }
}

#[test]
fn nobody_is_told_a_lie_and_nothing_is_left_behind() {
    for seed in 1..=schedules() {
        let result = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            (0..EVENTS).for_each(|_| world.step());
            world.finish();
        });
        assert!(result.is_ok(), "seed {seed}");
    }
}
