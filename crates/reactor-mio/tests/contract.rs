//! The reactor's contract over real sockets, signals and threads.

use sestina_reactor::Reactor;
use sestina_reactor_mio::MioDriver;

fn reactor() -> Reactor {
    Reactor::new(Box::new(MioDriver::new().expect("the system gives a poller")))
}

sestina_contract::contract!(reactor);
sestina_contract::wall_clock!(reactor);
