//! The reactor's contract over real sockets, signals and threads.

use sestina_contract::World;
use sestina_reactor::{Reactor, Signal};
use sestina_reactor_mio::MioDriver;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

fn reactor() -> World {
    let reactor = Reactor::new(Box::new(MioDriver::new().expect("the system gives a poller")));
    World::from(reactor).with_signals(|signal| {
        let number = match signal {
            Signal::Hangup => SIGHUP,
            Signal::Interrupt => SIGINT,
            Signal::Quit => SIGQUIT,
            Signal::Terminate => SIGTERM,
            Signal::User1 => SIGUSR1,
            Signal::User2 => SIGUSR2,
            other => panic!("a signal without a number: {other}"),
        };
        signal_hook::low_level::raise(number).expect("it is watched");
    })
}

sestina_contract::contract!(reactor);
sestina_contract::wall_clock!(reactor);
