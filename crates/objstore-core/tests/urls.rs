//! URLs, by example, and what they open.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use objstore_core::{
    ErrorKind, ObjectStoreExt as _, OpenedKey, OpenedPrefix, Registry, Result, SchemeFactory, StoreUrl,
};

fn parse(text: &str) -> StoreUrl {
    StoreUrl::parse(text).unwrap()
}

#[test]
fn parts_are_split_by_our_rules() {
    let url = parse("S3://bkt:9/a/../b//c+d%2520%3f%23?region=eu&endpoint=http://127.0.0.1:9000&path_style=true#x/y#z");
    assert_eq!((url.scheme(), url.bucket()), ("s3", "bkt:9"));
    assert_eq!(url.path(), "a/../b//c+d%20?#", "decoded once, nothing folded");
    assert_eq!(url.param("endpoint"), Some("http://127.0.0.1:9000"));
    assert_eq!(url.bool_param("path_style").unwrap(), Some(true));
    assert_eq!(url.bool_param("absent").unwrap(), None);
    assert_eq!(url.bool_param("region").unwrap_err().kind(), ErrorKind::InvalidConfig);
    assert_eq!(url.fragment(), Some("x/y#z"));
    assert_eq!(url.clone().without_fragment().fragment(), None);
    assert_eq!(url.with_fragment("new").unwrap().to_string().rsplit('#').next(), Some("new"));
    assert_eq!(parse("memory://name").path(), "");
    assert_eq!(parse("file:///").path(), "");
    assert_eq!(parse("s3://bucket/a?b=c%26d").params(), [("b".to_owned(), "c&d".to_owned())]);
}

#[test]
fn what_is_no_url_is_refused_with_a_reason() {
    for (text, reason) in [
        ("/plain/path", "scheme://"),
        ("://x", "scheme"),
        ("1s3://x", "scheme"),
        ("s3://b/100%", "%25"),
        ("s3://b/%zz", "%25"),
        ("s3://b/%ff", "%25"),
        ("s3://b/a%00b", "control character"),
        ("s3://b?=x", "no name"),
        ("s3://b?a=1&a=2", "twice"),
        ("s3://key:secret@b/x", "credentials"),
        ("s3://b?secret_access_key=abc", "credentials"),
        ("s3://b?X-Amz-Security-Token=abc", "credentials"),
        ("az://b?account_key=abc", "credentials"),
        ("az://b?sas_token=abc", "credentials"),
        ("gs://b?client_secret=abc", "credentials"),
        ("gs://b?access_token=abc", "credentials"),
        ("x://b?sas=abc", "credentials"),
        ("x://b?Bearer=abc", "credentials"),
        ("s3://b#a%0ab", "control character"),
    ] {
        let error = StoreUrl::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{text}");
        assert!(error.to_string().contains(reason), "{text}: {error}");
    }
    // A file's name is no secret, and not every key is one.
    for text in ["gs://b?token_file=/run/token", "s3://b?kms_key_id=alias/backups"] {
        assert_eq!(StoreUrl::parse(text).unwrap().to_string(), text);
    }
    assert!(StoreUrl::from_path("relative".as_ref()).is_err());
}

#[tokio::test]
async fn a_folder_is_a_place_and_a_file_is_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::with_defaults();
    let url = |path: &str| StoreUrl::from_path(&folder.path().join(path)).unwrap();
    for path in ["new/home", "new/home/"] {
        let OpenedPrefix { store, prefix, .. } = registry.open_prefix(&url(path)).await.unwrap();
        assert!(prefix.is_root());
        store.put_bytes(&prefix.key("a b").unwrap(), "x").await.unwrap();
    }
    assert_eq!(std::fs::read(folder.path().join("new/home/a b")).unwrap(), b"x");
    let OpenedKey { store, key, .. } = registry.open_key(&url("new/home/a b")).await.unwrap();
    assert_eq!((key.as_str(), store.get_bytes(&key, 9).await.unwrap().1.as_ref()), ("a b", &b"x"[..]));
    assert!(!folder.path().join("unused").exists(), "opening makes nothing");
    registry.open_prefix(&url("unused")).await.unwrap();
    assert!(!folder.path().join("unused").exists(), "opening makes nothing");
}

#[tokio::test]
async fn stores_in_memory_are_shared_by_name() {
    let registry = Registry::with_defaults();
    let one = registry.open_key(&parse("memory://shared-by-name/a/b")).await.unwrap();
    one.store.put_bytes(&one.key, "x").await.unwrap();
    drop(one);
    let place = registry.open_prefix(&parse("memory://shared-by-name/a")).await.unwrap();
    assert_eq!(place.prefix.as_str(), "a/");
    assert!(place.store.exists(&place.prefix.key("b").unwrap()).await.unwrap());
    let other = registry.open_prefix(&parse("memory://another-name")).await.unwrap();
    assert!(!other.store.exists(&other.prefix.key("a/b").unwrap()).await.unwrap());
    assert_eq!(place.store.to_string(), "memory://shared-by-name");
}

#[tokio::test]
async fn what_cannot_be_opened_is_refused_with_a_reason() {
    let registry = Registry::with_defaults();
    for (text, reason) in [
        ("s3://bucket/x", "only file, memory"),
        ("file://relative/x", "three slashes"),
        ("file:///x?mode=600", "\"mode\""),
        ("memory://x/y?a=SECRET", "it takes none"),
        ("memory:///x", "needs a name"),
    ] {
        let errors =
            [registry.open_key(&parse(text)).await.unwrap_err(), registry.open_prefix(&parse(text)).await.unwrap_err()];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{text}");
            assert!(error.to_string().contains(reason) && !error.to_string().contains("SECRET"), "{text}: {error}");
        }
    }
    for no_key in ["memory://x", "file:///folder/", "file:///"] {
        assert_eq!(registry.open_key(&parse(no_key)).await.unwrap_err().kind(), ErrorKind::InvalidConfig, "{no_key}");
    }
}

#[tokio::test]
async fn others_can_register_a_scheme() {
    #[derive(Debug)]
    struct Twice;

    #[async_trait::async_trait]
    impl SchemeFactory for Twice {
        async fn open_prefix(&self, url: &StoreUrl) -> Result<OpenedPrefix> {
            url.only_params(&["speed"])?;
            Registry::with_defaults().open_prefix(&StoreUrl::parse(&format!("memory://{0}{0}", url.bucket()))?).await
        }

        async fn open_key(&self, url: &StoreUrl) -> Result<OpenedKey> {
            Registry::with_defaults().open_key(url).await
        }
    }

    let mut registry = Registry::new();
    registry.register("twice", Twice);
    assert_eq!(registry.schemes().collect::<Vec<_>>(), ["twice"]);
    let opened = registry.open_prefix(&parse("twice://ab?speed=1")).await.unwrap();
    assert_eq!(opened.store.to_string(), "memory://abab");
    assert!(registry.open_prefix(&parse("twice://ab?other=1")).await.is_err());
    assert!(registry.open_prefix(&parse("file:///x")).await.is_err());
}
