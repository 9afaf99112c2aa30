//! S3 on loopback, in memory, as a program.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match objstore_testkit::s3::run_program(std::env::args().skip(1)).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        #[expect(clippy::print_stderr, reason = "the program's message to its user")]
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::from(2)
        }
    }
}
