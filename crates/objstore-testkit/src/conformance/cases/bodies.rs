//! Bodies, and what is kept with them.

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use objstore_core::{
    Checksums, DeleteOptions, Effect, ErrorKind, Headers, ObjectStoreExt as _, Payload, ReadOptions, UploadOptions,
    WriteOptions, WriteToken,
};

use super::super::{
    failure::{Failure, Found, ensure, refused, same},
    home::{Home, joined, large_body},
};

pub(super) async fn what_is_put_is_read(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a/b ü+%?#&=.txt")?);
    for body in ["", "hello", "hello again, longer"] {
        let written = store.put_bytes(&key, body).await?;
        same!(written.size, body.len() as u64);
        same!(written.checksums.mismatch(&Checksums::of(body.as_bytes())), None);
        let (meta, bytes) = store.get_bytes(&key, 100).await?;
        same!(bytes, body);
        same!((&meta.key, meta.size, &meta.revision), (&key, body.len() as u64, &written.revision));
        let head = store.head(&key, ReadOptions::new()).await?;
        same!((&head.revision, head.size), (&meta.revision, meta.size));
        ensure!(head.last_modified.is_some(), "head does not say when it was written");
    }
    same!(home.names().await?, ["a/b ü+%?#&=.txt"]);
    Ok(())
}

pub(super) async fn a_body_of_several_chunks_is_one_object(home: &Home) -> Found {
    let key = home.key("chunks")?;
    let body: Payload = vec![Bytes::from("one "), Bytes::new(), Bytes::from("two")].into();
    home.store.put(&key, body, WriteOptions::new()).await?;
    same!(home.store.get_bytes(&key, 7).await?.1, "one two");
    Ok(())
}

pub(super) async fn what_is_absent_is_not_found(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("nowhere/to/be/found")?);
    let head = refused(store.head(&key, ReadOptions::new()).await)?;
    let get = refused(store.get(&key, None, ReadOptions::new()).await)?;
    for error in [head, get] {
        same!((error.kind(), error.effect()), (ErrorKind::NotFound, &Effect::NotApplied));
        same!(error.key(), Some(key.as_str()));
        ensure!(error.to_string().contains(&store.to_string()), "{error}: does not name the store");
    }
    ensure!(!store.exists(&key).await?, "it exists");
    ensure!(home.names().await?.is_empty(), "it is listed");
    Ok(())
}

pub(super) async fn ranges_are_half_open_and_cut(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    store.put_bytes(&key, "0123456789").await?;
    same!(store.get_range(&key, 0..10).await?, "0123456789");
    same!(store.get_range(&key, 3..4).await?, "3");
    let get = store.get(&key, Some(8..u64::MAX), ReadOptions::new()).await?;
    same!((get.range.clone(), get.meta.size), (8..10, 10));
    same!(get.body.try_collect::<Vec<_>>().await?.concat(), b"89");
    let kind = async |range| refused(store.get(&key, Some(range), ReadOptions::new()).await).map(|error| error.kind());
    same!(kind(10..11).await?, ErrorKind::RangeNotSatisfiable);
    same!(kind(4..4).await?, ErrorKind::InvalidInput);
    same!(refused(store.get_range(&key, 8..11).await)?.kind(), ErrorKind::RangeNotSatisfiable);
    same!(refused(store.get_bytes(&key, 9).await)?.kind(), ErrorKind::TooLarge);
    Ok(())
}

pub(super) async fn reads_obey_their_conditions(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    let old = store.put_bytes(&key, "1").await?.revision;
    let new = store.put_bytes(&key, "2").await?.revision;
    let head = async |options| store.head(&key, options).await.map(|meta| meta.revision).map_err(|error| error.kind());
    let get = async |options| store.get(&key, None, options).await.map(drop).map_err(|error| error.kind());
    same!(head(ReadOptions::new().with_matches(new.clone())).await, Ok(new.clone()));
    same!(head(ReadOptions::new().with_matches(old.clone())).await, Err(ErrorKind::PreconditionFailed));
    same!(get(ReadOptions::new().with_matches(old.clone())).await, Err(ErrorKind::PreconditionFailed));
    same!(head(ReadOptions::new().with_differs(old)).await, Ok(new.clone()));
    same!(get(ReadOptions::new().with_differs(new)).await, Err(ErrorKind::NotModified));
    Ok(())
}

pub(super) async fn a_body_is_one_state_or_ends_with_an_error(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    let chunks = large_body();
    home.upload(&key, &chunks, UploadOptions::new()).await?;
    let mut get = store.get(&key, None, ReadOptions::new()).await?;
    let Some(Ok(first)) = get.body.next().await else { return Err(Failure::new("the body brings nothing")) };
    store.put_bytes(&key, "new").await?;
    store.delete(&key, DeleteOptions::new()).await?;
    if let Ok(rest) = get.body.try_collect::<Vec<_>>().await {
        let whole = [first.to_vec(), rest.concat()].concat();
        ensure!(whole == joined(&chunks), "{} bytes came, and not those of one state", whole.len());
    }
    Ok(())
}

pub(super) async fn announced_digests_are_checked(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    for wrong in [
        Checksums::new().with_crc32c(1),
        Checksums::new().with_sha256([0; 32]),
        Checksums::new().with_crc64nvme(1),
        Checksums::new().with_md5([0; 16]),
    ] {
        let options = WriteOptions::new().with_expect(wrong);
        let put = refused(store.put(&key, "hello".into(), options.clone()).await)?;
        let chunks = [Bytes::from("hello")];
        let upload = refused(home.upload(&key, &chunks, UploadOptions::new().with_write(options)).await)?;
        for error in [put, upload] {
            let kinds = [ErrorKind::Integrity, ErrorKind::Unsupported];
            ensure!(kinds.contains(&error.kind()), "{error}: wanted one of {kinds:?}");
            same!(error.effect(), &Effect::NotApplied);
        }
    }
    ensure!(!store.exists(&key).await?, "a body was stored although its digest was wrong");
    let good = Checksums::of(b"hello");
    let written = store.put(&key, "hello".into(), WriteOptions::new().with_expect(good)).await?;
    same!(written.checksums.mismatch(&good), None);
    Ok(())
}

pub(super) async fn headers_are_kept_or_refused_as_claimed(home: &Home) -> Found {
    let (store, key) = (&home.store, home.key("a")?);
    let metadata = [("origin".to_owned(), "ü".to_owned())].into();
    let headers = Headers::new().with_content_type("text/plain".into()).with_metadata(metadata);
    let options = WriteOptions::new().with_headers(headers.clone()).with_token(WriteToken::new("mine"));
    let put = store.put(&key, "x".into(), options.clone()).await;
    let upload = home.upload(&home.key("b")?, &large_body(), UploadOptions::new().with_write(options)).await;
    if !store.capabilities().features().user_metadata {
        same!(refused(put)?.kind(), ErrorKind::Unsupported);
        same!(refused(upload)?.kind(), ErrorKind::Unsupported);
        ensure!(home.names().await?.is_empty(), "it was written");
        return Ok(());
    }
    put?;
    upload?;
    for name in ["a", "b"] {
        let head = store.head(&home.key(name)?, ReadOptions::new()).await?;
        same!((&head.headers, &head.token), (&headers, &Some(WriteToken::new("mine"))));
    }
    Ok(())
}

/// Some stores rewrite such keys silently: `a//b` becomes `a/b`.
pub(super) async fn odd_keys_are_kept_or_refused(home: &Home) -> Found {
    for name in ["a//b", "/lead", "trail/", "./dot", "c/../d", "e/.", "~", "'quoted'", "new\u{a0}space", "*?[x]", "\\"]
    {
        let key = home.key(name)?;
        match home.store.put_bytes(&key, name.to_owned()).await {
            Err(error) => {
                ensure!(error.effect() == &Effect::NotApplied, "{name:?} was refused and written: {error}");
                same!(error.kind(), ErrorKind::InvalidInput, "{name:?}: {error}");
            }
            Ok(_) => same!(home.store.get_bytes(&key, 100).await?.1, name),
        }
        let listed = home.names().await?;
        ensure!(listed.iter().all(|there| there == name), "{name:?} is listed as {listed:?}");
        home.store.delete(&key, DeleteOptions::new()).await.or_else(|error| match error.kind() {
            ErrorKind::InvalidInput => Ok(Default::default()),
            _ => Err(error),
        })?;
    }
    Ok(())
}
