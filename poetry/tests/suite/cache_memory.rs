//! Ten thousand keys, far more than memory holds, and a random load: the limit holds after every single step.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::common::random::Random;
use sestina_poetry::cache::{
    Cache, Counters, FlightId, Mode, Order, ReaderId, Reading, Settings, UpstreamEnd,
};
use sestina_reactor::{Lost, Time};

const KEYS: usize = 10_000;
/// Memory, and how many flights there may be: few, so that bodies press each other out; or so many that they alone would
/// take more than all of it.
const BODIES: (u64, usize) = (2_500_000, 16);
const FLIGHTS: (u64, usize) = (700_000, 64);
const BODY_BYTES_MAX: usize = 60_000;
/// How many things happen.
const STEPS: usize = 40_000;
const STEPS_CI: usize = 400_000;
/// What a key costs beyond its body, in bytes: its name, its places in the tables.
const KEY_BYTES: u64 = 1_500;

/// An upstream that obeys: paused, it says nothing.
#[derive(Default)]
struct Upstream {
    left: usize,
    paused: bool,
    cut: bool,
}

struct Load {
    cache: Cache,
    now: Time,
    random: Random,
    upstreams: BTreeMap<FlightId, Upstream>,
    readers: Vec<ReaderId>,
    paused: u64,
    memory_max: u64,
}

impl Load {
    fn new((memory_bytes_max, upstreams_max): (u64, usize)) -> Self {
        let mut settings = Settings::default();
        settings.keys_max = KEYS;
        settings.upstreams_max = upstreams_max;
        settings.memory_bytes_max = memory_bytes_max;
        settings.body_bytes_max = u64::try_from(BODY_BYTES_MAX * 3 / 4).expect("small");
        settings.window_bytes = 20_000;
        settings.ttl = Some(Duration::from_secs(60));
        settings.stale_if_error = Duration::from_secs(60);
        let (upstreams, readers) = (BTreeMap::new(), Vec::new());
        let (cache, random) = (Cache::new(settings, 1), Random(0x5e57_1a0d));
        Self { cache, now: Time::ZERO, random, upstreams, readers, paused: 0, memory_max: 0 }
    }

    fn step(&mut self, keys: &[String]) {
        match self.random.below(10) {
            0..=2 => self.arrive(keys),
            3..=6 => self.speak(),
            7 | 8 => self.read(),
            _ => self.now += Duration::from_millis(3),
        }
        self.obey();
        let memory = self.cache.memory();
        let limit = self.cache.settings().memory_bytes_max;
        assert!(memory.total() <= limit, "{memory:?} of {limit}");
        self.memory_max = self.memory_max.max(memory.total());
    }

    /// A few keys are asked for often, most of them hardly ever.
    fn arrive(&mut self, keys: &[String]) {
        let end = [20, 500, KEYS][self.random.below(3)];
        let key = &keys[self.random.below(end)];
        self.readers.extend(self.cache.subscribe(self.now, key, Mode::Stream));
    }

    fn speak(&mut self) {
        let talking = |(flight, it): (&FlightId, &Upstream)| (!it.paused && !it.cut).then_some(*flight);
        let flights: Vec<FlightId> = self.upstreams.iter().filter_map(talking).collect();
        if flights.is_empty() {
            return;
        }
        let flight = flights[self.random.below(flights.len())];
        let upstream = self.upstreams.get_mut(&flight).expect("it was picked");
        let length = self.random.below(30_000).min(upstream.left);
        upstream.left -= length;
        let over = upstream.left == 0;
        self.cache.connected(self.now, flight);
        self.cache.received(self.now, flight, &vec![b'p'; length]);
        if over {
            let end = if self.random.below(10) == 0 { Lost::Reset } else { Lost::Done };
            self.upstreams.remove(&flight);
            self.cache.ended(self.now, flight, UpstreamEnd::Lost(end));
        }
    }

    fn read(&mut self) {
        for _ in 0..8 {
            if self.readers.is_empty() {
                return;
            }
            let index = self.random.below(self.readers.len());
            let reader = self.readers[index];
            let taken = match self.cache.read(self.now, reader) {
                Reading::Bytes(piece) => piece.as_bytes().len(),
                Reading::Wait => 0,
                _ => {
                    self.readers.swap_remove(index);
                    continue;
                }
            };
            if self.random.below(20) == 0 {
                self.cache.cancel(self.now, reader);
                self.readers.swap_remove(index);
            } else if taken > 0 {
                self.cache.advance(self.now, reader, taken);
            }
        }
    }

    fn obey(&mut self) {
        while let Some(order) = self.cache.next_order() {
            match order {
                Order::Connect { flight, .. } => {
                    let left = 1 + self.random.below(BODY_BYTES_MAX);
                    self.upstreams.insert(flight, Upstream { left, ..Upstream::default() });
                }
                Order::Cut(flight) => {
                    self.upstreams.remove(&flight);
                    self.cache.ended(self.now, flight, UpstreamEnd::Lost(Lost::Aborted));
                }
                Order::Pause(flight) => self.set_paused(flight, true),
                Order::Resume(flight) => self.set_paused(flight, false),
                _ => {}
            }
        }
    }

    fn set_paused(&mut self, flight: FlightId, paused: bool) {
        self.paused += u64::from(paused);
        if let Some(upstream) = self.upstreams.get_mut(&flight) {
            upstream.paused = paused;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test may read the environment")]
fn steps() -> usize {
    if std::env::var("CI").is_ok_and(|ci| ci == "true") { STEPS_CI } else { STEPS }
}

/// Plays a load, checks that it pressed, and that what is counted is what there is. Gives what was turned away.
#[track_caller]
fn play(limits: (u64, usize)) -> (Counters, u64) {
    let keys: Vec<String> = (0..KEYS).map(|key| format!("poem {key}")).collect();
    let mut seen = None;
    let counted = allocation_counter::measure(|| {
        let mut load = Load::new(limits);
        (0..steps()).for_each(|_| load.step(&keys));
        assert!(load.paused > 0, "no upstream was ever paused");
        seen = Some((*load.cache.counters(), load.memory_max));
    });
    let (counters, memory_max) = seen.expect("it was played");
    let most = limits.0 * 5 / 4 + KEY_BYTES * u64::try_from(KEYS).expect("small");
    assert!(
        counted.bytes_max <= most,
        "{} bytes were allocated at once, {most} are allowed",
        counted.bytes_max
    );
    (counters, memory_max)
}

#[test]
fn memory_stays_under_its_limit_under_a_random_load_of_ten_thousand_keys() {
    let (counters, memory_max) = play(BODIES);
    assert!(counters.evictions_size > 100 && counters.hits > 100, "bodies went for others: {counters:?}");
    assert!(memory_max > BODIES.0 / 2, "memory was never nearly full: {memory_max}");
}

#[test]
fn memory_stays_under_its_limit_when_flights_alone_would_take_more() {
    let (counters, memory_max) = play(FLIGHTS);
    assert!(counters.rejected > 100, "flights were refused: {counters:?}");
    assert!(memory_max > FLIGHTS.0 / 8, "what is set aside for flights is not all there is: {memory_max}");
}
