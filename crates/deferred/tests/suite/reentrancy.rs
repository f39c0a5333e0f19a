//! User code that calls back into the chain it runs in: fire in a canceller, cancel in a callback, add in a
//! callback, and drop everything in the middle.

use std::cell::RefCell;
use std::rc::Rc;

use crate::common::{Log, value};
use sestina_deferred::{CancelHandle, Deferred, Resolver, deferred, succeed};

type Slot<X> = Rc<RefCell<Option<X>>>;

fn slot<X>(x: Option<X>) -> Slot<X> {
    Rc::new(RefCell::new(x))
}

#[test]
fn fire_in_a_canceller() {
    let log = Log::new();
    let (resolver, d) = deferred::<u32>();
    let resolver = slot(Some(resolver));
    let inside = Rc::clone(&resolver);
    resolver.borrow().as_ref().unwrap().on_cancel(move || {
        let resolver = inside.borrow_mut().take();
        resolver.unwrap().callback(1);
    });
    let seen = log.clone();
    let d = d.map(move |n| {
        seen.note(format!("got {n}"));
        n
    });
    d.cancel();
    log.expect(["got 1"]);
    assert_eq!(value(d), 1);
}

#[test]
fn drop_the_resolver_in_a_canceller() {
    // rule: 2
    let (resolver, d) = deferred::<u32>();
    let resolver = slot(Some(resolver));
    let inside = Rc::clone(&resolver);
    resolver.borrow().as_ref().unwrap().on_cancel(move || {
        let resolver = inside.borrow_mut().take();
        drop(resolver);
    });
    d.cancel();
    assert!(d.is_fired());
    d.ignore_errors();
}

#[test]
fn cancel_in_a_callback() {
    let handle: Slot<CancelHandle> = slot(None);
    let (resolver, d) = deferred::<u32>();
    let (first, second) = (Rc::clone(&handle), Rc::clone(&handle));
    let d = d
        .map(move |n| {
            first.borrow().as_ref().unwrap().cancel();
            n + 1
        })
        .map(move |n| {
            second.borrow().as_ref().unwrap().cancel();
            n + 1
        });
    *handle.borrow_mut() = Some(d.canceller());
    resolver.callback(0);
    assert_eq!(value(d), 2);
}

#[test]
fn add_in_a_callback() {
    let log = Log::new();
    let own: Slot<Deferred<u32>> = slot(None);
    let (resolver, d) = deferred::<u32>();
    let (inside, seen) = (Rc::clone(&own), log.clone());
    let d = d.map(move |n| {
        let later = seen.clone();
        let d = inside.borrow_mut().take().unwrap().map(move |n| {
            later.note(format!("added later, got {n}"));
            n + 1
        });
        *inside.borrow_mut() = Some(d);
        seen.note("first callback is done");
        n + 1
    });
    *own.borrow_mut() = Some(d);
    resolver.callback(0);
    log.expect(["first callback is done", "added later, got 1"]);
    assert_eq!(value(own.borrow_mut().take().unwrap()), 2);
}

#[test]
fn drop_the_chain_in_a_callback() {
    let own: Slot<Deferred<u32>> = slot(None);
    let (resolver, d) = deferred::<u32>();
    let inside = Rc::clone(&own);
    let log = Log::new();
    let after = log.noting("the callback goes on after the drop");
    let d = d.map(move |n| {
        let d = inside.borrow_mut().take();
        assert!(d.is_some());
        drop(d);
        after();
        n
    });
    *own.borrow_mut() = Some(d);
    let errors = crate::common::unhandled(|| resolver.callback(0));
    assert!(errors.is_empty());
    log.expect(["the callback goes on after the drop"]);
}

#[test]
fn fire_another_chain_in_a_callback_and_wait_for_it() {
    let log = Log::new();
    let (outer, d) = deferred::<u32>();
    let (inner, e) = deferred::<u32>();
    let seen = log.clone();
    let e = e.map(move |n| {
        seen.note("inner");
        n + 1
    });
    let d = d.add_callback(move |n| {
        inner.callback(n);
        e
    });
    outer.callback(1);
    log.expect(["inner"]);
    assert_eq!(value(d), 2);
}

#[test]
fn fire_in_the_destructor_of_a_callback() {
    struct FireOnDrop(Option<Resolver<u32>>);
    impl Drop for FireOnDrop {
        fn drop(&mut self) {
            self.0.take().unwrap().callback(9);
        }
    }
    let (resolver, d) = deferred::<u32>();
    let (other, e) = deferred::<u32>();
    let bomb = FireOnDrop(Some(other));
    let d = d.map(move |n| {
        let _bomb = &bomb;
        n
    });
    resolver.errback(sestina_deferred::Failure::msg("passes by"));
    assert_eq!(value(e), 9);
    d.ignore_errors();
}

#[test]
fn unpause_and_fire_from_inside() {
    let mut d = succeed(1);
    let guard = d.pause();
    let (resolver, trigger) = deferred::<u32>();
    drop(trigger.map(move |_| guard.unpause()));
    let d = d.map(|n| n + 1);
    resolver.callback(0);
    assert_eq!(value(d), 2);
}
