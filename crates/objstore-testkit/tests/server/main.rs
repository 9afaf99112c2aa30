//! The S3 server, judged by a client that shares no code with it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client;
mod faults;
mod program;
mod protocol;
mod quirks;
mod sign;
mod signatures;
mod uploads;

use objstore_testkit::s3::{Quirk, S3Server};

use self::client::Client;

/// A server with these quirks, and a client of it.
async fn start(quirks: &[Quirk]) -> (S3Server, Client) {
    let mut builder = S3Server::builder();
    for quirk in quirks {
        builder = builder.with_quirk(*quirk);
    }
    let server = builder.start().await.unwrap();
    let client = Client::of(&server);
    (server, client)
}

/// Five MiB, the smallest part but the last.
const PART: usize = 5 << 20;
