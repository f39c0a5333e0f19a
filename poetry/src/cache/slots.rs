//! Numbered places that are used again: a ticket of an old tenant opens nothing.
//!
//! Invariant: a ticket is valid from `insert` until `remove`, and never again.

/// A place and which of its tenants is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Ticket {
    index: usize,
    tenancy: u64,
}

impl Ticket {
    /// Which place it is, among those of the same slots.
    pub(crate) const fn index(self) -> usize {
        self.index
    }
}

/// Values under tickets.
pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<usize>,
}

struct Slot<T> {
    tenancy: u64,
    value: Option<T>,
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn insert(&mut self, value: T) -> Ticket {
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index];
            slot.value = Some(value);
            return Ticket { index, tenancy: slot.tenancy };
        }
        let index = self.slots.len();
        self.slots.push(Slot { tenancy: 0, value: Some(value) });
        Ticket { index, tenancy: 0 }
    }

    pub(crate) fn get(&self, ticket: Ticket) -> Option<&T> {
        let slot = self.slots.get(ticket.index).filter(|slot| slot.tenancy == ticket.tenancy)?;
        slot.value.as_ref()
    }

    pub(crate) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut T> {
        let slot = self.slots.get_mut(ticket.index).filter(|slot| slot.tenancy == ticket.tenancy)?;
        slot.value.as_mut()
    }

    pub(crate) fn remove(&mut self, ticket: Ticket) -> Option<T> {
        let slot = self.slots.get_mut(ticket.index).filter(|slot| slot.tenancy == ticket.tenancy)?;
        let value = slot.value.take()?;
        slot.tenancy += 1;
        self.free.push(ticket.index);
        Some(value)
    }

    /// In the order of their places, which is no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Ticket, &T)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            slot.value.as_ref().map(|value| (Ticket { index, tenancy: slot.tenancy }, value))
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
