//! What a plan still has to do between polls.

use super::plan::{At, Item, Plan, What};

/// The items of a plan that are not faults of calls, and which of them were done.
#[derive(Debug)]
pub(super) struct Agenda<'h> {
    items: &'h [Item],
    /// One bit for each item.
    done: u64,
}

impl<'h> Agenda<'h> {
    pub(super) fn new(plan: &'h Plan) -> Self {
        let mut done = 0;
        for (n, item) in plan.items().iter().enumerate() {
            done |= u64::from(item.what.is_of_calls()) << n;
        }
        Self { items: plan.items(), done }
    }

    fn left(&self) -> impl Iterator<Item = (usize, &'h Item)> + use<'h> {
        let done = self.done;
        self.items.iter().enumerate().filter(move |(n, _)| done & (1 << n) == 0)
    }

    fn take(&mut self, found: Option<(usize, &'h Item)>) -> Option<&'h What> {
        let (n, item) = found?;
        self.done |= 1 << n;
        Some(&item.what)
    }

    /// The next item that happens after this poll.
    pub(super) fn after_poll(&mut self, poll: u32) -> Option<&'h What> {
        let found = self.left().find(|(_, item)| item.at == At::Index(poll));
        self.take(found)
    }

    /// The next item that happens before this pass.
    pub(super) fn before_pass(&mut self, pass: u32) -> Option<&'h What> {
        let found = self.left().find(|(_, item)| matches!(item.at, At::Pass(at) if at <= pass));
        self.take(found)
    }

    /// The next event that was not reached. It happens all the same, so that all histories of one plan have it.
    pub(super) fn not_reached(&mut self) -> Option<&'h What> {
        let events = self.left().filter(|(_, item)| matches!(item.what, What::Jump(_) | What::Event(..)));
        let first = events.min_by_key(|(_, item)| item.at);
        self.take(first)
    }

    pub(super) fn has_switches(&self) -> bool {
        self.left().any(|(_, item)| item.what == What::Switch)
    }
}
