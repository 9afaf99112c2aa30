//! The server as a program.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Credentials, S3Server, S3ServerBuilder};
use crate::FaultPlan;

/// What the program says when it is asked, or does not understand.
const USAGE: &str = "\
objstore-s3-server: S3 on loopback, in memory, for tests. Prints where it listens, and ends with its standard input.

  objstore-s3-server [--port N] [--region NAME] [--bucket NAME]… [--versioned NAME]… [--locked NAME]…
                     [--access-key ID --secret-key SECRET] [--quirk NAME]… [--faults PLAN]

A quirk is ignore-conditions, max-parts:1000, slow:50, …; a plan is 2=reply-lost,3=503:1.
Without a bucket there is one named test-bucket. The first line on standard output is JSON:
  {\"endpoint\":\"http://127.0.0.1:40001\",\"bucket\":\"test-bucket\",\"region\":\"us-east-1\",\"access_key\":\"…\",\"secret_key\":\"…\"}
";

/// Runs the server as a program with these arguments: prints where it listens as one line of JSON, and returns when
/// standard input ends. Put it behind a test program of your own to have a server in another process.
///
/// # Errors
/// For arguments that it does not know, and if the port is taken.
pub async fn run_program(arguments: impl IntoIterator<Item = String>) -> io::Result<()> {
    let (builder, plan) = parse(arguments)?;
    let server = builder.start().await?;
    server.play(plan);
    let mut out = tokio::io::stdout();
    out.write_all(line(&server).as_bytes()).await?;
    out.flush().await?;
    let mut rest = [0; 64];
    while tokio::io::stdin().read(&mut rest).await? > 0 {}
    Ok(())
}

fn parse(arguments: impl IntoIterator<Item = String>) -> io::Result<(S3ServerBuilder, FaultPlan)> {
    let mut builder = S3Server::builder();
    let (mut access, mut secret, mut plan) = (None, None, FaultPlan::new());
    let mut arguments = arguments.into_iter();
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or_else(usage)?;
        builder = match option.as_str() {
            "--port" => builder.with_port(value.parse().map_err(|_| usage())?),
            "--region" => builder.with_region(value),
            "--bucket" => builder.with_bucket(value),
            "--versioned" => builder.with_versioned_bucket(value),
            "--locked" => builder.with_locked_bucket(value),
            "--quirk" => builder.with_quirk(value.parse().map_err(invalid)?),
            "--faults" => {
                plan = value.parse().map_err(invalid)?;
                builder
            }
            "--access-key" => {
                access = Some(value);
                builder
            }
            "--secret-key" => {
                secret = Some(value);
                builder
            }
            _ => return Err(usage()),
        };
    }
    match (access, secret) {
        (Some(access), Some(secret)) => Ok((builder.with_credentials(Credentials::new(access, secret)), plan)),
        (None, None) => Ok((builder, plan)),
        _ => Err(usage()),
    }
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

fn usage() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, USAGE)
}

fn line(server: &S3Server) -> String {
    let credentials = server.credentials();
    let fields = [
        ("endpoint", server.endpoint()),
        ("bucket", server.bucket().to_owned()),
        ("region", server.region().to_owned()),
        ("access_key", credentials.access_key().to_owned()),
        ("secret_key", credentials.expose_secret_key().to_owned()),
    ];
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name:?}:{value:?}")).collect();
    format!("{{{}}}\n", fields.join(","))
}
