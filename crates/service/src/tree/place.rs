//! One place in the tree: how its instances are made, the one that is there, and who waits for what.

use std::rc::Rc;

use sestina_deferred::{CancelHandle, Resolver};

use crate::child::{Maker, is_same};
use crate::context::ServiceContext;
use crate::errors::{ServiceError, StopReport};
use crate::monitor::End;
use crate::service::Service;
use crate::state::Step;

pub(crate) struct Place {
    pub(crate) maker: Maker,
    pub(crate) live: Option<Live>,
    /// How the last instance ended.
    pub(crate) end: Option<End>,
    /// Told when this instance ends.
    pub(crate) monitors: Vec<Resolver<End>>,
    /// Told when it was added or started again.
    pub(crate) settled: Vec<Resolver<()>>,
    pub(crate) removed: Vec<Resolver<StopReport>>,
}

/// An instance.
pub(crate) struct Live {
    pub(crate) instance: u64,
    pub(crate) service: Rc<dyn Service>,
    pub(crate) context: ServiceContext,
    /// The step that goes on.
    pub(crate) step: Option<(Step, CancelHandle)>,
}

impl Place {
    pub(crate) fn new(maker: Maker) -> Self {
        Self { maker, live: None, end: None, monitors: Vec::new(), settled: Vec::new(), removed: Vec::new() }
    }

    pub(crate) fn service(&self) -> Option<Rc<dyn Service>> {
        self.live.as_ref().map(|live| Rc::clone(&live.service))
    }

    /// Whether it is this very object's place.
    pub(crate) fn has(&self, service: &Rc<dyn Service>) -> bool {
        let own = matches!(&self.maker, Maker::Once(own) if is_same(own, service));
        own || self.live.as_ref().is_some_and(|live| is_same(&live.service, service))
    }

    /// The instance of this number.
    pub(crate) fn live(&mut self, instance: u64) -> Option<&mut Live> {
        self.live.as_mut().filter(|live| live.instance == instance)
    }
}

/// Who waits at a place whose instance ends, or which goes.
pub(crate) fn tell(waiting: Vec<Resolver<End>>, why: Option<&ServiceError>) {
    for resolver in waiting {
        resolver.callback(End::of_service(why));
    }
}
