//! A stream where code wants `AsyncRead` and `AsyncWrite` of futures-io.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use futures_io::{AsyncRead, AsyncWrite};
use sestina_deferred::Failure;
use sestina_reactor::{Lost, Stream};

use crate::Stage;
use crate::streams::pattern;

/// How much a reader takes at once.
const PIECE: usize = 1000;

async fn write_all(stream: &mut Stream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, bytes)).await?;
        assert!(count > 0, "a write that takes nothing would be asked for ever");
        bytes = &bytes[count..];
    }
    poll_fn(|cx| Pin::new(&mut *stream).poll_flush(cx)).await
}

async fn read_to_end(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let (mut all, mut piece) = (Vec::new(), [0; PIECE]);
    loop {
        match poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut piece)).await? {
            0 => return Ok(all),
            count => all.extend_from_slice(&piece[..count]),
        }
    }
}

/// Far more than the marks, there and back; `poll_close` is a half-close, so the answer still comes.
pub fn async_reads_and_writes_are_whole_and_close_is_a_half_close(stage: &mut Stage) {
    let (_port, at) = stage.serve_streams(|mut stream| async move {
        let mut all = read_to_end(&mut stream).await?;
        all.reverse();
        write_all(&mut stream, &all).await?;
        Ok(())
    });
    let connecting = stage.reactor().connect_stream(&at);
    let question = pattern(600_000);
    let answer = stage.reactor().spawn(async move {
        let mut stream = connecting.await?;
        write_all(&mut stream, &question).await?;
        poll_fn(|cx| Pin::new(&mut stream).poll_close(cx)).await?;
        let after = poll_fn(|cx| Pin::new(&mut stream).poll_write(cx, b"late")).await;
        assert!(after.is_err(), "our direction is finished");
        let mut answer = read_to_end(&mut stream).await?;
        answer.reverse();
        Ok(answer == question)
    });
    assert!(stage.answer(answer).expect("it answers"), "some bytes are wrong");
    stage.until_alone();
}

/// Not the end of the bytes, which is what 0 would say.
pub fn a_reset_is_an_io_error(stage: &mut Stage) {
    let (_port, at) = stage.serve_streams(|mut stream| async move {
        write_all(&mut stream, b"hello").await?;
        drop(stream.read_exact(1).await);
        stream.abort();
        Ok(())
    });
    let connecting = stage.reactor().connect_stream(&at);
    let error = stage.reactor().spawn(async move {
        let mut stream = connecting.await?;
        write_all(&mut stream, b"x").await?;
        Ok(read_to_end(&mut stream).await.expect_err("a reset is no end"))
    });
    let error: Result<io::Error, Failure> = stage.answer(error);
    let error = error.expect("it was connected");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(error.get_ref().is_some_and(|cause| cause.is::<Lost>()), "{error:?}");
    stage.until_alone();
}
