//! What this program calls the options that the library's errors speak of.

use etcd_snapshot::{Advice, Error};

/// The hint for an error: that of the first of its causes that has one.
pub(crate) fn of(error: &anyhow::Error) -> Option<&'static str> {
    let advice = error.chain().find_map(|cause| cause.downcast_ref::<Error>().and_then(Error::advice));
    advice.and_then(name)
}

fn name(advice: Advice) -> Option<&'static str> {
    Some(match advice {
        Advice::Endpoints => "--endpoints",
        Advice::User => "--user, with the password in ETCDCTL_PASSWORD",
        Advice::NoUser => "leave out --user, and unset ETCDCTL_USER",
        Advice::Authorities => "--cacert",
        Advice::ClientCertificate => "--cert and --key",
        Advice::ServerName => "--server-name",
        Advice::NewIncarnation => "--new-incarnation",
        Advice::Required => "--require",
        Advice::LiveCheck => "leave out --no-live-check",
        Advice::SnapshotById => "STORE#ID",
        Advice::Timeout => "--timeout",
        Advice::StallTimeout => "--stall-timeout",
        Advice::Inventory => "`etcd-snapshot list STORE`",
        Advice::Incomplete => "`etcd-snapshot list STORE --incomplete`",
        Advice::InitialClusterToken => "--initial-cluster-token",
        Advice::SkipHashCheck => "--skip-hash-check",
        Advice::ClearCorruptAlarms => "--clear-corrupt-alarms",
        Advice::BumpRevision => "--bump-revision",
        Advice::MarkCompacted => "--mark-compacted",
        _ => return None,
    })
}
