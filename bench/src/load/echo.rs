//! Round trips on held connections: send, wait for the same bytes, again.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::Value;

use super::net::{self, Got, Poller};
use super::{Meter, QUIET, Server};

/// A server that sends nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// A message begins with the number of its connection and its own.
const BYTES_MIN: usize = 16;

#[derive(Args, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    server: Server,
    #[arg(long)]
    connections: usize,
    /// Round trips, on all connections together
    #[arg(long)]
    count: usize,
    #[arg(long, default_value_t = 64)]
    bytes: usize,
}

struct Speaker {
    socket: OwnedFd,
    got: usize,
    sent: Instant,
    /// How many round trips it has begun.
    turn: u64,
}

struct Generator {
    poller: Poller,
    speakers: Vec<Speaker>,
    message: Vec<u8>,
    buffer: Vec<u8>,
    latencies: Vec<u64>,
}

pub(super) fn run(options: &Options) -> Result<Value, String> {
    let mut generator = Generator {
        poller: Poller::new()?,
        speakers: Vec::with_capacity(options.connections),
        message: (0..options.bytes.max(BYTES_MIN)).map(|n| n as u8).collect(),
        buffer: vec![0; options.bytes.max(BYTES_MIN)],
        latencies: Vec::with_capacity(options.count),
    };
    for number in 0..options.connections {
        let socket = net::connected(options.server.port)?;
        generator.poller.add(&socket, number)?;
        generator.speakers.push(Speaker { socket, got: 0, sent: Instant::now(), turn: 0 });
    }
    generator.speak(2 * options.connections)?;
    generator.latencies.clear();
    let meter = Meter::begin(options.server.pid, QUIET)?;
    generator.speak(options.count)?;
    meter.end(options.count, &mut generator.latencies)
}

impl Generator {
    fn speak(&mut self, count: usize) -> Result<(), String> {
        let (mut begun, mut ended, mut ready) = (0, 0, Vec::new());
        for number in 0..self.speakers.len().min(count) {
            self.send(number)?;
            begun += 1;
        }
        while ended < count {
            self.poller.wait(Some(PATIENCE), &mut ready)?;
            if ready.is_empty() {
                return Err(format!("nothing came for {} s", PATIENCE.as_secs()));
            }
            for &number in &ready {
                if self.read(number)? {
                    ended += 1;
                    if begun < count {
                        begun += 1;
                        self.send(number)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, number: usize) -> Result<(), String> {
        let speaker = &mut self.speakers[number];
        speaker.turn += 1;
        fill(&mut self.message, number, speaker.turn);
        speaker.got = 0;
        speaker.sent = Instant::now();
        if net::write(&speaker.socket, &self.message)? != self.message.len() {
            return Err("a short message does not fit into a socket".to_owned());
        }
        Ok(())
    }

    /// Whether the whole echo is there.
    fn read(&mut self, number: usize) -> Result<bool, String> {
        let speaker = &mut self.speakers[number];
        match net::read(&speaker.socket, &mut self.buffer)? {
            Got::Nothing => Ok(false),
            Got::End => Err("the server hung up".to_owned()),
            Got::Bytes(count) => {
                fill(&mut self.message, number, speaker.turn);
                if self.message.get(speaker.got..speaker.got + count) != Some(&self.buffer[..count]) {
                    return Err("an echo has other bytes than the message".to_owned());
                }
                speaker.got += count;
                let whole = speaker.got == self.message.len();
                if whole {
                    let nanoseconds = speaker.sent.elapsed().as_nanos() as u64;
                    self.latencies.push(nanoseconds);
                }
                Ok(whole)
            }
        }
    }
}

/// No two messages are alike.
fn fill(message: &mut [u8], number: usize, turn: u64) {
    message[..8].copy_from_slice(&(number as u64).to_le_bytes());
    message[8..BYTES_MIN].copy_from_slice(&turn.to_le_bytes());
}
