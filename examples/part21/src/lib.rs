//! What the two clients share: their arguments, and what they say about a poem that does not come.
#![forbid(unsafe_code)]

use std::error::Error;

use sestina::Endpoint;
use sestina::deferred::Failure;

/// The poets of the command line, each `PORT` or `HOST:PORT`, with the name that the client calls it by.
///
/// # Errors
/// If there is none, or one is no address.
pub fn poets(arguments: impl Iterator<Item = String>) -> Result<Vec<(String, Endpoint)>, Box<dyn Error>> {
    let poets: Result<Vec<_>, Box<dyn Error>> = arguments.map(|text| poet(&text)).collect();
    match poets {
        Ok(poets) if poets.is_empty() => Err("give the poets, each as PORT or HOST:PORT".into()),
        poets => poets,
    }
}

fn poet(text: &str) -> Result<(String, Endpoint), Box<dyn Error>> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let host = if host.is_empty() { "localhost" } else { host };
    let port: u16 = port.parse().map_err(|_| format!("'{text}' is no address: give PORT or HOST:PORT"))?;
    Ok((format!("{host}:{port}"), Endpoint::tcp(host, port)))
}

/// Exercise 21.2: what is said about a poem that does not come, or not whole; the others come all the same.
#[must_use]
pub fn complaint(name: &str, failure: &Failure) -> String {
    let mut text = format!("{name}: {failure}");
    let mut source = failure.error().source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
