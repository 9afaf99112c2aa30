//! Drawn sequences of faults, events and jumps of the clock.

use std::sync::Arc;

use super::{
    explore::{Exploration, Places},
    plan::{Item, Plan, What},
    shrink::shrink,
};

/// How many findings that are alike are made smaller.
const SHRUNK: u64 = 3;

/// The most items that are drawn into one plan.
const ITEMS: u64 = 6;

/// Events come before one of the first passes.
const PASSES: u32 = 5;

pub(super) fn explore<W>(exploration: &mut Exploration<'_, W>, clean: &Places) {
    for _ in 0..exploration.kit.settings.random {
        let plan = draw(exploration, clean);
        exploration.report.random += 1;
        run(exploration, plan);
    }
}

/// Runs a drawn plan; if it is bad, a smaller one is reported.
pub(super) fn run<W>(exploration: &mut Exploration<'_, W>, plan: Plan) {
    let ran = exploration.runner.judge(&plan);
    let Some(violation) = ran.violation else {
        if let Some(hash) = ran.end {
            exploration.report.saw_end_state(hash);
        }
        return;
    };
    let plan = ran.blamed.unwrap_or(plan);
    let known = exploration.report.count_of(violation.reason, &violation.detail);
    let (plan, violation) =
        if known < SHRUNK { shrink(&mut exploration.runner, plan, violation) } else { (plan, violation) };
    exploration.report.add(super::runner::finding(violation, plan));
}

fn draw<W>(exploration: &mut Exploration<'_, W>, clean: &Places) -> Plan {
    let items = 1 + exploration.rng.below(ITEMS);
    // One way to place events in each plan: they come in the same order, whatever the faults.
    let by_pass = exploration.rng.below(2) == 0 || exploration.kit.settings.threads;
    (0..items).fold(Plan::clean(), |plan, _| match draw_item(exploration, clean, by_pass) {
        Some(item) => plan.with(item),
        None => plan,
    })
}

fn draw_item<W>(exploration: &mut Exploration<'_, W>, clean: &Places, by_pass: bool) -> Option<Item> {
    let settings = &exploration.kit.settings;
    let (events, jumps) = (exploration.kit.events.len() as u64, settings.jumps.len() as u64);
    let rng = &mut exploration.rng;
    let outside = (events + jumps > 0) && rng.below(5) < 2;
    if !outside {
        return draw_fault(exploration, clean);
    }
    let what = if rng.below(events + jumps) < events {
        let number = if rng.below(4) == 0 { rng.next() } else { rng.below(16) };
        What::Event(Arc::clone(&rng.pick(&exploration.kit.events)?.name), number)
    } else {
        What::Jump(*rng.pick(&settings.jumps)?)
    };
    Some(if by_pass { what.before_pass(rng.index(PASSES)) } else { what.at(rng.index(clean.polls() * 2)) })
}

/// Beyond the end of the clean history, too: recovery makes histories longer.
pub(super) fn draw_fault<W>(exploration: &mut Exploration<'_, W>, clean: &Places) -> Option<Item> {
    let rng = &mut exploration.rng;
    if !exploration.kit.settings.threads && rng.below(3) == 0 {
        return Some(What::Drop.at(rng.index(clean.polls() * 2)));
    }
    let index = rng.index(clean.calls() * 2);
    let mut kinds = Vec::new();
    clean.kinds_at(index, &mut kinds);
    rng.pick(&kinds).cloned().map(|what| what.at(index))
}
