//! A storm of faults, and what it leaves: nothing.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use sestina_poetry::cache::{OnAbandon, Purge};
use sestina_poetry::{PoetryProxy, ProxySettings};
use sestina_reactor::{Address, Conn, Connector, Endpoint, Lost, Protocol, Reactor};

use super::{endpoint, reactor};

/// How many poets there are, and clients at once.
const POETS: usize = 8;
const CLIENTS: usize = 200;
/// The longest poem; what is longer than the proxy keeps comes too.
const POEM_BYTES_MAX: usize = 600_000;
/// How long everything may take to end when it is told to.
const END: Duration = Duration::from_secs(30);

/// Small, repeatable, good enough.
#[derive(Clone)]
struct Random(Rc<Cell<u64>>);

impl Random {
    fn below(&self, end: usize) -> usize {
        let mut state = self.0.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.0.set(state);
        usize::try_from(state % u64::try_from(end).expect("small")).expect("small")
    }
}

/// Each poem says in its bytes which one it is: of which poet, of which telling, and where in it.
fn poem(poet: usize, telling: u32, length: usize) -> Vec<u8> {
    let mut bytes = format!("{poet} {telling} {length}\n").into_bytes();
    let seed = u8::try_from(telling % 251).expect("a byte");
    while bytes.len() < length {
        let at = bytes.len();
        bytes.push(seed ^ u8::try_from(at % 241).expect("a byte"));
    }
    bytes.truncate(length.max(24));
    bytes
}

/// Whether bytes are the beginning of a poem, and whether they are all of it.
fn judge(bytes: &[u8]) -> (bool, bool) {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return (bytes.len() < 64, false) };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut words = head.split(' ').map(str::parse::<usize>);
    let (Some(Ok(poet)), Some(Ok(telling)), Some(Ok(length))) = (words.next(), words.next(), words.next())
    else {
        return (false, false);
    };
    let Ok(telling) = u32::try_from(telling) else { return (false, false) };
    let whole = poem(poet, telling, length);
    (whole.starts_with(bytes), whole.len() == bytes.len())
}

/// What a poet does with one client.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Well,
    ResetBefore,
    ResetAfter(usize),
    Empty,
    Stall(usize),
}

struct Poet {
    poem: Vec<u8>,
    said: usize,
    mood: Mood,
    random: Random,
}

impl Protocol for Poet {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        match self.mood {
            Mood::ResetBefore => conn.abort(),
            Mood::Empty => conn.lose_connection(),
            _ => self.timer(conn),
        }
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        let end = match self.mood {
            Mood::ResetAfter(end) | Mood::Stall(end) => end.min(self.poem.len()),
            _ => self.poem.len(),
        };
        let piece = [10, 1_000, 20_000, 200_000][self.random.below(4)].min(end - self.said);
        conn.write(&self.poem[self.said..self.said + piece]);
        self.said += piece;
        match self.mood {
            _ if self.said < end => {
                conn.set_timer(Duration::from_micros(
                    u64::try_from(self.random.below(3_000)).expect("small"),
                ));
            }
            Mood::Well => conn.lose_connection(),
            Mood::ResetAfter(_) => conn.abort(),
            _ => {}
        }
    }
}

/// What was seen.
#[derive(Default, Debug)]
struct Seen {
    whole: u64,
    torn: u64,
    left: u64,
    wrong: u64,
    lies: u64,
}

struct Client {
    bytes: Vec<u8>,
    leaves_after: Option<usize>,
    slow: bool,
    seen: Rc<RefCell<Seen>>,
    open: Rc<Cell<usize>>,
    left: bool,
}

impl Protocol for Client {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        if self.leaves_after == Some(0) {
            self.left = true;
            conn.abort();
        }
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        self.bytes.extend_from_slice(data);
        if self.leaves_after.is_some_and(|after| self.bytes.len() >= after) {
            self.left = true;
            conn.lose_connection();
        } else if self.slow {
            conn.pause_reading();
            conn.set_timer(Duration::from_millis(20));
        }
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        conn.resume_reading();
    }

    fn connection_lost(&mut self, _conn: &mut Conn<'_>, why: Lost) {
        self.open.set(self.open.get() - 1);
        let mut seen = self.seen.borrow_mut();
        let (right, all) = judge(&self.bytes);
        seen.wrong += u64::from(!right);
        match why {
            _ if self.left => seen.left += 1,
            Lost::Done | Lost::Closed if all => seen.whole += 1,
            Lost::Done | Lost::Closed => seen.lies += 1,
            _ => seen.torn += 1,
        }
    }
}

/// Everything that lives through the storm.
struct Storm {
    reactor: Reactor,
    random: Random,
    proxy: PoetryProxy,
    fronts: Vec<Endpoint>,
    seen: Rc<RefCell<Seen>>,
    open: Rc<Cell<usize>>,
}

impl Storm {
    fn new(reactor: Reactor) -> Self {
        let random = Random(Rc::new(Cell::new(0x5e57_1a0d_5eed)));
        let mut settings = ProxySettings::default();
        let cache = &mut settings.cache;
        cache.ttl = Some(Duration::from_millis(300));
        cache.stale_if_error = Duration::from_millis(200);
        cache.stale_while_revalidate = Duration::from_millis(200);
        cache.on_abandon = OnAbandon::Linger(Duration::from_millis(20));
        cache.memory_bytes_max = 2_500_000;
        cache.body_bytes_max = 400_000;
        cache.window_bytes = 100_000;
        cache.lag_grace = Duration::from_millis(100);
        cache.limits.idle = Duration::from_millis(100);
        cache.limits.first_byte = Duration::from_millis(100);
        let mut back_off = cache.back_off.expect("there is one by default");
        (back_off.first, back_off.max) = (Duration::from_millis(2), Duration::from_millis(20));
        cache.back_off = Some(back_off);
        let mut proxy = PoetryProxy::with_settings(&reactor, settings);
        for poet in 0..POETS {
            let at = poets(&reactor, poet, random.clone());
            proxy = proxy.with_upstream(format!("poet {poet}"), &at);
        }
        let fronts = proxy.upstreams().into_iter().map(|(name, _)| {
            let front = proxy.front(&name).expect("it is an upstream");
            endpoint(&reactor.listen(&Endpoint::loopback(0), front).expect("a free port"))
        });
        let fronts = fronts.collect();
        Self { reactor, random, proxy, fronts, seen: Rc::default(), open: Rc::default() }
    }

    fn arrive(&self) -> Connector {
        let chance = |percent| self.random.below(100) < percent;
        let client = Client {
            bytes: Vec::new(),
            leaves_after: chance(30).then(|| self.random.below(POEM_BYTES_MAX / 2)),
            slow: chance(15),
            seen: Rc::clone(&self.seen),
            open: Rc::clone(&self.open),
            left: false,
        };
        let mut client = Some(client);
        self.open.set(self.open.get() + 1);
        let front = &self.fronts[self.random.below(self.fronts.len())];
        self.reactor.connect(front, move |_: &Address| client.take().expect("it connects once"))
    }

    /// An operator with a heavy hand.
    fn meddle(&self) {
        let name = format!("poet {}", self.random.below(POETS));
        match self.random.below(4) {
            0 => drop(self.proxy.purge(&name, Purge::Soft)),
            1 => drop(self.proxy.purge(&name, Purge::Hard)),
            2 => drop(self.proxy.refresh(&name)),
            _ => {
                if let Some(flight) = self.proxy.flights().first() {
                    self.proxy.cancel_flight(flight.number);
                }
            }
        }
    }
}

fn poets(reactor: &Reactor, poet: usize, random: Random) -> Endpoint {
    let mut telling = 0;
    let port = reactor.listen(&Endpoint::loopback(0), move |_: &Address| {
        telling += 1;
        let length = [100, 5_000, 90_000, POEM_BYTES_MAX][random.below(4)];
        let mood = match random.below(20) {
            0 => Mood::ResetBefore,
            1 => Mood::ResetAfter(random.below(length)),
            2 => Mood::Empty,
            3 => Mood::Stall(random.below(length)),
            _ => Mood::Well,
        };
        Poet { poem: poem(poet, telling, length), said: 0, mood, random: random.clone() }
    });
    endpoint(&port.expect("a free port"))
}

/// Bytes of memory that this process has.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}

pub(super) fn play(time: Duration) {
    let storm = Storm::new(reactor());
    let (reactor, proxy) = (&storm.reactor, &storm.proxy);
    let (end, warm) = (reactor.now() + time, reactor.now() + time / 5);
    let (mut memory_max, mut clients, mut resident_warm) = (0, 0_u64, None);
    while reactor.now() < end {
        while storm.open.get() < CLIENTS {
            drop(storm.arrive());
            clients += 1;
        }
        if storm.random.below(20) == 0 {
            storm.meddle();
        }
        reactor.turn(Some(Duration::from_millis(5))).expect("it turns");
        let memory = proxy.statistics().memory.total();
        memory_max = memory_max.max(memory);
        assert!(memory <= proxy.settings().cache.memory_bytes_max, "{memory} bytes");
        if resident_warm.is_none() && reactor.now() >= warm {
            resident_warm = Some(resident());
        }
    }
    let resident_end = resident();
    let drained = proxy.drain(Duration::from_secs(2));
    let last = reactor.now() + END;
    while storm.open.get() > 0 || !drained.is_fired() || proxy.clients() > 0 {
        assert!(reactor.now() < last, "something does not end: {:?}", proxy.statistics());
        reactor.turn(Some(Duration::from_millis(20))).expect("it turns");
    }
    let left = proxy.statistics();
    let seen = storm.seen.borrow();
    assert_eq!(
        (left.readers, left.flights, left.memory.flight_bytes, left.memory.pinned_bytes),
        (0, 0, 0, 0)
    );
    assert_eq!((seen.wrong, seen.lies), (0, 0), "{seen:?}");
    println!(
        "soak: {} s, {clients} clients: {} whole, {} torn, {} left, 0 wrong bytes, 0 false ends; {} fetches, {} hits, {} joined, \
         {} stale; at most {} KB of {} KB; resident {} MB after a fifth of the time, {} MB at the end; nothing left",
        time.as_secs(),
        seen.whole,
        seen.torn,
        seen.left,
        left.fetches_begun,
        left.hits,
        left.collapsed,
        left.stale,
        memory_max / 1000,
        proxy.settings().cache.memory_bytes_max / 1000,
        resident_warm.unwrap_or(0) / 1_000_000,
        resident_end / 1_000_000,
    );
    drop(seen);
    reactor.clear();
}
