//! A stream behind the traits of futures-io.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use futures_io::{AsyncRead, AsyncWrite};
use sestina_deferred::Failure;
use sestina_reactor::{Endpoint, Lost, Stream};

async fn write_all(stream: &mut Stream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, bytes)).await?;
        bytes = &bytes[count..];
    }
    poll_fn(|cx| Pin::new(&mut *stream).poll_flush(cx)).await
}

async fn read_to_end(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let (mut all, mut piece) = (Vec::new(), [0; 1000]);
    loop {
        match poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut piece)).await? {
            0 => return Ok(all),
            count => all.extend_from_slice(&piece[..count]),
        }
    }
}

#[test]
fn megabytes_go_there_and_back_and_close_is_a_half_close() {
    let reactor = sestina_reactor_mio::reactor().expect("a reactor");
    let port = reactor
        .serve(&Endpoint::loopback(0), |mut stream| async move {
            let mut all = read_to_end(&mut stream).await?;
            all.reverse();
            write_all(&mut stream, &all).await?;
            Ok(())
        })
        .expect("a free port");
    let at = Endpoint::loopback(port.local_addr().port().expect("an IP address"));
    let connecting = reactor.connect_stream(&at);
    let question: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let answer = reactor.spawn(async move {
        let mut stream = connecting.await?;
        write_all(&mut stream, &question).await?;
        poll_fn(|cx| Pin::new(&mut stream).poll_close(cx)).await?;
        let mut answer = read_to_end(&mut stream).await?;
        answer.reverse();
        Ok(answer == question)
    });
    assert!(reactor.run_until(answer).expect("it answers"));
}

#[test]
fn a_reset_is_an_io_error() {
    let reactor = sestina_reactor_mio::reactor().expect("a reactor");
    let port = reactor
        .serve(&Endpoint::loopback(0), |stream| async move {
            stream.abort();
            Ok(())
        })
        .expect("a free port");
    let at = Endpoint::loopback(port.local_addr().port().expect("an IP address"));
    let connecting = reactor.connect_stream(&at);
    let answer = reactor.spawn(async move {
        let mut stream = connecting.await?;
        Ok(read_to_end(&mut stream).await.expect_err("a reset is no end"))
    });
    let error: Result<io::Error, Failure> = reactor.run_until(answer);
    let error = error.expect("it ends");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(error.get_ref().is_some_and(|cause| cause.is::<Lost>()));
}
