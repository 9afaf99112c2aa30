//! Two controllers at once: when they switch.

use super::{
    explore::{Exploration, Places},
    plan::{Plan, What},
    random::{draw_fault, run},
};

/// The most switches that are drawn into one plan.
const SWITCHES: u64 = 8;

pub(super) fn explore<W>(exploration: &mut Exploration<'_, W>) {
    let most = u64::from(exploration.kit.settings.races);
    if most == 0 || exploration.kit.settings.threads {
        return;
    }
    let turns = exploration.judge(&Plan::race());
    exploration.report.races = 1;
    let places = exploration.places(&turns);
    // Up to here the controllers have something to do together; a little more, since a race makes them slower.
    let polls = turns.until.polls + turns.until.polls / 4;
    for switches in schedules(polls, most) {
        judge(exploration, &switches);
    }
    while exploration.report.races < most {
        let plan = draw(exploration, &places, polls);
        exploration.report.races += 1;
        run(exploration, plan);
    }
}

/// All ways to switch once, and twice if they are not more than `most`.
fn schedules(polls: u32, most: u64) -> Vec<Vec<u32>> {
    let mut all: Vec<Vec<u32>> = (1..=polls).map(|first| vec![first]).collect();
    let pairs = u64::from(polls) * u64::from(polls.saturating_sub(1)) / 2;
    if pairs + u64::from(polls) < most {
        all.extend((1..=polls).flat_map(|first| (first + 1..=polls).map(move |second| vec![first, second])));
    }
    all.truncate(usize::try_from(most.saturating_sub(1)).unwrap_or(usize::MAX));
    all
}

fn judge<W>(exploration: &mut Exploration<'_, W>, switches: &[u32]) {
    exploration.report.races += 1;
    exploration.judge(&with_switches(switches));
}

fn with_switches(switches: &[u32]) -> Plan {
    switches.iter().fold(Plan::race(), |plan, at| plan.with(What::Switch.at(*at)))
}

/// Two to eight switches, and in one plan of four a fault.
fn draw<W>(exploration: &mut Exploration<'_, W>, places: &Places, polls: u32) -> Plan {
    let count = 2 + exploration.rng.below(SWITCHES - 1);
    let mut switches: Vec<u32> = (0..count).map(|_| exploration.rng.index(polls)).collect();
    switches.sort_unstable();
    switches.dedup();
    let plan = with_switches(&switches);
    if exploration.rng.below(4) > 0 {
        return plan;
    }
    match draw_fault(exploration, places) {
        Some(fault) => plan.with(fault),
        None => plan,
    }
}
