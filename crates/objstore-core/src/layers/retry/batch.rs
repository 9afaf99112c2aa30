//! A batch, of which each item has its own outcome.

use std::time::Duration;

use super::{
    Retries,
    attempts::Attempts,
    change::{DeleteObject, Review, give_up, review},
};
use crate::{DeleteItem, Deleted, Effect, Error, ObjectStore as _, Result, Retry, layers::no_answer};

/// An item without an outcome so far.
struct Pending {
    place: usize,
    item: DeleteItem,
    in_doubt: bool,
    error: Option<Error>,
}

/// Deletes a batch; what is to be tried again is sent as a smaller one.
pub(super) async fn delete_many(retries: &Retries, items: Vec<DeleteItem>) -> Vec<Result<Deleted>> {
    let mut results: Vec<Result<Deleted>> = items.iter().map(|_| Err(no_answer())).collect();
    let mut pending: Vec<_> =
        (0..).zip(items).map(|(place, item)| Pending { place, item, in_doubt: false, error: None }).collect();
    let mut attempts = retries.rule.start();
    loop {
        let batch = pending.iter().map(|pending| pending.item.clone()).collect();
        let mut answers = retries.inner.delete_many(batch).await.into_iter();
        let mut again = Vec::new();
        for mut item in pending {
            let answer = answers.next().unwrap_or_else(|| Err(no_answer().with_key(&item.item.key)));
            if let Some(result) = judge(retries, &mut item, answer, &attempts).await {
                set(&mut results, item.place, result);
            } else {
                again.push(item);
            }
        }
        let slowest = again.iter().filter_map(|item| item.error.as_ref()).max_by_key(|error| asked(error));
        let Some(slowest) = slowest else {
            attempts.succeeded();
            return results;
        };
        if !attempts.again(slowest).await {
            end(retries, again, &attempts, &mut results).await;
            return results;
        }
        pending = again;
    }
}

/// The outcome of an item, or none if it is to be sent again.
async fn judge(
    retries: &Retries,
    item: &mut Pending,
    answer: Result<Deleted>,
    attempts: &Attempts,
) -> Option<Result<Deleted>> {
    let error = match answer {
        Ok(deleted) => return Some(Ok(deleted)),
        Err(error) => error,
    };
    let mut change = change(retries, &item.item);
    match review(&mut change, error, &mut item.in_doubt).await {
        Review::Done(deleted) => Some(Ok(deleted)),
        Review::Over(error) => Some(Err(attempts.sign(error))),
        Review::Again(error) if matches!(error.retry(), Retry::After(_)) => {
            item.error = Some(error);
            None
        }
        Review::Again(error) => Some(give_up(&mut change, error, item.in_doubt, attempts).await),
    }
}

/// Ends the items that may not be sent again. After a look that failed no other is made.
async fn end(retries: &Retries, items: Vec<Pending>, attempts: &Attempts, results: &mut [Result<Deleted>]) {
    let mut sighted = true;
    for mut item in items {
        let error = item.error.take().unwrap_or_else(no_answer);
        let result = if sighted {
            give_up(&mut change(retries, &item.item), error, item.in_doubt, attempts).await
        } else if item.in_doubt {
            Err(attempts.sign(error.with_effect(Effect::Unknown)))
        } else {
            Err(attempts.sign(error))
        };
        sighted &= !matches!(&result, Err(error) if *error.effect() == Effect::Unknown);
        set(results, item.place, result);
    }
}

fn change<'a>(retries: &'a Retries, item: &'a DeleteItem) -> DeleteObject<'a> {
    DeleteObject { retries, key: &item.key, options: item.options.clone() }
}

fn set(results: &mut [Result<Deleted>], place: usize, result: Result<Deleted>) {
    if let Some(slot) = results.get_mut(place) {
        *slot = result;
    }
}

fn asked(error: &Error) -> Duration {
    match error.retry() {
        Retry::After(delay) => delay,
        _ => Duration::ZERO,
    }
}
