//! The timer queue: calls in the order of their time, equal times in the order in which they were asked for.
//!
//! A four-way heap of small entries over a slab of jobs. Almost every timer is cancelled or moved before it fires,
//! so those are cheap: new jobs wait in a list until somebody asks for the first of all (before each wait, and before each
//! timer that fires) or the list is full, and what is cancelled by then never reaches the heap. Later a cancelled job leaves
//! its heap entry behind, a job moved to later keeps its old entry and is put where it belongs when that comes up. When more
//! entries are dead than alive they are swept out. Which entries live is kept apart from the jobs, eight bytes each: a sweep
//! looks all of them up in random order, and with a million jobs the processor's caches hold these, and not those.
//! Invariant: each job stands once in the list, or has exactly one live entry in the heap, the one whose `order` stands at its
//! place in `live`; that never lies after the job's own time. Whoever is in the list has nothing in `live`. `dead` counts the
//! other entries of the heap; the list may also have keys of jobs that are gone.
//! Tests: below, and `time.rs` and `schedule.rs` of the contract.

use crate::slab::{Key, Slab};
use crate::time::Time;

const ARITY: usize = 4;
/// Dead entries are not worth a rebuild below this number.
const PURGE_MIN: usize = 64;

/// When the list of new jobs has so many, they go to the heap before anybody asks.
const FRESH_MAX: usize = 1024;

/// No entry has this order.
const NONE: u64 = u64::MAX;

/// Names a job in [`Timers`].
pub(crate) type TimerId = Key;

#[derive(Debug)]
pub(crate) struct Timers<J> {
    heap: Vec<Entry>,
    /// Those that came, or came sooner, since anybody asked for the first one, at most [`FRESH_MAX`]; some may be gone.
    fresh: Vec<TimerId>,
    jobs: Slab<Timer<J>>,
    /// For places of `jobs` the order of the live entry; [`NONE`] where there is none, as after the end.
    live: Vec<u64>,
    next_order: u64,
    dead: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    time: Time,
    order: u64,
    job: TimerId,
}

impl Entry {
    #[inline]
    fn is_before(&self, other: &Self) -> bool {
        self.time < other.time || (self.time == other.time && self.order < other.order)
    }
}

#[derive(Debug)]
struct Timer<J> {
    time: Time,
    /// Larger than that of the live entry, if there is one, when the job was moved and not to sooner.
    order: u64,
    job: J,
}

impl<J> Default for Timers<J> {
    fn default() -> Self {
        Self {
            heap: Vec::new(),
            fresh: Vec::new(),
            jobs: Slab::default(),
            live: Vec::new(),
            next_order: 0,
            dead: 0,
        }
    }
}

impl<J> Timers<J> {
    pub(crate) fn schedule(&mut self, time: Time, job: J) -> TimerId {
        self.schedule_with(time, || job)
    }

    /// As `schedule`, inlined, and the job is made where it will be: one that is passed on by way of the stack is written in
    /// halves and read whole, and a processor waits for that longer than the rest takes.
    #[inline(always)]
    pub(crate) fn schedule_with(&mut self, time: Time, make: impl FnOnce() -> J) -> TimerId {
        let order = self.take_order();
        let id = self.jobs.insert_with(|| Timer { time, order, job: make() });
        self.add_fresh(id);
        id
    }

    /// The job, if it has not run: the caller drops it with nothing borrowed, for dropping it is user code.
    #[must_use = "dropping a job runs user code: do it with nothing borrowed"]
    pub(crate) fn cancel(&mut self, id: TimerId) -> Option<J> {
        self.cancel_with(id, |job| job)
    }

    /// As `cancel`, inlined, and gives what `take` makes of the job: one that was set a moment ago is not read whole, for its
    /// words are still on their way to memory, and a processor that reads two of them at once waits until they are there.
    #[inline(always)]
    #[must_use = "dropping a job runs user code: do it with nothing borrowed"]
    pub(crate) fn cancel_with<R>(&mut self, id: TimerId, take: impl FnOnce(J) -> R) -> Option<R> {
        let taken = self.jobs.remove_with(id, |timer| take(timer.job))?;
        if self.fresh.last() == Some(&id) {
            self.fresh.pop();
        } else {
            self.forget_entry(id);
        }
        Some(taken)
    }

    /// Moves a job; counts as a new request for the order of equal times. False if it is gone.
    pub(crate) fn reset(&mut self, id: TimerId, time: Time) -> bool {
        let order = self.take_order();
        let Some(timer) = self.jobs.get_mut(id) else { return false };
        let is_sooner = time < timer.time;
        (timer.time, timer.order) = (time, order);
        if is_sooner && self.forget_entry(id) {
            self.add_fresh(id);
        }
        true
    }

    pub(crate) fn time(&self, id: TimerId) -> Option<Time> {
        self.jobs.get(id).map(|timer| timer.time)
    }

    pub(crate) fn next(&mut self) -> Option<Time> {
        self.bring_up_first().map(|entry| entry.time)
    }

    /// The order that the next request will get: what came before a turn is below it.
    pub(crate) fn horizon(&self) -> u64 {
        self.next_order
    }

    /// Takes the first job, if its time has come and it was asked for below the horizon.
    pub(crate) fn pop_due(&mut self, now: Time, horizon: u64) -> Option<J> {
        let first = self.bring_up_first()?;
        if first.time > now || first.order >= horizon {
            return None;
        }
        self.pop();
        self.live[first.job.index()] = NONE;
        self.purge();
        self.jobs.remove(first.job).map(|timer| timer.job)
    }

    /// Takes all jobs out, in no particular order.
    pub(crate) fn clear(&mut self) -> Vec<J> {
        self.heap.clear();
        self.fresh.clear();
        self.live.clear();
        self.dead = 0;
        let keys = self.jobs.keys();
        keys.into_iter().filter_map(|key| self.jobs.remove(key)).map(|timer| timer.job).collect()
    }

    /// All jobs with their times, in no particular order.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = (TimerId, Time, &J)> {
        self.jobs
            .keys()
            .into_iter()
            .filter_map(|id| self.jobs.get(id).map(|timer| (id, timer.time, &timer.job)))
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    fn take_order(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order - 1
    }

    /// Drops dead entries and re-places moved ones until the first entry is a job's own.
    #[inline]
    fn bring_up_first(&mut self) -> Option<Entry> {
        if !self.fresh.is_empty() {
            self.take_fresh_in();
        }
        loop {
            let first = *self.heap.first()?;
            let live = &mut self.live[first.job.index()];
            if *live != first.order {
                self.dead -= 1;
                self.pop();
                continue;
            }
            let timer = self.jobs.get(first.job).expect("a live entry has a job");
            if timer.order == first.order {
                return Some(first);
            }
            *live = timer.order;
            self.heap[0] = Entry { time: timer.time, order: timer.order, job: first.job };
            self.sift_down(0);
        }
    }

    #[inline(always)]
    fn add_fresh(&mut self, id: TimerId) {
        if self.fresh.len() == FRESH_MAX {
            self.take_fresh_in();
        }
        self.fresh.push(id);
    }

    /// Brings the jobs of the list into the heap, but for those that are gone by now.
    #[cold]
    fn take_fresh_in(&mut self) {
        let mut fresh = std::mem::take(&mut self.fresh);
        for id in fresh.drain(..) {
            let Some(timer) = self.jobs.get(id) else { continue };
            let (time, order) = (timer.time, timer.order);
            if self.live.len() <= id.index() {
                self.live.resize(id.index() + 1, NONE);
            }
            self.live[id.index()] = order;
            self.push(Entry { time, order, job: id });
        }
        self.fresh = fresh;
    }

    /// The live entry at this place is a dead one from now on. Says whether there was one: otherwise the job is in the list.
    fn forget_entry(&mut self, id: TimerId) -> bool {
        match self.live.get_mut(id.index()) {
            Some(live) if *live != NONE => *live = NONE,
            _ => return false,
        }
        self.dead += 1;
        self.purge();
        true
    }

    fn purge(&mut self) {
        if self.dead < PURGE_MIN || self.dead <= self.heap.len() / 2 {
            return;
        }
        let live = &self.live;
        self.heap.retain(|entry| live[entry.job.index()] == entry.order);
        self.dead = 0;
        for at in (0..self.heap.len().div_ceil(ARITY)).rev() {
            self.sift_down(at);
        }
    }

    fn push(&mut self, entry: Entry) {
        self.heap.push(entry);
        self.sift_up(self.heap.len() - 1);
    }

    fn sift_up(&mut self, mut at: usize) {
        let entry = self.heap[at];
        while at > 0 {
            let parent = (at - 1) / ARITY;
            if !entry.is_before(&self.heap[parent]) {
                break;
            }
            self.heap[at] = self.heap[parent];
            at = parent;
        }
        self.heap[at] = entry;
    }

    fn pop(&mut self) {
        if let Some(last) = self.heap.pop()
            && !self.heap.is_empty()
        {
            self.heap[0] = last;
            self.sift_down(0);
        }
    }

    fn sift_down(&mut self, mut at: usize) {
        let entry = self.heap[at];
        loop {
            let first_child = at * ARITY + 1;
            let children = first_child..(first_child + ARITY).min(self.heap.len());
            let least = children.min_by_key(|&child| (self.heap[child].time, self.heap[child].order));
            match least {
                Some(child) if self.heap[child].is_before(&entry) => {
                    self.heap[at] = self.heap[child];
                    at = child;
                }
                _ => break,
            }
        }
        self.heap[at] = entry;
    }
}

#[cfg(test)]
#[expect(clippy::as_conversions, reason = "small numbers")]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// How many random runs there are, of a few thousand steps each.
    const SEEDS: u64 = 20;

    fn at(nanoseconds: u64) -> Time {
        Time::from_nanos(nanoseconds)
    }

    fn drain(timers: &mut Timers<u32>, now: u64) -> Vec<u32> {
        let horizon = timers.horizon();
        std::iter::from_fn(|| timers.pop_due(at(now), horizon)).collect()
    }

    #[test]
    fn equal_times_keep_the_order_of_the_calls_and_a_reset_counts_as_a_call() {
        let mut timers = Timers::default();
        let first = timers.schedule(at(5), 1);
        timers.schedule(at(5), 2);
        timers.schedule(at(4), 3);
        assert!(timers.reset(first, at(5)));
        assert_eq!(timers.next(), Some(at(4)));
        assert_eq!(drain(&mut timers, 5), [3, 2, 1]);
        assert_eq!((timers.len(), timers.next()), (0, None));
    }

    #[test]
    fn a_job_added_while_due_jobs_run_waits_for_the_next_turn() {
        let mut timers = Timers::default();
        timers.schedule(at(1), 1);
        let horizon = timers.horizon();
        assert_eq!(timers.pop_due(at(1), horizon), Some(1));
        timers.schedule(at(1), 2);
        assert_eq!(timers.pop_due(at(1), horizon), None);
        assert_eq!(drain(&mut timers, 1), [2]);
    }

    /// The queue, and a sorted map that must agree with it.
    struct Pair {
        random: u64,
        timers: Timers<u32>,
        model: BTreeMap<(u64, u64), u32>,
        ids: Vec<(TimerId, (u64, u64), u32)>,
        now: u64,
        order: u64,
    }

    impl Pair {
        fn new(seed: u64) -> Self {
            let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let (timers, model, ids) = (Timers::default(), BTreeMap::new(), Vec::new());
            Self { random, timers, model, ids, now: 0, order: 0 }
        }

        fn below(&mut self, limit: usize) -> usize {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            usize::try_from(self.random % 1_000_000).expect("small") % limit
        }

        fn time(&mut self, spread: usize) -> u64 {
            self.now + self.below(spread) as u64
        }

        /// One that was set, the newest in half of all cases.
        fn chosen(&mut self) -> Option<usize> {
            let last = self.ids.len().checked_sub(1)?;
            Some(if self.below(2) == 0 { last } else { self.below(last + 1) })
        }

        fn schedule(&mut self, job: u32, spread: usize) {
            let time = self.time(spread);
            self.ids.push((self.timers.schedule(at(time), job), (time, self.order), job));
            self.model.insert((time, self.order), job);
            self.order += 1;
        }

        fn cancel(&mut self) {
            let Some(chosen) = self.chosen() else { return };
            let (id, key, job) = self.ids.swap_remove(chosen);
            assert_eq!(self.timers.cancel(id), self.model.remove(&key).map(|_| job));
        }

        fn reset(&mut self, spread: usize) {
            let Some(chosen) = self.chosen() else { return };
            let (time, (id, key, job)) = (self.time(spread), self.ids[chosen]);
            let here = self.model.remove(&key).is_some();
            assert_eq!(self.timers.reset(id, at(time)), here);
            if here {
                self.model.insert((time, self.order), job);
                self.ids[chosen].1 = (time, self.order);
            }
            self.order += 1;
        }

        fn pass(&mut self, spread: usize) {
            self.now = self.time(spread);
            let later = self.model.split_off(&(self.now + 1, 0));
            let due: Vec<u32> = std::mem::replace(&mut self.model, later).into_values().collect();
            assert_eq!(drain(&mut self.timers, self.now), due);
        }

        fn first(&self) -> Option<Time> {
            self.model.keys().next().map(|key| at(key.0))
        }

        fn count_all(&self) {
            let timers = &self.timers;
            let is_dead = |entry: &&Entry| timers.live[entry.job.index()] != entry.order;
            let dead = timers.heap.iter().filter(is_dead).count();
            let fresh = timers.fresh.iter().filter(|id| timers.jobs.get(**id).is_some());
            assert_eq!((timers.dead, timers.len()), (dead, self.model.len()));
            assert_eq!(timers.heap.len() - dead + fresh.count(), timers.len(), "each stands in one of them");
            assert!(timers.fresh.len() <= FRESH_MAX);
            assert!(timers.dead < PURGE_MIN || timers.dead <= timers.heap.len() / 2, "are swept out");
        }
    }

    #[test]
    fn agrees_with_a_sorted_map_under_random_operations() {
        let mut pair = Pair::new(1);
        for job in 0..20_000_u32 {
            match pair.below(10) {
                0..4 => pair.schedule(job, 1000),
                4..6 => pair.cancel(),
                6..9 => pair.reset(1000),
                _ => pair.pass(300),
            }
            assert_eq!((pair.timers.len(), pair.timers.next()), (pair.model.len(), pair.first()));
        }
    }

    #[test]
    fn what_is_dead_is_counted_however_long_nobody_asks_for_the_first() {
        for seed in 1..=SEEDS {
            let mut pair = Pair::new(seed);
            let (spread, look) = (1 + pair.below(50), 1 + pair.below(4000));
            let (adds, cancels) = (1 + pair.below(6), 1 + pair.below(4));
            for job in 0..4_000_u32 {
                match pair.below(10) {
                    dice if dice < adds => pair.schedule(job, spread),
                    dice if dice < adds + cancels => pair.cancel(),
                    _ => pair.reset(spread),
                }
                if pair.below(look) == 0 {
                    pair.pass(30);
                }
                pair.count_all();
            }
            assert_eq!(pair.timers.next(), pair.first());
        }
    }

    #[test]
    fn what_is_cancelled_or_moved_to_later_before_anybody_asks_leaves_nothing_behind() {
        let mut timers = Timers::default();
        let kept = timers.schedule(at(5), 0);
        for job in 1..2_000 {
            let id = timers.schedule(at(1), job);
            assert_eq!(timers.cancel(id), Some(job));
            assert!(timers.reset(kept, at(5 + u64::from(job))));
        }
        assert_eq!((timers.fresh.len(), timers.heap.len()), (1, 0));
        assert_eq!(timers.next(), Some(at(2_004)));
        for _ in 0..1_000 {
            assert!(timers.reset(kept, at(3_000)), "later once, and then no sooner");
        }
        assert_eq!((timers.fresh.len(), timers.heap.len(), timers.dead), (0, 1, 0));
        assert!(drain(&mut timers, 2_999).is_empty());
        assert_eq!(drain(&mut timers, 3_000), [0]);
    }

    #[test]
    fn nothing_of_those_before_is_left_after_a_clear() {
        let mut timers = Timers::default();
        let before: Vec<TimerId> = (0..10).map(|job| timers.schedule(at(1), job)).collect();
        assert_eq!(timers.next(), Some(at(1)));
        assert!(before[..5].iter().all(|id| timers.cancel(*id).is_some()));
        timers.schedule(at(1), 10);
        assert_eq!(timers.clear().len(), 6);
        assert_eq!((timers.fresh.len(), timers.heap.len(), timers.dead, timers.len()), (0, 0, 0, 0));
        let after: Vec<TimerId> = (20..30).map(|job| timers.schedule(at(9), job)).collect();
        assert!(after.iter().all(|id| timers.reset(*id, at(8))));
        assert_eq!((timers.fresh.len(), timers.dead), (10, 0), "each once: they were in the list");
        assert_eq!(drain(&mut timers, 8), Vec::from_iter(20..30));
        assert!(before.iter().all(|id| !timers.reset(*id, at(1))));
    }

    #[test]
    fn the_dead_are_swept_out_too_when_the_living_fire() {
        let mut timers = Timers::default();
        for job in 0..1000 {
            timers.schedule(at(1), job);
        }
        timers.schedule(at(2), 1000);
        let far: Vec<TimerId> = (0..900).map(|job| timers.schedule(at(3), job)).collect();
        assert!(timers.fresh.len() <= FRESH_MAX, "the list is taken in when it is full");
        assert_eq!(timers.next(), Some(at(1)));
        assert!(far.into_iter().all(|id| timers.cancel(id).is_some()));
        assert_eq!(timers.dead, 900, "fewer than the living");
        assert_eq!(drain(&mut timers, 1).len(), 1000);
        assert!(timers.heap.len() < PURGE_MIN, "{} entries for one timer", timers.heap.len());
    }
}
