//! When a server counts as started.

use std::time::Duration;

use anyhow::bail;

use crate::{EtcdServer, http, wait_until};

const PROBE_LIMIT: Duration = Duration::from_secs(5);

enum Seen {
    Healthy,
    Ended(String),
}

impl EtcdServer {
    /// Waits until the server answers a linearizable read (its own health check does one), or has ended.
    ///
    /// # Errors
    /// When it ends, or is not healthy in time: with the end of its log.
    pub fn wait_ready(&mut self) -> anyhow::Result<()> {
        let limit = self.start_limit;
        match wait_until(limit, || self.look()) {
            Some(Seen::Healthy) => Ok(()),
            Some(Seen::Ended(how)) => bail!("etcd {} ended: {how}\n{}", self.judge.version(), self.log_tail()),
            None => {
                bail!("etcd {} is not healthy after {} s\n{}", self.judge.version(), limit.as_secs(), self.log_tail())
            }
        }
    }

    pub(super) fn port_was_taken(&self) -> bool {
        self.log().contains("address already in use")
    }

    fn look(&mut self) -> Option<Seen> {
        let Some(running) = self.running.as_mut() else { return Some(Seen::Ended("it was not started".to_owned())) };
        match running.child.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => {
                self.running = None;
                return Some(Seen::Ended(status.to_string()));
            }
            Err(error) => return Some(Seen::Ended(error.to_string())),
        }
        self.serves().then_some(Seen::Healthy)
    }

    /// Healthy, or kept from it by an alarm alone: then it is up, and may be what a test is about.
    fn serves(&self) -> bool {
        let health = self.page("/health");
        if health.contains("\"true\"") || health.contains("ALARM") {
            return true;
        }
        // 3.4 gives no reason. It looks at alarms first, so with a leader it is an alarm.
        health.contains("\"false\"")
            && !health.contains("reason")
            && self.page("/metrics").lines().any(|line| line == "etcd_server_has_leader 1")
    }

    /// A page of its plain metrics port; empty while it does not answer.
    fn page(&self, path: &str) -> String {
        http::request(self.ports.metrics.number(), path, None, PROBE_LIMIT).map(|(_, body)| body).unwrap_or_default()
    }
}
