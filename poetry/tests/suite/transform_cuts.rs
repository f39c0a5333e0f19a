//! Requests cut anywhere, on a simulated network: whatever the cuts, the same answers.

use std::time::Duration;

use sestina_deferred::{Resolver, deferred, gather_results};
use sestina_poetry::{TransformProxy, TransformServer, TransformService, poems};
use sestina_reactor::{Address, Conn, Endpoint, Lost, Protocol};
use sestina_reactor_sim::{Faults, Simulation};

/// How many requests a simulation serves: many are under way at once.
const REQUESTS_PER_SIMULATION: u64 = 50;
/// The seed of the first simulation. A failure names its own.
const FIRST_SEED: u64 = 1;
const SERVICE_PORT: u16 = 10_001;
const PROXY_PORT: u16 = 10_002;

/// How many requests there are.
#[expect(clippy::disallowed_methods, reason = "the size of a test is the one thing the environment decides")]
fn requests() -> u64 {
    let is_full = std::env::var_os("CI").is_some_and(|value| value == "true");
    if is_full { 100_000 } else { 2_000 }
}

/// Random numbers: splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(u64::try_from(bound).expect("small"))).expect("small")
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    fn text(&mut self) -> String {
        let length = match self.below(200) {
            0 => 9_000,
            1..20 => 300,
            _ => 20,
        };
        (0..self.index(length))
            .map(|_| self.pick(&['A', 'b', '.', ',', ':', '7', '\n', 'É', 'Σ', 'İ']))
            .collect()
    }

    /// A netstring, nearly always a good one.
    fn netstring(&mut self, text: &[u8]) -> Vec<u8> {
        let head = match self.below(60) {
            0 => format!("0{}:", text.len()),
            1 => format!("{} :", text.len()),
            2 => format!("{}:", text.len() + 1 + self.index(5)),
            _ => format!("{}:", text.len()),
        };
        let comma = if self.below(60) == 0 { &b"x"[..] } else { b"," };
        [head.as_bytes(), text, comma].concat()
    }

    /// One request; now and then several, or none.
    fn stream(&mut self) -> Vec<u8> {
        match self.below(40) {
            0 => {
                return self
                    .pick(&[&b""[..], b"hello\n", b"-1:,", b"0:,", b"99", b"100000:", b"123456789012345:"])
                    .to_vec();
            }
            1 => return self.netstring(b"cummingsify.\xff\xfe"),
            2 => return self.netstring(&[b"cummingsify.", poems::ECSTASY].concat()),
            _ => {}
        }
        let count = if self.below(5) == 0 { 1 + self.index(4) } else { 1 };
        let mut stream = Vec::new();
        for _ in 0..count {
            let name = match self.below(12) {
                0 => self.pick(&["upcase.", ".", "cummingsify"]),
                1..4 => self.pick(&["shout.", "rot13."]),
                _ => "cummingsify.",
            };
            let text = format!("{name}{}", self.text());
            stream.extend(self.netstring(text.as_bytes()));
        }
        if self.below(20) == 0 {
            stream.truncate(self.index(stream.len() + 1));
        }
        stream
    }

    /// Where it is cut: not at all, anywhere, or behind each byte.
    fn pieces(&mut self, stream: &[u8]) -> Vec<Vec<u8>> {
        let longest = match self.below(20) {
            0..4 => return vec![stream.to_vec()],
            4 if stream.len() < 100 => 1,
            _ => 1 + stream.len() / (1 + self.index(6)),
        };
        let (mut rest, mut pieces) = (stream, Vec::new());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(1 + self.index(longest)));
            pieces.push(piece.to_vec());
            rest = after;
        }
        pieces
    }
}

/// The answers to a stream, each as it stands on the wire, up to the first request that is refused or not whole.
/// Written from the description of the wire, without a decoder.
fn answers(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    while let Some(colon) = stream.iter().position(|byte| *byte == b':') {
        let digits = &stream[..colon];
        let is_length =
            digits == b"0" || (digits.iter().all(u8::is_ascii_digit) && !digits.starts_with(b"0"));
        let length =
            std::str::from_utf8(digits).ok().filter(|_| is_length).and_then(|text| text.parse().ok());
        let Some(length @ 0..=99_999_usize) = length else { break };
        let rest = &stream[colon + 1..];
        if rest.get(length) != Some(&b',') {
            break;
        }
        let Ok(request) = std::str::from_utf8(&rest[..length]) else { break };
        let Some((name, poem)) = request.split_once('.') else { break };
        let answer = match name {
            "cummingsify" => poem.to_lowercase(),
            "shout" => poem.to_uppercase(),
            "rot13" => sestina_poetry::transforms::rot13(poem),
            _ => break,
        };
        answers.push(format!("{}:{answer},", answer.len()).into_bytes());
        stream = &rest[length + 1..];
    }
    answers
}

/// Sends its pieces, with pauses, and tells what came back.
struct Cutter {
    pieces: std::vec::IntoIter<Vec<u8>>,
    pauses: Dice,
    half_closes: bool,
    reply: Vec<u8>,
    told: Option<Resolver<(Vec<u8>, Lost)>>,
}

impl Protocol for Cutter {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.timer(conn);
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        if let Some(piece) = self.pieces.next() {
            conn.write(&piece);
        }
        if self.pieces.len() > 0 {
            conn.set_timer(Duration::from_micros(self.pauses.pick(&[0, 1, 200, 3_000])));
        } else if self.half_closes {
            conn.lose_write_connection();
        }
    }

    fn data_received(&mut self, _: &mut Conn<'_>, data: &[u8]) {
        self.reply.extend_from_slice(data);
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        if let Some(told) = self.told.take() {
            told.callback((std::mem::take(&mut self.reply), why));
        }
    }
}

struct Sent {
    stream: Vec<u8>,
    pieces: usize,
}

impl Sent {
    #[track_caller]
    fn is_answered(&self, reply: &[u8], why: &Lost, is_plain: bool, seed: u64) {
        let answers = answers(&self.stream);
        let what = || {
            format!(
                "seed {seed}: {:.300} in {} pieces was answered with {:.300} ({why})",
                self.stream.escape_ascii().to_string(),
                self.pieces,
                reply.escape_ascii().to_string()
            )
        };
        assert!(matches!(why, Lost::Done | Lost::Closed), "an end that is not clean: {}", what());
        let mut rest = reply;
        let mut count = 0;
        for answer in &answers {
            let Some(after) = rest.strip_prefix(&answer[..]) else { break };
            (rest, count) = (after, count + 1);
        }
        assert!(rest.is_empty(), "another answer: {}", what());
        // Requests that do not come together may find the connection closed, as in the original; the first never does.
        let least = if is_plain && self.pieces <= 1 { answers.len() } else { answers.len().min(1) };
        assert!(count >= least, "an answer is missing: {}", what());
    }
}

/// Serves a simulation's share of requests, and gives back how many were answered.
fn run(seed: u64, port: u16) -> usize {
    let is_plain = seed.is_multiple_of(2);
    let faults = if is_plain { Faults::none() } else { Faults::gentle() };
    let simulation = Simulation::seeded(seed).without_trace().faults(faults);
    let (house, street) = (simulation.host("house"), simulation.host("street"));
    let server = TransformServer::new(TransformService::new());
    house.reactor().listen(&Endpoint::tcp("0.0.0.0", SERVICE_PORT), server).expect("a free port");
    let service = Endpoint::tcp("127.0.0.1", SERVICE_PORT);
    let proxy = TransformServer::new(TransformProxy::new(&house.reactor(), &service))
        .with_grace(Duration::from_secs(60));
    house.reactor().listen(&Endpoint::tcp("0.0.0.0", PROXY_PORT), proxy).expect("a free port");
    let mut dice = Dice(seed);
    let (mut sent, mut told) = (Vec::new(), Vec::new());
    for _ in 0..REQUESTS_PER_SIMULATION {
        let stream = dice.stream();
        let pieces = dice.pieces(&stream);
        sent.push(Sent { stream, pieces: pieces.len() });
        let (resolver, ended) = deferred();
        told.push(ended);
        let mut cutter = Some(Cutter {
            pieces: pieces.into_iter(),
            pauses: Dice(dice.below(u64::MAX)),
            half_closes: dice.below(2) == 0,
            reply: Vec::new(),
            told: Some(resolver),
        });
        let make = move |_: &Address| cutter.take().expect("one connection");
        street.reactor().connect(&Endpoint::tcp("house", port), make);
    }
    let told =
        simulation.run_until(gather_results(told)).unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
    let mut answered = 0;
    for (sent, (reply, why)) in sent.iter().zip(&told) {
        sent.is_answered(reply, why, is_plain && port == SERVICE_PORT, seed);
        answered += usize::from(!reply.is_empty());
    }
    simulation.stop().expect("the hosts stop");
    assert_eq!((simulation.sockets(), simulation.panics()), (0, 0), "seed {seed}");
    answered
}

/// Half of all requests.
fn run_half(first_seed: u64) {
    let seeds = (first_seed..).step_by(2);
    let simulations = usize::try_from(requests() / REQUESTS_PER_SIMULATION / 2).expect("small");
    let answered: usize = seeds.take(simulations).map(|seed| run(seed, SERVICE_PORT)).sum();
    let asked = usize::try_from(requests() / 2).expect("small");
    assert!(answered > asked / 2, "most requests are good ones: {answered} of {asked}");
}

#[test]
fn requests_cut_anywhere_get_the_same_answers_on_a_plain_network() {
    run_half(FIRST_SEED + 1);
}

#[test]
fn requests_cut_anywhere_get_the_same_answers_on_a_network_with_faults() {
    run_half(FIRST_SEED);
}

#[test]
fn requests_cut_anywhere_get_the_same_answers_from_a_proxy() {
    let simulations = requests() / REQUESTS_PER_SIMULATION / 20;
    for seed in FIRST_SEED..FIRST_SEED + simulations {
        assert!(run(seed, PROXY_PORT) > 0);
    }
}
