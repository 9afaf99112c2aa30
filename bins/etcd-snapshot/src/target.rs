//! `FILE | STORE[#ID]`: what a command works on.

use etcd_snapshot::home::{Home, SnapshotId};
use etcd_snapshot::{Error, ErrorKind, SnapshotSource};
use objstore_core::StoreUrl;

use crate::output::Output;
use crate::stores;

/// A home, and the id that was named with it.
pub(crate) struct Place {
    pub(crate) home: Home,
    pub(crate) id: Option<SnapshotId>,
}

/// Opens STORE, as in `file:///backups/prod` or `s3://backups/prod`, with or without `#ID`.
pub(crate) async fn open_store(text: &str) -> anyhow::Result<Place> {
    let usage = |e| {
        let example = if text.starts_with('/') { format!("file://{text}") } else { "file:///backups/prod".to_owned() };
        let message = format!("`{}` is not a store: write it like {example}", hide(text));
        Error::new(ErrorKind::Usage, message).with_source(e)
    };
    let url = StoreUrl::parse(text).map_err(usage)?;
    let id = url.fragment().map(str::parse).transpose()?;
    let home = Home::open(&url, &stores::registry()).await?;
    Ok(Place { home, id })
}

/// Opens STORE without `#ID`.
pub(crate) async fn open_home(text: &str, output: &Output) -> anyhow::Result<Home> {
    let place = open_store(text).await?;
    stores::tell_endpoint(&place.home, output);
    match place.id {
        None => Ok(place.home),
        Some(id) => Err(Error::new(ErrorKind::Usage, format!("name the store alone, without #{id}")).into()),
    }
}

/// Opens FILE or STORE[#ID]; a store without id means its newest complete snapshot.
pub(crate) async fn open_source(text: &str, output: &Output) -> anyhow::Result<SnapshotSource> {
    if !text.contains("://") {
        return Ok(SnapshotSource::file(text)?);
    }
    let place = open_store(text).await?;
    stores::tell_endpoint(&place.home, output);
    let source = match &place.id {
        Some(id) => SnapshotSource::stored(&place.home, id).await,
        None => SnapshotSource::newest(&place.home).await,
    };
    Ok(source?)
}

/// A store's URL without what may be a secret: user, password and parameters.
fn hide(text: &str) -> String {
    let bare = text.split(['?', '#']).next().unwrap_or_default();
    match bare.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host)),
        None => bare.to_owned(),
    }
}
