//! `objstore sweep`.

use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use objstore_core::{Clock as _, PageToken, SystemClock, UploadInfo};
use serde_json::{Value, json};

use crate::exit::Ended;
use crate::output::Output;
use crate::place::Place;
use crate::{args, meta};

pub(crate) async fn run(args: args::Sweep, output: &Output) -> anyhow::Result<()> {
    let place = Place::open(&args.store, output).await?;
    let now = SystemClock.now();
    // All pages first: giving one up changes the list that is being read.
    let uploads = find(&place).await?;
    let mut swept = Vec::with_capacity(uploads.len());
    let mut failure = None;
    for upload in uploads {
        let verdict = judge(&upload, now, args.older_than);
        let done = match verdict {
            Verdict::Old if args.dry_run => Done::WouldGo,
            Verdict::Old => match place.store.abort_upload(&upload.key, &upload.id).await {
                Ok(()) => Done::Gone,
                Err(error) => {
                    let shown = error.to_string();
                    failure.get_or_insert(error);
                    Done::Failed(shown)
                }
            },
            Verdict::Young => Done::Kept("younger than --older-than"),
            Verdict::Undated => Done::Kept("the store does not say when it was started"),
        };
        swept.push((upload, done));
    }
    output.result(&as_json(&swept, now), &as_text(&swept, &args, &place))?;
    match failure {
        None => Ok(()),
        Some(error) => Err(anyhow::Error::new(error).context("not every upload could be given up")),
    }
}

enum Verdict {
    Old,
    Young,
    Undated,
}

enum Done {
    Gone,
    WouldGo,
    Kept(&'static str),
    Failed(String),
}

fn judge(upload: &UploadInfo, now: SystemTime, limit: Duration) -> Verdict {
    match upload.started {
        None => Verdict::Undated,
        Some(started) if now.duration_since(started).unwrap_or_default() >= limit => Verdict::Old,
        Some(_) => Verdict::Young,
    }
}

async fn find(place: &Place) -> anyhow::Result<Vec<UploadInfo>> {
    let (mut found, mut after): (Vec<UploadInfo>, Option<PageToken>) = (Vec::new(), None);
    loop {
        let page = place.store.uploads_page(&place.prefix, after.clone()).await;
        let page = page.with_context(|| format!("cannot list the uploads of {}", place.store))?;
        found.extend(page.uploads);
        match page.next {
            None => return Ok(found),
            next if next == after => {
                return Err(Ended::not_kept("the store returned the same page again: its listing would never end"));
            }
            next => after = next,
        }
    }
}

fn as_json(swept: &[(UploadInfo, Done)], now: SystemTime) -> Value {
    let entry = |(upload, done): &(UploadInfo, Done)| {
        let (outcome, why) = match done {
            Done::Gone => ("given_up", None),
            Done::WouldGo => ("would_be_given_up", None),
            Done::Kept(why) => ("kept", Some((*why).to_owned())),
            Done::Failed(why) => ("failed", Some(why.clone())),
        };
        json!({
            "key": upload.key.as_str(),
            "upload": upload.id.as_str(),
            "started": upload.started.map(meta::time),
            "age_seconds": age(upload, now).map(|age| age.as_secs()),
            "outcome": outcome,
            "why": why,
        })
    };
    swept.iter().map(entry).collect()
}

fn as_text(swept: &[(UploadInfo, Done)], args: &args::Sweep, place: &Place) -> String {
    let mut text = String::new();
    for (upload, done) in swept {
        let started = upload.started.map_or_else(|| "at an unknown time".to_owned(), meta::time);
        let (verb, why) = match done {
            Done::Gone => ("gave up", ""),
            Done::WouldGo => ("would give up", ""),
            Done::Kept(why) => ("kept", *why),
            Done::Failed(why) => ("FAILED to give up", why.as_str()),
        };
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        text.push_str(&format!("{verb} the upload of {} started {started}{why}\n", upload.key));
    }
    let gone = swept.iter().filter(|(_, done)| matches!(done, Done::Gone | Done::WouldGo)).count();
    let would = if args.dry_run { "would be " } else { "" };
    text.push_str(&format!("{}: {} unfinished, {gone} {would}given up\n", place.store, swept.len()));
    text
}

fn age(upload: &UploadInfo, now: SystemTime) -> Option<Duration> {
    upload.started.map(|started| now.duration_since(started).unwrap_or_default())
}
