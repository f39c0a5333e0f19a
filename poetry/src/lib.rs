//! Poems over sockets: the introduction's programs as services and protocols, without a `main`.
//!
//! A server writes a [`Poem`] and closes; that is the whole protocol. [`FastPoetry`] writes it at once, [`SlowPoetry`]
//! a few bytes at a time, [`Fetch`] reads one and tells a whole poem from a torn one, [`Downloads`] reads many at once,
//! piece by piece, and [`Merge`] puts them in order. [`PoetryProxy`] fetches one for many and keeps it; [`transform()`] has
//! a service change one. All of it runs on either driver of the reactor.
//!
//! As services of a tree: [`poetry_server`] and [`poetry_proxy`].
//!
//! A slow poet, a proxy before it, and three clients of the proxy, who cost the poet one connection:
//!
//! ```
//! use sestina_deferred::gather_results;
//! use sestina_poetry::{Poem, PoetryProxy, SlowPoetry, get_poem};
//! use sestina_reactor::Endpoint;
//! use sestina_reactor_sim::Simulation;
//!
//! let simulation = Simulation::seeded(7);
//! let (poet, proxy) = (simulation.host("poet").reactor(), simulation.host("proxy").reactor());
//! let slow = SlowPoetry::new(Poem::from_bytes("Science! true daughter of Old Time thou art!"));
//! poet.listen(&"tcp:10000:interface=".parse()?, slow)?;
//! let of_the_poet = PoetryProxy::new(&proxy, &Endpoint::tcp("poet", 10_000));
//! proxy.listen(&"tcp:10000:interface=".parse()?, of_the_poet)?;
//!
//! let client = simulation.host("client").reactor();
//! let asked = (0..3).map(|_| get_poem(&client, &Endpoint::tcp("proxy", 10_000)));
//! let poems = simulation.run_until(gather_results(asked)).map_err(|failure| failure.to_string())?;
//! assert!(poems.iter().all(|poem| poem.as_bytes().ends_with(b"Time thou art!")));
//! assert_eq!(poet.statistics().accepted, 1);
//! assert!(simulation.now().as_nanos() > 2_000_000_000, "ten bytes each 0.7 seconds, of virtual time");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod attempt;
pub mod cache;
mod causes;
mod client;
mod fast;
mod fetch;
mod input;
pub mod ops;
mod poem;
pub mod poems;
mod proxy;
mod services;
mod slow;
mod transform;

pub use client::{
    Again, BACK_OFF, BACK_OFF_MAX, Downloads, EVENT_BYTES_MAX, Event, FetchOptions, HELD_BYTES_MAX, JOBS,
    Merge, Order, Outcome, PoemEnd, Print, Progress, Room, fetch_all, race,
};
pub use fast::FastPoetry;
pub use fetch::{Fetch, FetchError, get_poem};
pub use input::INPUT_BYTES_MAX;
pub use poem::{POEM_BYTES_MAX, Poem, PoemError};
pub use proxy::{
    Front, Like, Observer, PoetryProxy, PoetryProxyService, ProxyError, ProxyRoute, ProxySettings,
    SEND_RATE_MIN, SEND_RATE_WINDOW, poetry_proxy,
};
pub use services::{CurrentPoem, PoetryService, poetry_server};
pub use slow::{SLOW_DELAY, SLOW_NUM_BYTES, SlowPoetry};
pub use transform::{
    BadTransformName, Refusal, TRANSFORM_BYTES_MAX, TRANSFORM_GRACE, TRANSFORM_REQUEST_TIME_MAX,
    TRANSFORM_REQUESTS_MAX, TRANSFORM_TIME_MAX, TRANSFORM_UPSTREAM_MAX, TRANSFORM_WAITING_BYTES_MAX,
    TransformClient, TransformError, TransformProxy, TransformServer, TransformService, Transformer,
    list as transforms, transform,
};
