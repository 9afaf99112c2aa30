//! What must hold: at every moment, when the flow says that it is done, and at the end.

use std::net::Ipv4Addr;

use crate::flow::{CREDENTIAL, Spec};
use crate::ontap::{Counts, Name, Password, SvmInside};
use crate::secrets::Secrets;
use crate::site::Site;
use crate::world::World;

/// The mark of somebody else.
pub const STRANGER: &str = "somebody-else";

/// The password that somebody else sets.
pub const STRANGERS_PASSWORD: &str = "foreign-pass-1";

type Verdict = Result<(), String>;

/// What must hold at every moment.
///
/// # Errors
/// What does not hold.
pub fn safe(site: &Site) -> Verdict {
    site.judge_if_changed(|| safe_now(site))
}

fn safe_now(site: &Site) -> Verdict {
    let (world, spec) = (site.world(), site.spec());
    if let Some(subject) = world.assumed.first() {
        return Err(format!("wrote to {subject:?} although its read had failed"));
    }
    if ours(&world, &spec).count() > 1 {
        return Err("two SVMs".to_owned());
    }
    strangers_are_left_alone(&world, &spec)?;
    passwords_are_written_down(&world, &spec)
}

/// What must hold when the flow says that all is there.
///
/// # Errors
/// What is missing.
pub fn provided(site: &Site) -> Verdict {
    if site.was_edited() {
        return Ok(());
    }
    let (world, spec) = (site.world(), site.spec());
    let mut svms = ours(&world, &spec);
    let svm = svms.next().ok_or("the SVM is missing")?;
    if svms.next().is_some() {
        return Err("there are two SVMs".to_owned());
    }
    if !svm.serves() {
        return Err(format!("the SVM is {} or without NVMe", svm.state()));
    }
    lifs(svm, &spec)?;
    let (_, password) = svm.accounts().find(|(name, _)| **name == spec.shoot).ok_or("the account is missing")?;
    secret("seed", world.seed.now(), &spec, password)?;
    secret("shoot", world.shoot.now(), &spec, password)
}

/// What must hold when the flow says that all is gone.
///
/// # Errors
/// What is left.
pub fn removed(site: &Site) -> Verdict {
    let (world, spec) = (site.world(), site.spec());
    let left = |what: &str| Err(format!("{what} is left"));
    if ours(&world, &spec).next().is_some() {
        return left("the SVM");
    }
    let owned = |secrets: &Secrets| secrets.all().iter().any(|one| one.owner == spec.mark);
    if owned(world.seed.now()) || owned(world.shoot.now()) {
        return left("a secret");
    }
    if world.shelf.is_empty() { Ok(()) } else { left("the journal") }
}

/// What the world has come to, without what may differ: ids, times, the passwords themselves.
#[derive(Debug, Hash)]
pub struct End {
    svms: Vec<SvmEnd>,
    secrets: Vec<(Name, Name)>,
    records: bool,
    counts: Option<Counts>,
}

/// One SVM of it.
#[derive(Debug, Hash)]
struct SvmEnd {
    cluster: usize,
    name: Name,
    mark: Name,
    serves: bool,
    lifs: Vec<(Name, Ipv4Addr, bool)>,
}

/// What the world has come to. With counts: how much was made and deleted on the way.
pub fn end(site: &Site, with_counts: bool) -> End {
    let world = site.world();
    let clusters = world.clusters.iter().enumerate();
    let svms = clusters.flat_map(|(at, cluster)| cluster.svms().map(move |svm| describe(at, svm))).collect();
    let secrets = world.seed.now().all().iter().chain(world.shoot.now().all());
    let secrets = secrets.map(|one| (Name::clone(&one.name), Name::clone(&one.owner))).collect();
    let counts = with_counts.then(|| Counts { writes: 0, ..world.counts() });
    End { svms, secrets, records: !world.shelf.is_empty(), counts }
}

fn describe(cluster: usize, svm: SvmInside<'_>) -> SvmEnd {
    let mut lifs: Vec<_> = svm.lifs().map(|(name, address, enabled)| (Name::clone(name), address, enabled)).collect();
    lifs.sort_unstable();
    SvmEnd { cluster, name: Name::clone(svm.name()), mark: Name::clone(svm.mark()), serves: svm.serves(), lifs }
}

fn ours<'w>(world: &'w World, spec: &Spec) -> impl Iterator<Item = SvmInside<'w>> + use<'w> {
    let (name, mark) = (Name::clone(&spec.svm), Name::clone(&spec.mark));
    let all = world.clusters.iter().flat_map(crate::ontap::Cluster::svms);
    all.filter(move |svm| *svm.name() == name && *svm.mark() == mark)
}

fn strangers_are_left_alone(world: &World, spec: &Spec) -> Verdict {
    let all = world.clusters.iter().flat_map(crate::ontap::Cluster::svms);
    let mut strange = all.filter(|svm| *svm.mark() != spec.mark);
    if strange.any(|svm| svm.lifs().next().is_some() || svm.accounts().next().is_some() || !svm.serves()) {
        return Err("the SVM of somebody else was changed".to_owned());
    }
    let secrets = world.seed.now().all().iter().chain(world.shoot.now().all());
    let mut strange = secrets.filter(|one| one.owner != spec.mark);
    match strange.any(|one| one.credential.password.expose() != STRANGERS_PASSWORD) {
        true => Err("the secret of somebody else was changed".to_owned()),
        false => Ok(()),
    }
}

/// Whatever crash comes now, the password in use can be found again.
fn passwords_are_written_down(world: &World, spec: &Spec) -> Verdict {
    if world.shelf.was_lost() {
        return Ok(());
    }
    let record = world.shelf.record(CREDENTIAL).unwrap_or_default();
    for (_, password) in ours(world, spec).flat_map(SvmInside::accounts) {
        let password = password.expose().as_bytes();
        let known = password == STRANGERS_PASSWORD.as_bytes() || contains(record, password);
        if !known {
            return Err("the password in use is not written down".to_owned());
        }
    }
    Ok(())
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn lifs(svm: SvmInside<'_>, spec: &Spec) -> Verdict {
    let wanted = spec.data.len() + 1;
    let found = svm.lifs().filter(|(name, address, enabled)| *enabled && spec.address(name) == Some(*address)).count();
    if found < wanted {
        return Err(format!("{found} of {wanted} LIFs are as they should be"));
    }
    if svm.lifs().count() > wanted { Err("there is a LIF too many".to_owned()) } else { Ok(()) }
}

fn secret(place: &str, secrets: &Secrets, spec: &Spec, password: &Password) -> Verdict {
    let stored = secrets.get(&spec.shoot).ok_or_else(|| format!("the {place} secret is missing"))?;
    let credential = stored.credential;
    if credential.username != spec.shoot || credential.password != *password {
        return Err(format!("the {place} secret does not hold the password"));
    }
    Ok(())
}
