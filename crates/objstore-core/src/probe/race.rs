//! Several at once, of whom one may win.

use std::future::Future;

use futures::future::join_all;

use super::{
    finding::{Finding, Held, is_refusal},
    ground::Ground,
};
use crate::{ObjectKey, Result};

/// How often a round without a winner is played again.
const REPLAYS: u32 = 3;

/// What the writers of a round were told.
pub(super) struct Round {
    winners: Vec<u64>,
    losers: usize,
    unclear: Option<String>,
}

impl Round {
    /// What these writers, by their marks, were told.
    pub(super) fn of<T>(marks: &[u64], results: Vec<Result<T>>) -> Self {
        let mut round = Self { winners: Vec::new(), losers: 0, unclear: None };
        for (mark, result) in marks.iter().zip(results) {
            match result {
                Ok(_) => round.winners.push(*mark),
                Err(error) if is_refusal(&error) => round.losers = round.losers.saturating_add(1),
                Err(error) => round.unclear = Some(error.to_string()),
            }
        }
        round
    }

    fn writers(&self) -> usize {
        self.winners.len().saturating_add(self.losers)
    }
}

impl Ground {
    /// Plays rounds in which `width` writers compete for a key, and exactly one must win. `start` prepares a key, `write`
    /// writes as a writer of this mark.
    pub(super) async fn race<K, S, SF, W, WF, T>(&self, width: u32, rounds: u32, start: S, write: W) -> Held
    where
        K: Send + Sync,
        S: Fn() -> SF + Send + Sync,
        SF: Future<Output = Held<(ObjectKey, K)>> + Send,
        W: Fn(ObjectKey, K, u64) -> WF + Send + Sync,
        WF: Future<Output = Result<T>> + Send,
        K: Clone,
        T: Send,
    {
        for _ in 0..rounds {
            let mut replays = 0;
            loop {
                let (key, known) = start().await?;
                let marks: Vec<_> = (0..width).map(|_| self.number()).collect();
                let writers = marks.iter().map(|mark| write(key.clone(), known.clone(), *mark));
                let round = Round::of(&marks, join_all(writers).await);
                if self.judge(&key, round, replays >= REPLAYS).await? {
                    break;
                }
                replays = replays.saturating_add(1);
            }
        }
        Ok(())
    }

    /// Whether the round had a winner.
    pub(super) async fn judge(&self, key: &ObjectKey, round: Round, last: bool) -> Held<bool> {
        let width = round.writers();
        match (round.winners.as_slice(), round.unclear) {
            ([winner], unclear) => {
                let holder = self.holder(key).await?;
                match unclear {
                    _ if holder == *winner => Ok(true),
                    Some(unclear) => Err(Finding::unknown(unclear)),
                    None => Err(Finding::racy("one writer was told that it won, and another's body is there")),
                }
            }
            ([], Some(unclear)) => Err(Finding::unknown(unclear)),
            ([], None) if last => Err(Finding::rejected(format!("of {width} writers at once none ever won"))),
            ([], None) => Ok(false),
            (several, _) => Err(Finding::racy(format!("of {width} writers at once {} won", several.len()))),
        }
    }
}
