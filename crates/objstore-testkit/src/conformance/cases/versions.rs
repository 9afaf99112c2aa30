//! Buckets that keep old versions.

use futures::TryStreamExt as _;
use objstore_core::{DeleteOptions, ErrorKind, ListOptions, ObjectStoreExt as _, ReadOptions, VersionId};

use super::super::{
    failure::{Failure, Found, ensure, refused, same},
    home::Home,
};

fn named(version: Option<VersionId>) -> Result<VersionId, Failure> {
    version.ok_or_else(|| Failure::new("a write does not say which version it made"))
}

pub(super) async fn old_versions_are_read_and_erased(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    let first = named(store.put_bytes(&key, "1").await?.version)?;
    let second = named(store.put_bytes(&key, "22").await?.version)?;
    let get = store.get(&key, None, ReadOptions::new().with_version(first.clone())).await?;
    same!(get.body.try_collect::<Vec<_>>().await?.concat(), b"1");
    same!(store.head(&key, ReadOptions::new().with_version(second.clone())).await?.size, 2);
    let hidden = store.delete(&key, DeleteOptions::new()).await?;
    ensure!(hidden.delete_marker.is_some(), "a delete does not say that it only hides");
    ensure!(!store.exists(&key).await?, "it is still there");
    same!(store.head(&key, ReadOptions::new().with_version(second)).await?.size, 2);
    store.delete(&key, DeleteOptions::new().with_version(first.clone())).await?;
    let gone = refused(store.head(&key, ReadOptions::new().with_version(first)).await)?;
    same!(gone.kind(), ErrorKind::NotFound);
    Ok(())
}

pub(super) async fn listings_of_versions_show_markers(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    let first = named(store.put_bytes(&key, "1").await?.version)?;
    let second = named(store.put_bytes(&key, "22").await?.version)?;
    store.delete(&key, DeleteOptions::new()).await?;
    let page = store.list_page(&home.prefix, ListOptions::new().with_versions(true)).await?;
    let bodies = page.objects.iter().filter(|meta| !meta.delete_marker);
    let mut bodies: Vec<_> = bodies.map(|meta| (meta.version.clone(), meta.size)).collect();
    bodies.sort_by_key(|(_, size)| *size);
    same!(bodies, [(Some(first), 1), (Some(second), 2)]);
    same!(page.objects.iter().filter(|meta| meta.delete_marker).count(), 1, "delete markers");
    ensure!(home.names().await?.is_empty(), "a plain listing shows what was deleted");
    Ok(())
}
