//! Answers of deferreds on their way to a protocol: the machinery of [`Conn::then`].
//!
//! The closure waits in a slot that the connection and the deferred's last callback share. Whoever comes first takes
//! it: the answer (then it becomes an upcall of the connection), or the end of the connection (then it is dropped and
//! the deferred is cancelled).
//! Tests: `answers.rs` of the contract.

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use sestina_deferred::{CancelHandle, Deferred, Failure};

use crate::conn::Conn;
use crate::driver::Token;
use crate::inner::Reactor;
use crate::protocol::Protocol;

/// An answer that waits for its upcall.
type Ready = Box<dyn FnOnce(&mut dyn Protocol, &mut Conn<'_>)>;

/// What one connection waits for.
#[derive(Default)]
pub(crate) struct Answers {
    waiting: Vec<Waiting>,
    ready: VecDeque<Ready>,
    next: u64,
}

struct Waiting {
    number: u64,
    slot: Rc<dyn Slot>,
    /// Comes a moment after the slot: the deferred may fire while it is asked for its canceller.
    canceller: Option<CancelHandle>,
}

/// A closure that can be dropped without knowing its type.
trait Slot {
    fn empty(&self);
}

impl<F> Slot for Cell<Option<F>> {
    fn empty(&self) {
        drop(self.take());
    }
}

impl Answers {
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(crate) fn pop_ready(&mut self) -> Option<Ready> {
        self.ready.pop_front()
    }

    /// Drops the closures and cancels the deferreds. User code: call it with nothing borrowed.
    pub(crate) fn cancel(self, why: &Failure) {
        for Waiting { slot, canceller, .. } in self.waiting {
            slot.empty();
            if let Some(canceller) = canceller {
                canceller.cancel_because(why.clone());
            }
        }
    }
}

impl Reactor {
    pub(crate) fn answer_later<P: 'static, T: 'static>(
        &self,
        token: Token,
        deferred: Deferred<T>,
        f: impl FnOnce(&mut P, &mut Conn<'_>, Result<T, Failure>) + 'static,
    ) {
        let slot = Rc::new(Cell::new(Some(f)));
        let canceller = deferred.canceller();
        let waiting = self.with_connection(token, |connection| {
            let answers = connection.answers.get_or_insert_default();
            let number = answers.next;
            answers.next += 1;
            let slot: Rc<dyn Slot> = slot.clone();
            answers.waiting.push(Waiting { number, slot, canceller: Some(canceller) });
            number
        });
        let Some(number) = waiting else {
            deferred.discard();
            return;
        };
        let reactor = self.downgrade();
        // Dropping the rest of the chain detaches it; the connection holds the canceller.
        drop(deferred.add_both(move |result| {
            if let (Some(reactor), Some(f)) = (reactor.upgrade(), slot.take()) {
                reactor.answer(
                    token,
                    number,
                    Box::new(move |protocol, conn| f(lend(protocol), conn, result)),
                );
            }
        }));
    }

    fn answer(&self, token: Token, number: u64, ready: Ready) {
        let mut ready = Some(ready);
        self.with_connection(token, |connection| {
            if let Some(answers) = &mut connection.answers {
                answers.waiting.retain(|waiting| waiting.number != number);
                answers.ready.extend(ready.take());
            }
        });
        self.mark_dirty(token);
        drop(ready); // with nothing borrowed, if the connection is gone
    }
}

/// The part of the protocol that `then` was called on.
fn lend<P: 'static>(protocol: &mut dyn Protocol) -> &mut P {
    let itself: &dyn Any = protocol;
    let part = if itself.is::<P>() {
        let itself: &mut dyn Any = protocol;
        Some(itself)
    } else {
        protocol.part(TypeId::of::<P>())
    };
    part.and_then(<dyn Any>::downcast_mut)
        .expect("`then` was given this connection's protocol or a part of it")
}
