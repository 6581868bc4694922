//! The rotation that suggests itself: make a certificate, activate it, then see that everybody imports it. The histories
//! must be hard enough to show what is wrong with it.

use super::runs::PAUSE;
use jiff::Timestamp;
use planning::rotation::{
    Certificate, Notice, Observed, Persisted, Policy, Step, TargetReading, Write, days,
};

/// Activates first, and imports then.
pub fn next(observed: &Observed, persisted: &Persisted, policy: &Policy, now: Timestamp) -> Step {
    let Ok(graph) = &observed.graph else { return step(persisted, None, now) };
    let newest = graph.certificates.iter().max_by_key(|found| found.not_after);
    let Some(newest) = newest else { return step(persisted, None, now) };
    if newest.validity_left(now) <= policy.lead_time {
        let display_name = format!("CN=naive-{}", now.as_second());
        return step(persisted, Some(Write::Stage { display_name }), now);
    }
    if graph.preferred != Some(newest.sha1) {
        return step(persisted, Some(Write::Activate(newest.sha1)), now);
    }
    import(observed, persisted, policy, newest, now)
}

fn import(
    observed: &Observed,
    persisted: &Persisted,
    policy: &Policy,
    newest: &Certificate,
    now: Timestamp,
) -> Step {
    let missing = policy.targets.iter().find(|(target, _)| match observed.targets.get(*target) {
        Some(TargetReading::Listed(listed)) => listed.iter().all(|listed| listed.sha256 != newest.sha256),
        _ => true,
    });
    match missing {
        Some((target, kind)) if kind.imports => {
            let (target, certificate) = (target.clone(), Box::new(newest.clone()));
            step(persisted, Some(Write::Import { target, certificate }), now)
        }
        Some((target, _)) => {
            let notice = Notice::ImportByHand {
                targets: vec![target.clone()],
                certificate: Box::new(newest.clone()),
                deadline: now + days(30),
                reminder: None,
            };
            Step { notices: vec![notice], ..step(persisted, None, now) }
        }
        None => step(persisted, None, now),
    }
}

fn step(persisted: &Persisted, write: Option<Write>, now: Timestamp) -> Step {
    let next = |revision| Persisted { revision, ..persisted.clone() };
    let is_write = write.is_some();
    Step {
        before: is_write.then(|| next(persisted.revision + 1)),
        write,
        after: is_write.then(|| next(persisted.revision + 2)),
        notices: Vec::new(),
        look_again: now + PAUSE,
    }
}
