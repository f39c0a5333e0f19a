//! The list of the deferreds that wait, on a reactor's clock.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::fake::Fake;
use sestina_deferred::{Unfired, deferred, set_debugging, unfired};
use sestina_reactor::Time;

const MS: Duration = Duration::from_millis(1);

#[test]
fn what_waits_in_a_reactor_has_waited_for_as_long_as_its_clock_says() {
    set_debugging(true);
    let reactor = Fake::default().reactor();
    let place = Rc::new(RefCell::new(None));
    let inside = Rc::clone(&place);
    let call = reactor.call_later(30 * MS, move || *inside.borrow_mut() = Some(deferred::<u32>()));
    let _early = deferred::<u32>();
    while call.is_active() {
        reactor.turn(None).expect("the fake waits");
    }
    let later = reactor.now() + 12 * MS;
    let waiting = unfired(later - Time::ZERO);
    set_debugging(false);
    let waited: Vec<Duration> = waiting.iter().map(Unfired::waited).collect();
    assert_eq!(waited, [42 * MS, 12 * MS]);
}
