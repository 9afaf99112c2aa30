//! Ends a server when its owner dies without a destructor: killed, aborted, out of memory.

use std::process::{Child, Command, Stdio};

/// A shell that waits for its input to end, which the system does for us at our death, and then kills the server.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
}

impl Guard {
    pub(crate) fn over(server: &Child) -> std::io::Result<Self> {
        let shell = Command::new("sh")
            .args(["-c", "read -r _; kill -9 \"$1\"", "guard", &server.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { shell })
    }
}

impl Drop for Guard {
    /// Before the server is reaped, so that the guard never kills a stranger that got its number.
    fn drop(&mut self) {
        self.shell.kill().ok();
        self.shell.wait().ok();
    }
}
