//! `cargo bench -p sestina-framing`: each decoder against a plain `memchr` split of lines of the same length, in the same
//! run and by turns, so that what disturbs one disturbs the other.
//!
//! Each contender runs right behind a run of the split, and its ratio is taken from these two: the median of the rounds, and
//! the middle half of them. With `--json` each contender is a line of JSON with all its rounds. Reads have the reactor's size, so that each has a message at its cut, as on a connection.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench measures and prints")]

use std::hint::black_box;
use std::time::Instant;

use memchr::memchr_iter;
use sestina_framing::{
    Decoder, Delimiter, Format, Int8Format, Int16Format, Int32Format, IntNDecoder, LineDecoder, LineFormat,
    LineMessage, LineOnlyDecoder, NetstringDecoder, NetstringFormat,
};

/// What the reactor reads at once, in bytes.
const READ_BYTES: usize = 64 * 1024;
/// The stream of each contender, in bytes.
const STREAM_BYTES: usize = 1024 * 1024;
/// How often each contender runs.
const ROUNDS: usize = 201;
/// How long the messages are, in bytes. The promise is made for 80.
const MESSAGE_BYTES: [usize; 3] = [80, 16, 1000];

/// Decodes a stream; gives back how many bytes its messages had.
type Contender = (&'static str, Vec<u8>, fn(&[u8]) -> usize);

fn main() {
    let json = std::env::args().any(|word| word == "--json");
    if !json {
        println!(
            "{STREAM_BYTES} bytes in reads of {READ_BYTES}, {ROUNDS} rounds by turns; medians (middle half)"
        );
    }
    for length in MESSAGE_BYTES {
        let contenders = contenders(length);
        let (rates, ratios) = race(&contenders);
        if json {
            print_json(length, &contenders, &rates);
        } else {
            println!("\nmessages of {length} bytes");
            print(&contenders, rates, ratios);
        }
    }
}

fn contenders(length: usize) -> Vec<Contender> {
    let line_feed = LineFormat::default().with_delimiter(Delimiter::LF);
    let boundary = LineFormat::default().with_delimiter(Delimiter::new(b"\r\n--x").expect("not empty"));
    let mut all: Vec<Contender> = vec![
        ("memchr split", stream(&line_feed, length), split),
        ("LineDecoder, CR LF", stream(&LineFormat::default(), length), |bytes| {
            lines(LineFormat::default(), bytes)
        }),
        ("LineOnlyDecoder, CR LF", stream(&LineFormat::default(), length), |bytes| {
            frames::<LineOnlyDecoder>(LineFormat::default(), bytes)
        }),
        ("LineDecoder, LF", stream(&line_feed, length), |bytes| {
            lines(LineFormat::default().with_delimiter(Delimiter::LF), bytes)
        }),
        ("LineOnlyDecoder, 5 bytes", stream(&boundary, length), |bytes| {
            let delimiter = Delimiter::new(b"\r\n--x").expect("not empty");
            frames::<LineOnlyDecoder>(LineFormat::default().with_delimiter(delimiter), bytes)
        }),
        ("NetstringDecoder", stream(&NetstringFormat::default(), length), |bytes| {
            frames::<NetstringDecoder>(NetstringFormat::default(), bytes)
        }),
        ("Int16Decoder", stream(&Int16Format::default(), length), |bytes| {
            frames::<IntNDecoder<u16>>(Int16Format::default(), bytes)
        }),
        ("Int32Decoder", stream(&Int32Format::default(), length), |bytes| {
            frames::<IntNDecoder<u32>>(Int32Format::default(), bytes)
        }),
    ];
    if u8::try_from(length).is_ok() {
        all.push(("Int8Decoder", stream(&Int8Format::default(), length), |bytes| {
            frames::<IntNDecoder<u8>>(Int8Format::default(), bytes)
        }));
    }
    all
}

/// Messages of letters until the stream is long enough.
fn stream<F: Format>(format: &F, length: usize) -> Vec<u8> {
    let message: Vec<u8> = (b'a'..=b'z').cycle().take(length).collect();
    let mut bytes = Vec::with_capacity(STREAM_BYTES + 2 * length);
    while bytes.len() < STREAM_BYTES {
        format.encode(&message, &mut bytes).expect("a message within the limits");
    }
    bytes
}

/// The floor: finds the ends of lines, keeps nothing, checks nothing, and loses the line at each cut.
fn split(bytes: &[u8]) -> usize {
    let mut sum = 0;
    for read in bytes.chunks(READ_BYTES) {
        let mut begin = 0;
        for end in memchr_iter(b'\n', read) {
            sum += black_box(&read[begin..end]).len();
            begin = end + 1;
        }
    }
    sum
}

fn lines(format: LineFormat, bytes: &[u8]) -> usize {
    let (mut decoder, mut sum) = (LineDecoder::new(format), 0);
    for mut read in bytes.chunks(READ_BYTES) {
        while let Some(message) = decoder.decode(&mut read).expect("lines within the limit") {
            let (LineMessage::Line(line) | LineMessage::Raw(line)) = message;
            sum += black_box(line).len();
        }
    }
    sum
}

fn frames<D: Decoder>(format: D::Format, bytes: &[u8]) -> usize {
    let (mut decoder, mut sum) = (D::with_format(format), 0);
    for mut read in bytes.chunks(READ_BYTES) {
        while let Some(found) = decoder.advance(&mut read).expect("messages within the limit") {
            sum += match found.lent {
                Some(frame) => black_box(frame).len(),
                None => black_box(decoder.partial().bytes()).len(),
            };
        }
    }
    sum
}

/// Of each contender, of each round.
type Rounds = Vec<Vec<f64>>;

/// Runs all by turns; gives rates and ratios.
fn race(contenders: &[Contender]) -> (Rounds, Rounds) {
    let (_, floor_bytes, split) = &contenders[0];
    let mut rates = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    let mut ratios = rates.clone();
    for _ in 0..ROUNDS {
        for (at, (_, bytes, run)) in contenders.iter().enumerate() {
            let least = rate(floor_bytes, *split);
            let rate = rate(bytes, *run);
            rates[at].push(rate);
            ratios[at].push(rate / least);
        }
    }
    (rates, ratios)
}

fn print(contenders: &[Contender], mut rates: Rounds, mut ratios: Rounds) {
    println!("{:26} {:>7}   ratio to '{}'", "", "MB/s", contenders[0].0);
    for ((name, ..), (rates, ratios)) in contenders.iter().zip(rates.iter_mut().zip(&mut ratios)) {
        rates.sort_by(f64::total_cmp);
        ratios.sort_by(f64::total_cmp);
        let (low, ratio, high) = (ratios[ROUNDS / 4], ratios[ROUNDS / 2], ratios[ROUNDS * 3 / 4]);
        println!("{name:26} {:7.0}   {ratio:4.2} ({low:4.2} - {high:4.2})", rates[ROUNDS / 2]);
    }
}

/// No name has a character that JSON would escape.
fn print_json(length: usize, contenders: &[Contender], rates: &Rounds) {
    for ((name, ..), rounds) in contenders.iter().zip(rates) {
        println!(
            "{{\"case\":\"messages of {length} bytes\",\"peer\":\"{name}\",\"figure\":\"rate\",\"unit\":\"MB/s\",\"rounds\":{rounds:?}}}"
        );
    }
}

/// Megabytes a second of one run.
fn rate(bytes: &[u8], run: fn(&[u8]) -> usize) -> f64 {
    let begun = Instant::now();
    black_box(run(black_box(bytes)));
    f64::from(u32::try_from(bytes.len()).expect("a small stream")) / 1e6 / begun.elapsed().as_secs_f64()
}
