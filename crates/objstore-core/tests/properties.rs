//! Properties of keys, prefixes, URLs and listings, over generated input.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeSet, num::NonZeroU32};

use objstore_core::{
    Checksums, ErrorKind, FileStore, Hasher, ListOptions, MAX_KEY_BYTES, MemoryStore, ObjectKey, ObjectStore,
    ObjectStoreExt as _, Prefix, StoreUrl,
};
use proptest::prelude::*;

fn key_text() -> impl Strategy<Value = String> {
    "[a-c./\\-!~ü%#?+ ]{1,24}"
}

/// Keys that a file store can hold side by side.
fn portable_keys() -> impl Strategy<Value = BTreeSet<String>> {
    let segment = "[ab.\\-!0~ü]{1,3}";
    let key = proptest::collection::vec(segment, 1..4).prop_map(|segments| segments.join("/"));
    proptest::collection::btree_set(key, 0..25).prop_map(|keys| {
        let mut kept: BTreeSet<String> = BTreeSet::new();
        for key in keys {
            let portable = ObjectKey::new(&*key).is_ok_and(|key| key.check_portable().is_ok());
            let nested =
                |other: &String| other.starts_with(&format!("{key}/")) || key.starts_with(&format!("{other}/"));
            if portable && !kept.iter().any(nested) {
                kept.insert(key);
            }
        }
        kept
    })
}

/// What a listing must show, by the definition.
fn expected(keys: &BTreeSet<String>, prefix: &str, delimited: bool, start_after: Option<&str>) -> Vec<String> {
    let below =
        keys.iter().filter(|key| key.starts_with(prefix) && start_after.is_none_or(|start| key.as_str() > start));
    let shown: BTreeSet<_> = below
        .map(|key| match key[prefix.len()..].find('/').filter(|_| delimited) {
            Some(slash) => key[..prefix.len() + slash + 1].to_owned(),
            None => key.clone(),
        })
        .collect();
    shown.into_iter().collect()
}

async fn listed(store: &dyn ObjectStore, prefix: &Prefix, options: ListOptions) -> Vec<String> {
    let (mut all, mut options) = (Vec::new(), options);
    loop {
        let page = store.list_page(prefix, options.clone()).await.unwrap();
        let mut entries: Vec<_> = page.objects.iter().map(|meta| meta.key.to_string()).collect();
        entries.extend(page.prefixes.iter().map(ToString::to_string));
        entries.sort();
        all.extend(entries);
        match page.next {
            Some(next) => options = options.with_after(next),
            None => return all,
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_a_key_or_is_refused(text in any::<String>()) {
        let bad = text.is_empty()
            || text.len() > MAX_KEY_BYTES
            || text.chars().any(|c| c.is_control() || c == '\u{FFFE}' || c == '\u{FFFF}');
        match ObjectKey::new(text.clone()) {
            Ok(key) => {
                prop_assert!(!bad);
                prop_assert_eq!(key.as_str(), &text);
                prop_assert_eq!(key.parent().key(key.name()).ok(), Some(key.clone()).filter(|key| !key.name().is_empty()));
            }
            Err(error) => {
                prop_assert!(bad);
                prop_assert!(!error.to_string().chars().any(char::is_control), "{error}");
            }
        }
    }

    #[test]
    fn a_prefix_respects_boundaries(prefix in key_text(), key in key_text()) {
        prop_assert_eq!(Prefix::new(&*prefix).is_ok(), prefix.ends_with('/'));
        let prefix = Prefix::root().child(&prefix).unwrap();
        let key = ObjectKey::new(key).unwrap();
        prop_assert_eq!(prefix.contains(&key), key.as_str().starts_with(prefix.as_str()));
        let joined = prefix.key(key.as_str()).unwrap();
        prop_assert_eq!(prefix.relative(&joined), Some(key.as_str()));
        prop_assert_eq!(prefix.relative(&key).is_some(), prefix.contains(&key));
    }

    #[test]
    fn any_text_is_a_url_or_is_refused(text in any::<String>()) {
        let _never_panics = StoreUrl::parse(&text);
        let _never_panics = StoreUrl::parse(&format!("s3://{text}"));
        let _never_panics = StoreUrl::parse(&format!("file:///{text}"));
    }

    #[test]
    fn a_url_shows_itself_so_that_it_parses(
        bucket in "[a-z0-9.:ü%?# -]{0,12}",
        path in "[a-c/.+%?#&=@ ü-]{0,20}",
        region in "[a-z0-9%&=+ #?/:-]{0,12}",
        fragment in proptest::option::of("[a-z0-9#?/%+ ]{0,12}"),
    ) {
        let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let mut text = format!("s3://{}/{}?region={}", escape(&bucket), escape(&path), escape(&region));
        if let Some(fragment) = &fragment {
            text.push_str(&format!("#{}", escape(fragment)));
        }
        let url = StoreUrl::parse(&text).unwrap();
        prop_assert_eq!(url.bucket(), &bucket);
        prop_assert_eq!(url.path(), &path);
        prop_assert_eq!(url.param("region"), Some(&*region));
        prop_assert_eq!(url.fragment(), fragment.as_deref());
        let shown = url.to_string();
        prop_assert_eq!(StoreUrl::parse(&shown).map_err(|error| error.to_string()), Ok(url), "{}", shown);
    }

    #[test]
    fn a_path_becomes_a_url_and_back(path in "/[a-c/.+%?#&=@ ü-]{0,20}") {
        let url = StoreUrl::from_path(path.as_ref()).unwrap();
        let parsed = StoreUrl::parse(&url.to_string()).unwrap();
        prop_assert_eq!(format!("/{}", parsed.path()), path);
        prop_assert_eq!(parsed, url);
    }

    #[test]
    fn no_secret_is_repeated(secret in "[A-Za-z0-9/+]{16,40}", name in "(AWS_SECRET_ACCESS_KEY|token|X-Amz-Signature|password|Secret-Key)") {
        for text in [format!("s3://me:{secret}@bucket/x"), format!("s3://bucket/x?{name}={secret}"), format!("s3://bucket/x?{name}={secret}%")] {
            let error = StoreUrl::parse(&text).unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            let shown = format!("{error} {error:?}");
            prop_assert!(!shown.contains(&secret));
        }
    }

    #[test]
    fn a_hasher_does_not_mind_pieces(body in proptest::collection::vec(any::<u8>(), 0..2000), cuts in proptest::collection::vec(0usize..2000, 0..6)) {
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
        cuts.sort_unstable();
        let mut hasher = Hasher::new().with_sha256();
        let mut start = 0;
        for cut in cuts.into_iter().chain([body.len()]) {
            hasher.update(&body[start..cut]);
            start = cut;
        }
        prop_assert_eq!(hasher.finish(), Checksums::of(&body));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn listings_are_what_the_definition_says(
        keys in portable_keys(),
        pick in any::<prop::sample::Index>(),
        depth in 0usize..3,
        limit in 1u32..6,
        delimited in any::<bool>(),
        start_after in proptest::option::of("[ab.\\-!0~ü/]{1,5}"),
    ) {
        let sorted: Vec<_> = keys.iter().cloned().collect();
        let prefix = match sorted.is_empty() {
            true => String::new(),
            false => pick.get(&sorted).split_inclusive('/').filter(|part| part.ends_with('/')).take(depth).collect(),
        };
        let prefix = Prefix::new(prefix).unwrap();
        let mut options = ListOptions::new().with_delimited(delimited).with_limit(NonZeroU32::new(limit).unwrap());
        if let Some(start) = &start_after {
            options = options.with_start_after(ObjectKey::new(&**start).unwrap());
        }
        let expected = expected(&keys, prefix.as_str(), delimited, start_after.as_deref());
        let folder = tempfile::tempdir().unwrap();
        let (memory, files) = (MemoryStore::new(), FileStore::open(folder.path()).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for key in &sorted {
                let path = folder.path().join(key);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "x").unwrap();
                memory.put_bytes(&ObjectKey::new(&**key).unwrap(), "x").await.unwrap();
            }
            let (in_memory, in_files) = (listed(&memory, &prefix, options.clone()).await, listed(&files, &prefix, options).await);
            prop_assert_eq!(&in_memory, &expected, "memory, {:?}", prefix);
            prop_assert_eq!(&in_files, &expected, "files, {:?}", prefix);
            Ok(())
        })?;
    }
}
