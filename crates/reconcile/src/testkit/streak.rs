//! How long everything has gone well: converged, quiet, or neither in time.

use super::claim::Claim;

/// Counts the passes that nothing disturbed.
#[derive(Debug)]
pub(super) struct Streak {
    controllers: u32,
    /// In how many passes each controller must converge.
    passes: u32,
    /// In how many further ones it must write nothing.
    quiet: u32,
    /// Passes in a row that nothing disturbed.
    clean: u32,
    /// Those of them at the end that claimed to be ready; only the first may have written.
    ready: u32,
    /// Which controllers were among those.
    who: [bool; 2],
}

/// A controller that was ready wrote again, although nobody else had.
pub(super) struct Restless;

impl Streak {
    pub(super) fn new(controllers: u32, passes: u32, quiet: u32) -> Self {
        Self { controllers, passes, quiet, clean: 0, ready: 0, who: [false; 2] }
    }

    /// Something happened: counting begins anew.
    pub(super) fn begin_anew(&mut self) {
        self.clean = 0;
        self.not_ready();
    }

    fn not_ready(&mut self) {
        self.ready = 0;
        self.who = [false; 2];
    }

    /// The other controller is to run: this one has had its time.
    pub(super) fn give_time(&mut self) {
        self.clean = 0;
    }

    /// A pass that nothing disturbed has ended.
    pub(super) fn count(&mut self, controller: usize, claim: Claim, wrote: bool) -> Result<(), Restless> {
        self.clean += 1;
        if wrote && claim == Claim::Ready && self.who[controller] && self.quiet > 0 {
            return Err(Restless);
        }
        if wrote || claim == Claim::NotReady {
            self.not_ready();
        }
        if claim == Claim::Ready {
            self.ready += 1;
            self.who[controller] = true;
        }
        Ok(())
    }

    /// Whether this controller has nothing left to do.
    pub(super) fn is_idle(&self, controller: usize) -> bool {
        self.who[controller] && self.ready > self.quiet
    }

    /// Whether all have converged and were quiet for as long as they must.
    pub(super) fn is_settled(&self) -> bool {
        self.all_were_quiet(self.quiet)
    }

    /// Whether all have just been quiet once: what follows only repeats.
    pub(super) fn begins_to_repeat(&self) -> bool {
        self.all_were_quiet(1) && self.ready == 2 * self.controllers
    }

    fn all_were_quiet(&self, passes: u32) -> bool {
        let all = self.who.iter().take(self.controllers as usize).all(|was| *was);
        all && self.ready >= self.controllers * (1 + passes)
    }

    /// Whether it has not converged in time. One that is ready and then is not gets twice as long.
    pub(super) fn is_exhausted(&self) -> bool {
        let passes = self.passes * self.controllers;
        self.clean >= if self.ready == 0 { passes } else { 2 * (passes + self.quiet * self.controllers) }
    }
}
