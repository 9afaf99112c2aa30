//! Which member of which cluster a restore makes.

use etcd_format::membership::{InitialCluster, Member, PeerUrls};

use super::options::RestoreOptions;
use super::report::Identity;
use crate::hex::Hex64;
use crate::host::Host;
use crate::{Advice, Error, Result};

/// The port that etcd's peers use unless told otherwise.
const DEFAULT_PEER_URL: &str = "http://localhost:2380";

/// A member in its cluster, with the token that gave them their ids.
#[derive(Clone, Debug)]
pub(super) struct NewCluster {
    pub(super) members: InitialCluster,
    pub(super) local: Member,
    pub(super) token: String,
    pub(super) text: String,
}

/// How many initial members the options name, and whether this one is among them. It needs no token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Roll {
    pub(super) members: usize,
    pub(super) has_local: bool,
}

impl Roll {
    pub(super) fn call(options: &RestoreOptions) -> Result<Self> {
        // Counting needs some token; no id of this one is used.
        let members = parse(&initial_cluster(options), "roll call")?;
        let has_local = members.member(&options.name).is_ok();
        Ok(Self { members: members.members().len(), has_local })
    }
}

impl NewCluster {
    /// Resolves the options, drawing a token where one may be drawn.
    ///
    /// # Errors
    ///
    /// `Usage` for names and URLs that do not fit together; `Refused` for several members without a token.
    pub(super) fn resolve(options: &RestoreOptions, host: &dyn Host) -> Result<Self> {
        let text = initial_cluster(options);
        let roll = Roll::call(options)?;
        // What is wrong with the names and URLs is said before a token is asked for.
        local_member(options, &parse(&text, "no id of this one is used")?)?;
        let token = match &options.initial_cluster_token {
            Some(token) if token.is_empty() => {
                return Err(Error::usage(
                    "the initial cluster token is empty: give one, or leave it out to have one drawn",
                ));
            }
            Some(token) => token.clone(),
            None if roll.members > 1 => return Err(token_needed(roll.members, &fresh_token(host)?)),
            None => fresh_token(host)?,
        };
        let members = parse(&text, &token)?;
        let local = local_member(options, &members)?;
        Ok(Self { members, local, token, text })
    }

    pub(super) fn identity(&self) -> Identity {
        Identity {
            name: self.local.name().to_owned(),
            member_id: Hex64(self.local.id().get()),
            cluster_id: Hex64(self.members.id().get()),
            token: self.token.clone(),
            initial_cluster: self.text.clone(),
        }
    }
}

/// The member that these options make.
fn local_member(options: &RestoreOptions, members: &InitialCluster) -> Result<Member> {
    let local = match &options.initial_advertise_peer_urls {
        None => members.member(&options.name),
        Some(urls) => {
            let urls = PeerUrls::new(urls.iter().map(String::as_str)).map_err(|e| {
                Error::usage("the initial advertised peer URLs are not what etcd accepts").with_source(e)
            })?;
            members.local_member(&options.name, &urls)
        }
    };
    local.cloned().map_err(|e| {
        Error::usage("this member and the initial cluster do not fit together: give the same names and URLs that etcd is started with")
            .with_source(e)
    })
}

fn initial_cluster(options: &RestoreOptions) -> String {
    options.initial_cluster.clone().unwrap_or_else(|| format!("{}={DEFAULT_PEER_URL}", options.name))
}

fn parse(text: &str, token: &str) -> Result<InitialCluster> {
    InitialCluster::parse(text, token).map_err(|e| {
        Error::usage("the initial cluster is not what etcd accepts: write NAME=http://HOST:PORT[,NAME=…]")
            .with_source(e)
    })
}

fn token_needed(members: usize, fresh: &str) -> Error {
    Error::refused(format!(
        "the {members} members of a cluster need one token, the same for all, or they never form a cluster: take {fresh}, once, \
         and give it to every one of them (the next such message has another)"
    ))
    .with_advice(Advice::InitialClusterToken)
}

/// A token that no other cluster has.
fn fresh_token(host: &dyn Host) -> Result<String> {
    Ok(format!("restored-{}", random_hex::<8>(host)?))
}

/// `N` random bytes as lower-case hex.
pub(super) fn random_hex<const N: usize>(host: &dyn Host) -> Result<String> {
    let mut bytes = [0; N];
    host.random(&mut bytes)?;
    Ok(crate::receive::to_hex(&bytes))
}
