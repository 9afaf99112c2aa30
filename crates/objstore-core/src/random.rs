//! Where chance comes from.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::{BuildHasher as _, Hasher as _},
    sync::atomic::{AtomicU64, Ordering},
};

/// Random numbers as a component, so that a failure can be replayed from its seed.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// Any number, each as likely as the others.
    fn next(&self) -> u64;
}

/// The system's random numbers.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to configure")]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn next(&self) -> u64 {
        // Where the system has none to give now, the standard library's own seed still differs at each call.
        getrandom::u64().unwrap_or_else(|_| RandomState::new().build_hasher().finish())
    }
}

/// The same numbers for the same seed (SplitMix64): for tests and replays, not for secrets.
#[derive(Debug)]
pub struct SeededRandom(AtomicU64);

impl SeededRandom {
    /// The numbers of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Random for SeededRandom {
    fn next(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let state = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// 128 random bits in hexadecimal, for a name that nobody else takes.
pub(crate) fn random_name(random: &dyn Random) -> String {
    format!("{:016x}{:016x}", random.next(), random.next())
}
