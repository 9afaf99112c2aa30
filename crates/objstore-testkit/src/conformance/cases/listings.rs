//! Listings.

use std::num::NonZeroU32;

use futures::TryStreamExt as _;
use objstore_core::{DeleteOptions, ErrorKind, ListOptions, ObjectStoreExt as _, PageToken, Prefix};

use super::super::{
    failure::{Failure, Found, ensure, same},
    home::Home,
};

/// Unsorted, and such that a walk through folders which sorts names without the `/` would put `a/b` before `a.b`.
const NAMES: [&str; 12] = ["z/ö", "a/b0", "a!", "𝄞", "a-b", "a.b", "b/c0", "a/b", "a0", "ä", "a/b.c/d", "b/c/d/e"];

fn sorted() -> Vec<&'static str> {
    let mut names = NAMES.to_vec();
    names.sort_unstable();
    names
}

fn limit(entries: u32) -> Result<NonZeroU32, Failure> {
    NonZeroU32::new(entries).ok_or_else(|| Failure::new("a limit of nothing"))
}

async fn fill(home: &Home) -> Found {
    for name in NAMES {
        home.store.put_bytes(&home.key(name)?, "x").await?;
    }
    Ok(())
}

pub(super) async fn listings_are_sorted_by_bytes(home: &Home) -> Found {
    fill(home).await?;
    let sorted = sorted();
    same!(home.names().await?, sorted);
    for entries in [1, 2, 3, 5, 100] {
        let options = ListOptions::new().with_limit(limit(entries)?);
        same!(home.pages(&home.prefix, options).await?.0, sorted, "in pages of {entries}");
    }
    for (index, name) in sorted.iter().enumerate() {
        let options = ListOptions::new().with_start_after(home.key(name)?);
        let rest = sorted.get(index.saturating_add(1)..).unwrap_or_default();
        same!(home.pages(&home.prefix, options).await?.0, rest, "after {name}");
    }
    Ok(())
}

pub(super) async fn listings_are_complete_in_pages_of_any_size(home: &Home) -> Found {
    fill(home).await?;
    // Beside the home, not in it.
    let beside = Prefix::new(format!("{}-beside/", home.prefix.as_str().trim_end_matches('/')))?;
    home.store.put_bytes(&beside.key("x")?, "x").await?;
    let found = async {
        for entries in [1, 2, 5, 1000] {
            let options = ListOptions::new().with_limit(limit(entries)?);
            let (mut listed, count) = home.pages(&home.prefix, options).await?;
            listed.sort_unstable();
            same!(listed, sorted(), "in pages of {entries}");
            let needed = NAMES.len().div_ceil(usize::try_from(entries).unwrap_or(usize::MAX));
            ensure!(count >= needed, "{count} pages of at most {entries} cannot hold {}", NAMES.len());
        }
        Ok(())
    };
    let found = found.await;
    home.store.delete(&beside.key("x")?, DeleteOptions::new()).await?;
    found
}

pub(super) async fn delimited_listings_show_children(home: &Home) -> Found {
    let store = &home.store;
    for name in ["a", "b.c", "b/x", "b/y/z", "c/d", "e"] {
        store.put_bytes(&home.key(name)?, "x").await?;
    }
    let delimited = ListOptions::new().with_delimited(true);
    for entries in [1, 2, 3, 100] {
        let options = delimited.clone().with_limit(limit(entries)?);
        let listed = home.pages(&home.prefix, options).await?.0;
        same!(listed, ["a", "b.c", "b/", "c/", "e"], "in pages of {entries}");
    }
    let direct = store.list_direct(&home.prefix).map_ok(|meta| meta.key.name().to_owned());
    same!(direct.try_collect::<Vec<_>>().await?, ["a", "b.c", "e"]);
    same!(home.pages(&home.prefix.child("b")?, delimited.clone()).await?.0, ["x", "y/"]);
    // Where everything below a child is gone, so is the child.
    store.delete(&home.key("c/d")?, DeleteOptions::new()).await?;
    same!(home.pages(&home.prefix, delimited.clone()).await?.0, ["a", "b.c", "b/", "e"]);
    Ok(())
}

pub(super) async fn a_prefix_never_matches_its_sibling(home: &Home) -> Found {
    home.store.put_bytes(&home.key("etcd-a/x")?, "x").await?;
    home.store.put_bytes(&home.key("etcd-a-2/y")?, "x").await?;
    same!(home.names_below(&home.prefix.child("etcd-a")?).await?, ["x"]);
    let parent = home.names_below(&home.prefix.child("etcd")?).await?;
    ensure!(parent.is_empty(), "a part of a name is taken for a prefix: {parent:?}");
    Ok(())
}

/// Some services take any text for a place to go on from. That is harmless, if no page is left out without saying so.
pub(super) async fn foreign_page_tokens_do_no_harm(home: &Home) -> Found {
    home.store.put_bytes(&home.key("a")?, "x").await?;
    let foreign = PageToken::new("not one of yours");
    match home.store.list_page(&home.prefix, ListOptions::new().with_after(foreign.clone())).await {
        Ok(page) => ensure!(page.next != Some(foreign), "the token is handed back: the listing would never end"),
        Err(error) => same!(error.kind(), ErrorKind::InvalidInput, "{error}"),
    }
    Ok(())
}
