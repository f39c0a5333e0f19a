//! tokio's side, on its current-thread runtime, a task for each connection:
//! `bench-tokio poem FILE BYTES | slow FILE COUNT MILLISECONDS | echo | get PORT..`. A server prints `listening PORT`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a program")]

use std::error::Error;
use std::future::Future;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const BACKLOG: u32 = 4096;
/// What an echo reads at once, in bytes: as much as one message has, so that a task is small.
const ECHO_BYTES: usize = 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match words.as_slice() {
        ["poem", file, bytes] => {
            let poem = load(file, bytes.parse()?)?;
            runtime.block_on(serve(move |stream| fast(stream, Arc::clone(&poem))))?;
        }
        ["slow", file, count, milliseconds] => {
            let poem = load(file, 0)?;
            let (count, delay) = (count.parse()?, Duration::from_millis(milliseconds.parse()?));
            runtime.block_on(serve(move |stream| slow(stream, Arc::clone(&poem), count, delay)))?;
        }
        ["echo"] => runtime.block_on(serve(echo))?,
        ["get", ports @ ..] => {
            let ports: Result<Vec<u16>, _> = ports.iter().map(|port| port.parse()).collect();
            runtime.block_on(get(ports?))?;
        }
        _ => {
            return Err("poem FILE BYTES | slow FILE COUNT MILLISECONDS | echo | get PORT..".into());
        }
    }
    Ok(())
}

fn load(file: &str, bytes: usize) -> io::Result<Arc<[u8]>> {
    let text = std::fs::read(file)?;
    let mut poem = text.repeat(bytes / text.len().max(1) + 1);
    poem.truncate(if bytes == 0 { text.len() } else { bytes });
    Ok(poem.into())
}

async fn serve<F>(mut conversation: impl FnMut(TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = listen()?;
    println!("listening {}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        drop(tokio::spawn(conversation(stream)));
    }
}

/// As all peers: small writes at once, inherited by what is accepted.
fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_nodelay(true)?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    socket.listen(BACKLOG)
}

async fn fast(mut stream: TcpStream, poem: Arc<[u8]>) -> io::Result<()> {
    stream.write_all(&poem).await // and dropping it closes it
}

async fn slow(mut stream: TcpStream, poem: Arc<[u8]>, count: usize, delay: Duration) -> io::Result<()> {
    for piece in poem.chunks(count) {
        stream.write_all(piece).await?;
        tokio::time::sleep(delay).await;
    }
    Ok(())
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; ECHO_BYTES];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..count]).await?;
    }
}

async fn get(ports: Vec<u16>) -> io::Result<()> {
    let (sender, mut poems) = tokio::sync::mpsc::unbounded_channel();
    for port in ports {
        let sender = sender.clone();
        drop(tokio::spawn(async move {
            let mut poem = Vec::new();
            let fetched =
                async { TcpStream::connect(("127.0.0.1", port)).await?.read_to_end(&mut poem).await };
            let outcome = fetched.await.map(|_| poem);
            sender.send(outcome).ok();
        }));
    }
    drop(sender);
    let mut out = io::stdout().lock();
    while let Some(poem) = poems.recv().await {
        out.write_all(&poem?)?;
    }
    out.flush()
}
