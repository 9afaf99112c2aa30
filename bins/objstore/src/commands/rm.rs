//! `objstore rm`.

use std::num::NonZeroU32;

use anyhow::Context as _;
use objstore_core::{
    Clock as _, Condition, DeleteOptions, ErrorKind, ListOptions, ObjectMeta, Prefix, Promise, ReadOptions, Revision,
    SystemClock, Verdict, VersionId,
};
use serde_json::{Value, json};

use crate::exit::Ended;
use crate::output::Output;
use crate::place::Spot;
use crate::signal::until_signal;
use crate::{args, meta};

pub(crate) async fn run(args: args::Rm, output: &Output) -> anyhow::Result<()> {
    // All are looked at before the first is deleted: a prefix among them is a mistake.
    let mut plans = Vec::with_capacity(args.urls.len());
    for url in &args.urls {
        plans.push(Plan::make(url, args.delete_versions, output).await?);
    }
    let mut said = Vec::with_capacity(plans.len());
    let mut failure = None;
    for plan in plans {
        let done = match args.dry_run {
            true => Ok(plan.intended()),
            false => until_signal("this object was deleted or not: look", plan.carry_out()).await,
        };
        match done {
            Ok((value, line)) => said.push((value, line)),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    let values: Value = said.iter().map(|(value, _)| value.clone()).collect();
    let lines: String = said.iter().map(|(_, line)| format!("{line}\n")).collect();
    if failure.is_none() || !said.is_empty() {
        output.result(&values, &lines)?;
    }
    failure.map_or(Ok(()), Err)
}

/// What is to be deleted.
struct Plan {
    spot: Spot,
    /// The object as it was seen.
    seen: Option<Seen>,
    /// Its stored versions, oldest first, if they shall go.
    versions: Option<Vec<VersionId>>,
}

struct Seen {
    revision: Revision,
    size: u64,
}

impl Plan {
    async fn make(text: &str, versions: bool, output: &Output) -> anyhow::Result<Self> {
        let url = crate::place::parse(text)?;
        if url.path().is_empty() || url.path().ends_with('/') {
            return Err(Ended::refused(format!("{url} is a prefix: name each object that shall go")));
        }
        let spot = Spot::open(text, output).await?;
        let seen = match spot.store.head(&spot.key, ReadOptions::new()).await {
            Ok(meta) => {
                check_protection(&spot, &meta)?;
                Some(Seen { revision: meta.revision, size: meta.size })
            }
            Err(error) if error.is_not_found() => {
                check_no_prefix(&spot).await?;
                None
            }
            Err(error) => return Err(anyhow::Error::new(error).context(format!("cannot look at {}", spot.url))),
        };
        let versions = if versions { Some(find_versions(&spot).await?) } else { None };
        Ok(Self { spot, seen, versions })
    }

    fn intended(&self) -> (Value, String) {
        let versions = self.versions.as_ref().map(Vec::len);
        let value = json!({
            "url": self.spot.url.to_string(),
            "store": self.spot.store.to_string(),
            "dry_run": true,
            "existed": self.seen.is_some(),
            "bytes": self.seen.as_ref().map(|seen| seen.size),
            "versions": versions,
        });
        let what = match (&self.seen, versions) {
            (_, Some(versions)) => format!("would delete {versions} versions of {}", self.spot.url),
            (Some(seen), None) => format!("would delete {} ({} bytes)", self.spot.url, seen.size),
            (None, None) => format!("{} is not there", self.spot.url),
        };
        (value, what)
    }

    async fn carry_out(&self) -> anyhow::Result<(Value, String)> {
        match &self.versions {
            Some(versions) => self.delete_versions(versions).await,
            None => self.delete().await,
        }
    }

    async fn delete(&self) -> anyhow::Result<(Value, String)> {
        let url = &self.spot.url;
        let Some(seen) = &self.seen else {
            return Ok((self.value(false, false, false), format!("{url} was not there")));
        };
        // Where the store is known to compare, only what was seen is deleted.
        let compares = self.spot.store.capabilities().verdict(Promise::ConditionalDelete) == Verdict::Verified;
        let mut options = DeleteOptions::new();
        if compares {
            options = options.with_condition(Condition::Matches(seen.revision.clone()));
        }
        let deleted = self.spot.store.delete(&self.spot.key, options).await;
        let deleted = deleted.with_context(|| format!("cannot delete {url}"))?;
        let hidden = deleted.delete_marker.is_some();
        let line = match hidden {
            true => {
                format!("hid {url} behind a delete marker: its {} bytes stay stored (--delete-versions)", seen.size)
            }
            false => format!("deleted {url} ({} bytes)", seen.size),
        };
        Ok((self.value(true, compares, hidden), line))
    }

    fn value(&self, existed: bool, conditional: bool, hidden: bool) -> Value {
        json!({
            "url": self.spot.url.to_string(),
            "store": self.spot.store.to_string(),
            "existed": existed,
            "conditional": conditional,
            "hidden": hidden,
            "bytes": self.seen.as_ref().map(|seen| seen.size),
        })
    }

    async fn delete_versions(&self, versions: &[VersionId]) -> anyhow::Result<(Value, String)> {
        let url = &self.spot.url;
        for (done, version) in versions.iter().enumerate() {
            let options = DeleteOptions::new().with_version(version.clone());
            let deleted = self.spot.store.delete(&self.spot.key, options).await;
            deleted.with_context(|| format!("cannot delete {url} (after {done} of {} versions)", versions.len()))?;
        }
        let mut value = self.value(!versions.is_empty(), false, false);
        value["versions"] = versions.len().into();
        Ok((value, format!("deleted {} versions of {url}", versions.len())))
    }
}

/// A plain delete of what is locked "succeeds" with a marker: it is refused here.
fn check_protection(spot: &Spot, meta: &ObjectMeta) -> anyhow::Result<()> {
    let protection = &meta.protection;
    let until = protection.retain_until.filter(|until| *until > SystemClock.now());
    match (until, protection.hold) {
        (Some(until), _) => Err(Ended::refused(format!("{} is locked until {}", spot.url, meta::time(until)))),
        (None, Some(true)) => Err(Ended::refused(format!("{} is under a legal hold", spot.url))),
        _ => Ok(()),
    }
}

/// Whoever names `a` where only `a/b` is wants to delete a place.
async fn check_no_prefix(spot: &Spot) -> anyhow::Result<()> {
    let Ok(below) = Prefix::root().child(spot.key.as_str()) else { return Ok(()) };
    let page = spot.store.list_page(&below, ListOptions::new().with_limit(NonZeroU32::MIN)).await;
    match page {
        Ok(page) if page.objects.is_empty() && page.prefixes.is_empty() && page.invalid.is_empty() => Ok(()),
        Ok(_) => Err(Ended::refused(format!(
            "{} is a prefix with objects below it, and no object: name each object that shall go",
            spot.url
        ))),
        // Without the permission to list it is not known, and nothing is deleted anyhow.
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::InvalidInput) => Ok(()),
        Err(error) => Err(anyhow::Error::new(error).context(format!("cannot look below {}", spot.url))),
    }
}

/// All stored versions and markers of the object, oldest first: so none comes back into view before the last is gone.
async fn find_versions(spot: &Spot) -> anyhow::Result<Vec<VersionId>> {
    let mut found = Vec::new();
    let mut options = ListOptions::new().with_versions(true).with_delimited(true);
    loop {
        let page = spot.store.list_page(&spot.key.parent(), options.clone()).await;
        let page = page.with_context(|| format!("cannot list the versions of {}", spot.url))?;
        for object in page.objects.into_iter().filter(|object| object.key == spot.key) {
            check_protection(spot, &object)?;
            found.extend(object.version);
        }
        if page.next.is_none() || page.next == options.after {
            break;
        }
        options.after = page.next;
    }
    found.reverse();
    Ok(found)
}
