//! A cache without sockets, and the test as its only upstream and all of its clients.

use std::sync::Arc;
use std::time::Duration;

use sestina_poetry::cache::{
    Cache, FlightError, FlightId, FlightReport, Mode, Order, ReaderId, Reading, Settings, UpstreamEnd,
};
use sestina_reactor::{Address, ConnectError, Lost, Time};

/// The defaults, changed.
pub(crate) fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings);
    settings
}

pub(crate) fn refused() -> UpstreamEnd {
    let nobody = Address::Inet("127.0.0.1:1".parse().expect("an address"));
    UpstreamEnd::NotConnected(Arc::new(ConnectError::Refused(nobody)))
}

/// The cache, its clock, and what it ordered.
pub(crate) struct Upstream {
    pub(crate) cache: Cache,
    pub(crate) now: Time,
    pub(crate) cuts: usize,
    pub(crate) pauses: usize,
    pub(crate) resumes: usize,
    pub(crate) reports: Vec<FlightReport>,
    flights: Vec<FlightId>,
    cut: Vec<FlightId>,
    connects_at_once: bool,
}

impl Upstream {
    /// One that accepts every connection at once.
    pub(crate) fn new(settings: Settings) -> Self {
        let mut it = Self::unconnected(settings);
        it.connects_at_once = true;
        it
    }

    /// One whose body "old" is a second past its time; `stale` says for what it may still be used.
    pub(crate) fn past_its_time(stale: impl FnOnce(&mut Settings)) -> Self {
        let ttl = Duration::from_secs(1);
        let mut it = Self::new(settings(|settings| {
            settings.ttl = Some(ttl);
            stale(settings);
        }));
        let client = it.client();
        it.says(b"old");
        it.ends();
        it.whole(client);
        it.pass(ttl * 2);
        it
    }

    /// One that lets its clients wait for the connection.
    pub(crate) fn unconnected(settings: Settings) -> Self {
        Self {
            cache: Cache::new(settings, 1),
            now: Time::ZERO,
            cuts: 0,
            pauses: 0,
            resumes: 0,
            reports: Vec::new(),
            flights: Vec::new(),
            cut: Vec::new(),
            connects_at_once: false,
        }
    }

    pub(crate) fn client(&mut self) -> ReaderId {
        self.client_of(Mode::Stream)
    }

    pub(crate) fn client_of(&mut self, mode: Mode) -> ReaderId {
        let client = self.cache.subscribe(self.now, "poem", mode).expect("nothing turns it away");
        self.orders();
        client
    }

    /// Does what the cache orders.
    pub(crate) fn orders(&mut self) {
        while let Some(order) = self.cache.next_order() {
            match order {
                Order::Connect { flight, .. } => {
                    self.flights.push(flight);
                    if self.connects_at_once {
                        self.cache.connected(self.now, flight);
                    }
                }
                Order::Cut(flight) => {
                    self.cuts += 1;
                    self.cut.push(flight);
                }
                Order::Pause(_) => self.pauses += 1,
                Order::Resume(_) => self.resumes += 1,
                Order::Report(report) => self.reports.push(report),
                _ => {}
            }
        }
    }

    /// How often a connection was ordered.
    pub(crate) fn connects(&mut self) -> usize {
        self.orders();
        self.flights.len()
    }

    pub(crate) fn last_flight(&self) -> FlightId {
        *self.flights.last().expect("there was a flight")
    }

    pub(crate) fn says(&mut self, bytes: &[u8]) {
        self.cache.received(self.now, self.last_flight(), bytes);
        self.orders();
    }

    pub(crate) fn ends(&mut self) {
        self.fails(UpstreamEnd::Lost(Lost::Done));
    }

    pub(crate) fn fails(&mut self, end: UpstreamEnd) {
        self.cache.ended(self.now, self.last_flight(), end);
        self.orders();
    }

    pub(crate) fn confirm_cuts(&mut self) {
        for flight in std::mem::take(&mut self.cut) {
            self.cache.ended(self.now, flight, UpstreamEnd::Lost(Lost::Aborted));
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.cache.tick(self.now);
        self.orders();
    }

    pub(crate) fn read(&mut self, client: ReaderId) -> Reading<'_> {
        self.cache.read(self.now, client)
    }

    /// What there is for a client now.
    pub(crate) fn take(&mut self, client: ReaderId) -> Vec<u8> {
        let mut taken = Vec::new();
        while let Reading::Bytes(piece) = self.cache.read(self.now, client) {
            let bytes = piece.as_bytes().to_vec();
            self.cache.advance(self.now, client, bytes.len());
            taken.extend(bytes);
        }
        self.orders();
        taken
    }

    /// What there is, and how it ended.
    pub(crate) fn drain(&mut self, client: ReaderId) -> Result<Vec<u8>, FlightError> {
        let mut taken = Vec::new();
        loop {
            match self.cache.read(self.now, client) {
                Reading::Bytes(piece) => {
                    let bytes = piece.as_bytes().to_vec();
                    self.cache.advance(self.now, client, bytes.len());
                    taken.extend(bytes);
                }
                Reading::Whole(body) => return Ok(body.blocks().concat()),
                Reading::End => return Ok(taken),
                Reading::Failed(why) => return Err(why),
                _ => panic!("it has not ended"),
            }
            self.orders();
        }
    }

    /// The whole of what a client gets, up to a clean end.
    pub(crate) fn whole(&mut self, client: ReaderId) -> Vec<u8> {
        self.drain(client).expect("a clean end")
    }
}
