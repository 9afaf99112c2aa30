//! Surveys a database file: `cargo run --example survey -- snapshot.db`.

#![expect(clippy::print_stdout, reason = "it is what the example is for")]

use std::error::Error;
use std::fs::File;

use etcd_format::survey::Survey;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("which file?")?;
    let file = File::open(path)?;
    let mut survey = Survey::new(file.metadata()?.len());
    etcd_format::drive(&mut survey, &file, |finding| println!("{finding}"))?;
    println!("{:#?}", survey.finish()?);
    Ok(())
}
