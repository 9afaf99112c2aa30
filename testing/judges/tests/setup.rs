//! Setting up: what cannot be had is said, and a wrong version is never taken for the right one.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use judges::{Minor, Part, Settings, Source, setup};

const PART: Part = Part::Etcdutl(Minor::V3_6);

#[test]
fn without_go_the_reason_is_said_and_kept_for_the_tests() {
    let cache = tempfile::tempdir().unwrap();
    let mut settings = empty(cache.path());
    assert!(PART.find_in(&settings).unwrap_err().reason().contains("not fetched yet"));
    settings.go = "/nonexistent/go".into();
    let missing = setup::ensure_in(&settings, PART).unwrap_err();
    assert!(missing.reason().contains("Go is needed"), "{missing}");
    assert_eq!(PART.find_in(&settings).unwrap_err().to_string(), missing.to_string());
    assert!(missing.to_string().contains("cargo xtask servers"), "{missing}");
}

#[test]
fn a_build_that_makes_another_version_is_refused_and_leaves_nothing() {
    let cache = tempfile::tempdir().unwrap();
    let settings = with_fake_go(cache.path(), "etcdutl version: 3.6.1");
    let missing = setup::ensure_in(&settings, PART).unwrap_err();
    assert!(missing.reason().contains("3.6.1") && missing.reason().contains("3.6.15"), "{missing}");
    assert!(PART.find_in(&settings).is_err());
    let left = fs::read_dir(cache.path().join("judges/etcdutl")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(".building")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_second_call_takes_it_from_the_cache() {
    let cache = tempfile::tempdir().unwrap();
    let mut settings = with_fake_go(cache.path(), "etcdutl version: 3.6.15");
    assert!(setup::ensure_in(&settings, PART).unwrap().made_now);
    settings.go = "/nonexistent/go".into();
    let ready = setup::ensure_in(&settings, PART).unwrap();
    assert!(!ready.made_now);
    assert_eq!(ready.judge.version(), "3.6.15");
}

#[test]
fn concurrent_callers_build_once() {
    let cache = tempfile::tempdir().unwrap();
    let settings = with_fake_go(cache.path(), "etcdutl version: 3.6.15");
    let made: Vec<bool> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4).map(|_| scope.spawn(|| setup::ensure_in(&settings, PART))).collect();
        callers.into_iter().map(|caller| caller.join().unwrap().unwrap().made_now).collect()
    });
    assert_eq!(made.iter().filter(|made| **made).count(), 1, "{made:?}");
}

#[test]
fn every_pin_is_known_by_its_id() {
    let ids: Vec<String> = Part::all().into_iter().map(Part::id).collect();
    for minor in Minor::ALL {
        assert!(ids.contains(&format!("etcd-{minor}")), "{ids:?}");
    }
    for part in Part::all() {
        let pin = part.pin().expect("all() lists pins");
        // A program that Go built may not know its version: then what Go wrote into it was looked at.
        let told = pin.prints.contains(&pin.version) || matches!(pin.source, Source::GoModule(_));
        assert!(told, "{pin:?}");
    }
    assert!(Part::Etcdutl(Minor::V3_4).find().is_err(), "there is no etcdutl 3.4");
}

fn empty(cache: &Path) -> Settings {
    let mut settings = Settings::from_env();
    settings.cache = cache.to_owned();
    settings
}

/// Settings whose "Go" writes a program that prints `version`.
fn with_fake_go(cache: &Path, version: &str) -> Settings {
    let go = cache.join("go");
    let script = format!(
        "#!/bin/sh\n\
         while [ $# -gt 0 ]; do\n\
         if [ \"$1\" = -o ]; then printf '#!/bin/sh\\necho \"{version}\"\\n' > \"$2\"; chmod +x \"$2\"; fi\n\
         shift\n\
         done\n"
    );
    fs::write(&go, script).expect("the cache folder can be written");
    fs::set_permissions(&go, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    let mut settings = empty(cache);
    settings.go = go.into();
    settings
}
