//! Makes a bad plan smaller, as long as it stays bad for the same reason, in the same words.

use std::sync::Arc;

use super::{
    plan::{At, Item, Plan, What},
    runner::{Runner, Violation},
};

/// How many histories may be spent on one plan.
const BUDGET: u32 = 500;

/// The smallest plan that is found, and what it violates.
pub(super) fn shrink<W>(runner: &mut Runner<'_, W>, plan: Plan, violation: Violation) -> (Plan, Violation) {
    let mut shrinker = Shrinker { runner, plan, violation, budget: BUDGET };
    while shrinker.pass() {}
    (shrinker.plan, shrinker.violation)
}

struct Shrinker<'s, 'r, W> {
    runner: &'s mut Runner<'r, W>,
    plan: Plan,
    violation: Violation,
    budget: u32,
}

impl<W> Shrinker<'_, '_, W> {
    /// Tries everything once. Says whether something became smaller.
    fn pass(&mut self) -> bool {
        let removed = self.remove_items();
        let lowered = self.lower_items();
        removed || lowered
    }

    /// Whether a smaller plan is bad for the same reason; if so, it is the plan from here on.
    fn takes(&mut self, plan: Plan) -> bool {
        if self.budget == 0 || plan == self.plan {
            return false;
        }
        self.budget -= 1;
        match self.runner.judge(&plan).violation {
            Some(violation) if violation.is_like(&self.violation) => {
                (self.plan, self.violation) = (plan, violation);
                true
            }
            _ => false,
        }
    }

    fn remove_items(&mut self) -> bool {
        let mut shrunk = false;
        let mut n = self.plan.items().len();
        while n > 0 {
            n -= 1;
            let mut plan = self.plan.clone();
            plan.items_mut().remove(n);
            if plan.items().iter().all(|item| item.what != What::Switch) {
                plan.set_race(false);
            }
            shrunk |= self.takes(plan);
            n = n.min(self.plan.items().len());
        }
        shrunk
    }

    fn lower_items(&mut self) -> bool {
        let mut shrunk = false;
        for n in 0..self.plan.items().len() {
            while let Some(lower) = self.lowered(n) {
                if !lower.into_iter().any(|plan| self.takes(plan)) {
                    break;
                }
                shrunk = true;
            }
        }
        shrunk
    }

    /// Plans in which item `n` is simpler or earlier, the boldest first.
    fn lowered(&self, n: usize) -> Option<Vec<Plan>> {
        let item = self.plan.items().get(n)?;
        let items = lower_number(item).into_iter().chain(lower_place(item));
        let with = |item: Item| {
            let mut plan = self.plan.clone();
            plan.items_mut()[n] = item;
            plan
        };
        Some(items.map(with).collect())
    }
}

/// Smaller numbers, the smallest first: all of them if they are few.
fn below(number: u64, least: u64) -> Vec<u64> {
    const FEW: u64 = 32;
    let few = (least..number).take(FEW as usize);
    let bold = [number / 2, number.saturating_sub(1)].into_iter().filter(|lower| *lower >= least + FEW);
    few.chain(bold).collect()
}

fn lower_place(item: &Item) -> Vec<Item> {
    let (place, make): (u32, fn(u32) -> At) = match item.at {
        At::Index(place) => (place, At::Index),
        At::Pass(place) => (place, At::Pass),
    };
    let lower = below(place.into(), 1).into_iter().filter_map(|place| u32::try_from(place).ok());
    lower.map(|place| Item { what: item.what.clone(), at: make(place) }).collect()
}

fn lower_number(item: &Item) -> Vec<Item> {
    let small = |number: u32| below(number.into(), 1).into_iter().filter_map(|number| u32::try_from(number).ok());
    let whats: Vec<What> = match &item.what {
        What::RateLimited(seconds) => small(*seconds).map(What::RateLimited).collect(),
        What::Stale(behind) => small(*behind).map(What::Stale).collect(),
        What::SlowJob(looks) => small(*looks).map(What::SlowJob).collect(),
        What::Event(name, number) => {
            below(*number, 0).into_iter().map(|number| What::Event(Arc::clone(name), number)).collect()
        }
        _ => Vec::new(),
    };
    whats.into_iter().map(|what| Item { what, at: item.at }).collect()
}
