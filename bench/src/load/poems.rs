//! Downloads: connect, read to the end, compare, again; so many at once.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::Value;

use super::net::{self, Got, Poller};
use super::text::{READ_BYTES, Text};
use super::{Meter, QUIET, Server};

/// A server that sends nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Args, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    server: Server,
    /// How long the poem is; 0 is the text once
    #[arg(long, default_value_t = 0)]
    bytes: usize,
    #[arg(long)]
    at_once: usize,
    #[arg(long)]
    count: usize,
    /// Downloads before those that are measured
    #[arg(long, default_value_t = 0)]
    warm_up: usize,
}

struct Download {
    socket: OwnedFd,
    got: usize,
    begun: Instant,
}

struct Generator {
    poller: Poller,
    port: u16,
    text: Text,
    bytes: usize,
    downloads: Vec<Option<Download>>,
    buffer: Vec<u8>,
    latencies: Vec<u64>,
}

pub(super) fn run(options: &Options) -> Result<Value, String> {
    let text = Text::load(options.server.text.as_deref().ok_or("poems need a text")?)?;
    let bytes = if options.bytes == 0 { text.len() } else { options.bytes };
    let mut generator = Generator {
        poller: Poller::new()?,
        port: options.server.port,
        text,
        bytes,
        downloads: Vec::new(),
        buffer: vec![0; READ_BYTES],
        latencies: Vec::with_capacity(options.count),
    };
    generator.downloads.resize_with(options.at_once, || None);
    generator.download(options.warm_up)?;
    generator.latencies.clear();
    let meter = Meter::begin(options.server.pid, QUIET)?;
    generator.download(options.count)?;
    meter.end(options.count, &mut generator.latencies)
}

impl Generator {
    fn download(&mut self, count: usize) -> Result<(), String> {
        let (mut begun, mut ended, mut ready) = (0, 0, Vec::new());
        for place in 0..self.downloads.len().min(count) {
            self.begin(place)?;
            begun += 1;
        }
        while ended < count {
            self.poller.wait(Some(PATIENCE), &mut ready)?;
            if ready.is_empty() {
                return Err(format!("nothing came for {} s", PATIENCE.as_secs()));
            }
            for &place in &ready {
                if self.read(place)? {
                    ended += 1;
                    if begun < count {
                        begun += 1;
                        self.begin(place)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, place: usize) -> Result<(), String> {
        let begun = Instant::now();
        let socket = net::connect(self.port)?;
        self.poller.add(&socket, place)?;
        self.downloads[place] = Some(Download { socket, got: 0, begun });
        Ok(())
    }

    /// Reads what is there; whether it was the end.
    fn read(&mut self, place: usize) -> Result<bool, String> {
        let Some(download) = &mut self.downloads[place] else { return Ok(false) };
        loop {
            let got = net::read(&download.socket, &mut self.buffer);
            match got.map_err(|error| format!("{error} after {} of {} bytes", download.got, self.bytes))? {
                Got::Nothing => return Ok(false),
                Got::Bytes(count) => {
                    if !self.text.has(download.got, &self.buffer[..count]) {
                        return Err(format!(
                            "wrong bytes between {} and {}",
                            download.got,
                            download.got + count
                        ));
                    }
                    download.got += count;
                }
                Got::End if download.got == self.bytes => {
                    let nanoseconds = download.begun.elapsed().as_nanos() as u64;
                    self.latencies.push(nanoseconds);
                    self.downloads[place] = None;
                    return Ok(true);
                }
                Got::End => {
                    return Err(format!("a clean end after {} of {} bytes", download.got, self.bytes));
                }
            }
        }
    }
}
