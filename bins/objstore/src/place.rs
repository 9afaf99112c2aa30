//! Places and objects in stores, by their URLs.

use std::sync::Arc;

use anyhow::Context as _;
use objstore_core::layers::{StoreBuilder, TracingRecorder};
use objstore_core::{ObjectKey, ObjectStore, Prefix, Registry, StoreUrl};

use crate::exit::Ended;
use crate::output::Output;

/// A place in a store.
#[derive(Debug)]
pub(crate) struct Place {
    /// With time limits and retries around it.
    pub(crate) store: Arc<dyn ObjectStore>,
    /// As it was opened: each request is made once.
    pub(crate) bare: Arc<dyn ObjectStore>,
    pub(crate) prefix: Prefix,
    url: StoreUrl,
}

/// An object in a store, which need not exist.
#[derive(Debug)]
pub(crate) struct Spot {
    /// With time limits and retries around it.
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) key: ObjectKey,
    pub(crate) url: StoreUrl,
}

impl Place {
    /// Opens STORE. Nothing is read or written yet.
    pub(crate) async fn open(text: &str, output: &Output) -> anyhow::Result<Self> {
        let url = parse(text)?;
        let opened = registry().open_prefix(&url).await.with_context(|| format!("{url} cannot be opened"))?;
        tell_endpoint(&url, &*opened.store, output);
        Ok(Self { store: layered(&opened.store), bare: opened.store, prefix: opened.prefix, url })
    }

    /// The URL of an object of this store.
    pub(crate) fn url_of(&self, key: &ObjectKey) -> String {
        let text = self.url.to_string();
        let (base, query) = text.split_once('?').map_or((text.as_str(), None), |(base, query)| (base, Some(query)));
        // A folder is the root of its store; elsewhere keys are counted from the bucket.
        let base = match self.url.scheme() {
            "file" => base.trim_end_matches('/').to_owned(),
            _ => base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/"),
        };
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("{base}/{}{query}", Escaped(key.as_str()))
    }
}

impl Spot {
    /// Opens URL. Nothing is read or written yet.
    pub(crate) async fn open(text: &str, output: &Output) -> anyhow::Result<Self> {
        let url = parse(text)?;
        if url.path().is_empty() {
            return Err(Ended::usage(format!("{url} names no object: put its key behind it, as in s3://bucket/key")));
        }
        let opened = registry().open_key(&url).await.with_context(|| format!("{url} cannot be opened"))?;
        tell_endpoint(&url, &*opened.store, output);
        Ok(Self { store: layered(&opened.store), key: opened.key, url })
    }
}

/// The stores that this program knows.
fn registry() -> Registry {
    let mut registry = Registry::with_defaults();
    objstore_s3::register(&mut registry);
    registry
}

fn layered(store: &Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
    StoreBuilder::new(Arc::clone(store)).with_recorder(Arc::new(TracingRecorder)).build()
}

/// Reads a URL. The error does not repeat what may be a secret.
pub(crate) fn parse(text: &str) -> anyhow::Result<StoreUrl> {
    let url = StoreUrl::parse(text).with_context(|| {
        let example = match text.starts_with('/') {
            true => format!("file://{text}"),
            false => "s3://bucket/path or file:///folder".to_owned(),
        };
        format!("`{}` is not a store's URL: write it like {example}", hide(text))
    })?;
    match url.fragment() {
        None => Ok(url),
        Some(_) => Err(Ended::usage("a URL has no #fragment here: in a key, # is written %23")),
    }
}

/// An endpoint that was inherited from the environment would silently lead elsewhere.
fn tell_endpoint(url: &StoreUrl, store: &dyn ObjectStore, output: &Output) {
    if url.scheme() == "s3" && url.param("endpoint").is_none() && store.to_string().contains("?endpoint=") {
        output.note(&format!("note: by the environment's endpoint, this is {store}"));
    }
}

/// A URL without what may be a secret: user, password and parameters.
fn hide(text: &str) -> String {
    let bare = text.split(['?', '#']).next().unwrap_or_default();
    match bare.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host)),
        None => bare.to_owned(),
    }
}

/// A key as it is written in a URL.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            if c.is_whitespace() || matches!(c, '%' | '?' | '#' | '&') {
                c.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| write!(f, "%{byte:02X}"))?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}
