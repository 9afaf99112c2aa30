//! What a command says: text for people, or JSON for programs. Results go to standard output, errors to standard error.

use std::io::Write as _;
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::{exit, hint};

/// The form of what is said.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Form {
    /// For people.
    Text,
    /// For programs: one JSON value; 64-bit ids are hex strings. An error is one JSON object on standard error.
    Json,
}

#[derive(Debug)]
pub(crate) struct Output {
    form: Form,
}

impl Output {
    pub(crate) fn new(form: Form) -> Self {
        Self { form }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    /// The result of a command, in the form that was asked for.
    pub(crate) fn result(&self, value: &Value, text: &str) -> anyhow::Result<()> {
        match self.form {
            Form::Json => self.text(&format!("{value:#}\n")),
            Form::Text => self.text(text),
        }
    }

    /// Writes to standard output. A reader that has gone away is no error.
    pub(crate) fn text(&self, text: &str) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e.into()),
            _ => Ok(()),
        }
    }

    /// Says something beside the result, to people only.
    pub(crate) fn note(&self, text: &str) {
        if self.form == Form::Text {
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
    }

    /// Says an error with all of its causes, each once, and gives its exit code.
    pub(crate) fn fail(&self, error: &anyhow::Error) -> ExitCode {
        let (kind, number) = exit::classify(error);
        let causes = causes(error);
        let said = match self.form {
            Form::Json => {
                let hint = hint::of(error);
                let error = json!({"kind": kind, "exit_code": number, "message": error.to_string(), "causes": causes, "hint": hint});
                format!("{}\n", json!({ "error": error }))
            }
            Form::Text => {
                let causes: String = causes.iter().map(|cause| format!("\n  because: {cause}")).collect();
                let hint = hint::of(error).map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
                format!("error: {error}{causes}{hint}\n")
            }
        };
        let _ = std::io::stderr().lock().write_all(said.as_bytes());
        exit::code(number)
    }
}

/// The causes, without those that only repeat what the level above has said.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut said = error.to_string();
    let mut causes = Vec::new();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.contains(&cause) {
            said = cause.clone();
            causes.push(cause);
        }
    }
    causes
}

/// What clap says: help and version are no errors.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    const JSON: [&str; 7] = ["json", "--output=json", "-ojson", "-o=json", "--write-out=json", "-wjson", "-w=json"];
    let json = std::env::args_os().any(|arg| JSON.iter().any(|json| arg == *json));
    if error.use_stderr() && json {
        return Output::new(Form::Json).fail(&anyhow::Error::new(exit::Ended {
            code: 2,
            name: "usage",
            message: error.to_string().trim_start_matches("error: ").trim().to_owned(),
        }));
    }
    let _ = error.print();
    exit::code(if error.use_stderr() { 2 } else { 0 })
}
