//! Where the services of operators find the proxy, which is made later than they are, and anew when its service restarts.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::proxy::PoetryProxy;

type Arrival = Rc<dyn Fn(&PoetryProxy)>;

/// A place for a proxy. Clones are the same place.
///
/// ```
/// use sestina_poetry::ops::ProxyPlace;
/// use sestina_poetry::{PoetryProxy, ProxySettings};
/// use sestina_reactor_sim::Simulation;
///
/// let place = ProxyPlace::default();
/// assert!(place.proxy().is_none());
/// let reactor = Simulation::seeded(1).reactor();
/// place.set(&PoetryProxy::with_settings(&reactor, ProxySettings::default()));
/// assert!(place.proxy().is_some());
/// ```
#[derive(Clone, Default)]
pub struct ProxyPlace {
    inner: Rc<Inner>,
}

#[derive(Default)]
struct Inner {
    proxy: RefCell<Option<PoetryProxy>>,
    arrivals: RefCell<Vec<Arrival>>,
}

impl ProxyPlace {
    /// The proxy, when it was made.
    #[must_use]
    pub fn proxy(&self) -> Option<PoetryProxy> {
        self.inner.proxy.borrow().clone()
    }

    /// From now on this one: for [`PoetryProxyService::with_set_up`](crate::PoetryProxyService::with_set_up).
    pub fn set(&self, proxy: &PoetryProxy) {
        let before = self.inner.proxy.borrow_mut().replace(proxy.clone());
        drop(before);
        let arrivals = self.inner.arrivals.borrow().clone();
        arrivals.iter().for_each(|arrival| arrival(proxy));
    }

    /// Has `arrival` called with the proxy that is there, and with each that comes.
    pub(crate) fn on_arrival(&self, arrival: impl Fn(&PoetryProxy) + 'static) {
        let arrival: Arrival = Rc::new(arrival);
        self.inner.arrivals.borrow_mut().push(Rc::clone(&arrival));
        if let Some(proxy) = self.proxy() {
            arrival(&proxy);
        }
    }
}

impl fmt::Debug for ProxyPlace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ProxyPlace({:?})", self.inner.proxy.borrow())
    }
}
