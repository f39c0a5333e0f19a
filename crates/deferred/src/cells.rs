//! Cells that are looked at and changed without a borrow.
//!
//! Invariant: no user code runs while a cell is empty.

use std::cell::Cell;

/// Changes what is in a cell. `change` must not run user code.
#[inline]
pub(crate) fn with<X: Default, R>(cell: &Cell<X>, change: impl FnOnce(&mut X) -> R) -> R {
    let mut inside = cell.take();
    let result = change(&mut inside);
    cell.set(inside);
    result
}

/// A clone of what is in a cell. Cloning it must not run user code.
pub(crate) fn peek<X: Clone>(cell: &Cell<Option<X>>) -> Option<X> {
    let inside = cell.take();
    cell.set(inside.clone());
    inside
}
