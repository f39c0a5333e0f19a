//! Servers for clients under measurement: many ports, each with a poem, at once or piece by piece.
//!
//! Prints `listening PORT..`, serves until its standard input ends, and prints `served COUNT`.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use super::net::{self, Poller};

#[derive(Args, Debug)]
pub(crate) struct Options {
    #[arg(long)]
    text: PathBuf,
    #[arg(long)]
    ports: usize,
    /// How many bytes at a time; 0 is all at once
    #[arg(long, default_value_t = 0)]
    bytes: usize,
    /// How long between two pieces
    #[arg(long, default_value_t = 0)]
    milliseconds: u64,
}

/// A poem under way. All have the same pause, so they stand in the order of their times.
struct Telling {
    socket: OwnedFd,
    at: usize,
    due: Instant,
}

pub(super) fn run(options: &Options) -> Result<(), String> {
    let path = options.text.display();
    let text = std::fs::read(&options.text).map_err(|error| format!("cannot read {path}: {error}"))?;
    let (mut poller, mut listeners, mut line) = (Poller::new()?, Vec::new(), "listening".to_owned());
    for number in 0..options.ports {
        let (socket, port) = net::listen()?;
        poller.add(&socket, number)?;
        listeners.push(socket);
        line.push_str(&format!(" {port}"));
    }
    let told = options.ports; // the number of the standard input
    poller.add(std::io::stdin(), told)?;
    crate::say::line(&line);
    let piece = if options.bytes == 0 { text.len() } else { options.bytes };
    let pause = Duration::from_millis(options.milliseconds);
    let (mut tellings, mut ready, mut served) = (VecDeque::<Telling>::new(), Vec::new(), 0_usize);
    loop {
        let now = Instant::now();
        let timeout = tellings.front().map(|first| first.due.saturating_duration_since(now));
        poller.wait(timeout, &mut ready)?;
        let now = Instant::now();
        for &number in &ready {
            let Some(listener) = listeners.get(number) else {
                crate::say::line(&format!("served {served}"));
                return Ok(());
            };
            while let Ok(socket) = accept(listener) {
                served += 1;
                tellings.push_front(Telling { socket, at: 0, due: now });
            }
        }
        while tellings.front().is_some_and(|first| first.due <= now) {
            let Some(mut telling) = tellings.pop_front() else { break };
            let end = text.len().min(telling.at + piece);
            // A client that has gone is no concern of ours.
            let Ok(count) = net::write(&telling.socket, &text[telling.at..end]) else { continue };
            telling.at += count;
            if telling.at < text.len() {
                telling.due = now + pause;
                tellings.push_back(telling);
            }
        }
    }
}

fn accept(listener: &OwnedFd) -> Result<OwnedFd, rustix::io::Errno> {
    let flags = rustix::net::SocketFlags::NONBLOCK | rustix::net::SocketFlags::CLOEXEC;
    rustix::net::accept_with(listener, flags)
}
