//! The server in a process of its own.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Stdio},
};

use super::{
    client::{Client, Payload},
    sign::Signer,
};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_objstore-s3-server"))
}

/// A text field of one line of flat JSON.
fn field(line: &str, name: &str) -> String {
    let rest = line.split(&format!("\"{name}\":\"")).nth(1).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn it_says_where_it_listens_and_ends_with_its_input() {
    let args = ["--bucket", "one", "--region", "eu-west-1", "--access-key", "AKIAMINE", "--secret-key", "my secret"];
    let moods = ["--quirk", "ignore-conditions", "--faults", "3=500"];
    let mut child = program().args(args).args(moods).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let client = Client {
        host: field(&line, "endpoint").trim_start_matches("http://").to_owned(),
        bucket: field(&line, "bucket"),
        signer: Signer {
            access_key: field(&line, "access_key"),
            secret_key: field(&line, "secret_key"),
            region: field(&line, "region"),
        },
        payload: Payload::Signed,
    };
    assert_eq!((client.bucket.as_str(), client.signer.access_key.as_str()), ("one", "AKIAMINE"));
    assert_eq!(client.put("a", &[], "x").await.status, 200);
    assert_eq!(client.put("a", &[("if-none-match", "*")], "y").await.status, 200);
    assert_eq!(client.get("a").await.status, 500);
    assert_eq!(client.get("a").await.text(), "y");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn it_explains_itself() {
    for args in [&["--unknown", "x"][..], &["--port"], &["--port", "x"], &["--access-key", "only"], &["--help"]] {
        let mut child = program().args(args).stderr(Stdio::piped()).spawn().unwrap();
        let mut text = String::new();
        child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(2));
        assert!(text.contains("--versioned"), "{text}");
    }
    for (option, value, says) in [("--quirk", "max-parts", "not a quirk"), ("--faults", "1=501", "not a fault")] {
        let output = program().args([option, value]).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && text.contains(says), "{text}");
    }
}
