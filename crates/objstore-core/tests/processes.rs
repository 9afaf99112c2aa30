//! The file store's conditions, between processes.
//!
//! Each test starts this program again as its writers, and talks to them line by line.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use bytes::Bytes;
use libtest_mimic::{Arguments, Failed, Trial};
use objstore_core::{ErrorKind, FileStore, ObjectKey, ObjectStore, ObjectStoreExt as _, Prefix, UploadOptions};

const ROLE: &str = "--be-a-writer";

fn main() {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some(ROLE) {
        let root = args.next().expect("the store's folder");
        runtime().block_on(writer(&FileStore::open(root).unwrap()));
        return;
    }
    let trials = vec![
        Trial::test("of_24_creators_one_wins", of_24_creators_one_wins),
        Trial::test("of_8_times_15_increments_none_is_lost", of_8_times_15_increments_none_is_lost),
        Trial::test("a_killed_upload_is_found_and_removed", a_killed_upload_is_found_and_removed),
        Trial::test("first_writers_of_a_new_store_do_not_disturb_each_other", first_writers),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap()
}

/// Does what each line says, and answers with a line.
async fn writer(store: &FileStore) {
    let next = || std::io::stdin().lines().next();
    while let Some(line) = next() {
        let line = line.unwrap();
        let (verb, rest) = line.split_once(' ').unwrap();
        let key = ObjectKey::new(rest).unwrap();
        match verb {
            "create" => {
                let body = std::process::id().to_string();
                match store.create(&key, body).await {
                    Ok(_) => println!("won"),
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => println!("lost"),
                    Err(error) => println!("error {error:?}"),
                }
            }
            "increment" => {
                let mut retries = 0;
                for _ in 0..15 {
                    while !increment(store, &key).await {
                        retries += 1;
                    }
                }
                println!("done {retries}");
            }
            "upload" => {
                let mut upload = store.start_upload(&key, UploadOptions::new()).await.unwrap();
                for _ in 0..9 {
                    upload.write(Bytes::from(vec![1; 1 << 20])).await.unwrap();
                }
                println!("id {}", upload.id().unwrap());
                std::future::pending::<()>().await;
            }
            other => panic!("{other}"),
        }
    }
}

async fn increment(store: &FileStore, key: &ObjectKey) -> bool {
    let (meta, bytes) = store.get_bytes(key, 20).await.unwrap();
    let count: u32 = std::str::from_utf8(&bytes).unwrap().parse().unwrap();
    match store.replace(key, meta.revision, (count + 1).to_string()).await {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::PreconditionFailed => false,
        Err(error) => panic!("{error:?}"),
    }
}

/// A writer in a process of its own; it dies with the test.
struct Writer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Writer {
    fn start(root: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(ROLE)
            .arg(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    fn ask(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _already_dead = self.child.kill();
        let _status = self.child.wait();
    }
}

fn of_24_creators_one_wins() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut writers: Vec<_> = (0..24).map(|_| Writer::start(folder.path())).collect();
    for round in 0..20 {
        let key = format!("deep/down/{round}");
        writers.iter_mut().for_each(|writer| writer.ask(&format!("create {key}")));
        let answers: Vec<_> = writers.iter_mut().map(Writer::answer).collect();
        let winners: Vec<_> = (0..24).filter(|index| answers[*index] == "won").collect();
        assert_eq!(winners.len(), 1, "round {round}: {answers:?}");
        assert_eq!(answers.iter().filter(|answer| *answer == "lost").count(), 23, "round {round}: {answers:?}");
        let content = std::fs::read_to_string(folder.path().join(&key))?;
        assert_eq!(content, writers[winners[0]].child.id().to_string());
    }
    Ok(())
}

fn of_8_times_15_increments_none_is_lost() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("counter"), "0")?;
    let mut writers: Vec<_> = (0..8).map(|_| Writer::start(folder.path())).collect();
    writers.iter_mut().for_each(|writer| writer.ask("increment counter"));
    let answers: Vec<_> = writers.iter_mut().map(Writer::answer).collect();
    assert!(answers.iter().all(|answer| answer.starts_with("done ")), "{answers:?}");
    assert_eq!(std::fs::read_to_string(folder.path().join("counter"))?, "120");
    Ok(())
}

fn a_killed_upload_is_found_and_removed() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut writer = Writer::start(folder.path());
    writer.ask("upload a/b");
    let answer = writer.answer();
    drop(writer); // SIGKILL
    let (store, all) = (FileStore::open(folder.path())?, Prefix::root());
    runtime().block_on(async {
        let uploads = store.uploads_page(&all, None).await?.uploads;
        assert_eq!(uploads.len(), 1);
        assert_eq!((uploads[0].key.as_str(), format!("id {}", uploads[0].id)), ("a/b", answer));
        assert!(store.list_page(&all, Default::default()).await?.objects.is_empty());
        store.abort_upload(&uploads[0].key, &uploads[0].id).await?;
        assert!(store.uploads_page(&all, None).await?.uploads.is_empty());
        Ok::<(), objstore_core::Error>(())
    })?;
    Ok(())
}

fn first_writers() -> Result<(), Failed> {
    for round in 0..10 {
        let folder = tempfile::tempdir()?;
        let mut writers: Vec<_> = (0..8).map(|_| Writer::start(&folder.path().join("new/store"))).collect();
        for (index, writer) in writers.iter_mut().enumerate() {
            writer.ask(&format!("create a/{index}/b"));
        }
        let answers: Vec<_> = writers.iter_mut().map(Writer::answer).collect();
        assert!(answers.iter().all(|answer| answer == "won"), "round {round}: {answers:?}");
    }
    Ok(())
}
