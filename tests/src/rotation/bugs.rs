//! Deliberate bugs, put around the rotation: the proof that the histories would find such a bug in it. The product itself
//! knows nothing of them.

use super::naive;
use jiff::{SignedDuration, Timestamp};
use planning::rotation::{
    Attestation, Certificate, Listed, ListedId, Observed, Persisted, Policy, SignIns, State, Step,
    TargetReading, Write, days, next,
};

/// A bug that somebody could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A list counts as holding what is staged.
    ActivateBeforeProven,
    /// A target that cannot be read counts as trusting it.
    TakeUnknownForTrusted,
    /// What Graph shows counts as published.
    IgnoreTheMetadata,
    /// What is retired is what signs.
    DeleteTheActive,
    /// It is retired as soon as another is active.
    RetireAtOnce,
    /// A certificate is not looked for before it is asked for.
    StageTwiceAfterACrash,
    /// Sign-ins are not looked at.
    DoNotRollBack,
    /// A thumbprint is a word.
    TakeAThumbprint,
    /// What nobody imported stays pending.
    ForgetTheDeadline,
    /// The preferred thumbprint stays as it is.
    DoNotPin,
    /// It is activated as soon as it is trusted.
    DoNotSoak,
    /// What is remembered is stored whoever was faster.
    StoreOverAnything,
    /// Nothing is ever done.
    DoNothing,
}

impl Bug {
    /// Every bug.
    pub const ALL: [Bug; 13] = [
        Bug::ActivateBeforeProven,
        Bug::TakeUnknownForTrusted,
        Bug::IgnoreTheMetadata,
        Bug::DeleteTheActive,
        Bug::RetireAtOnce,
        Bug::StageTwiceAfterACrash,
        Bug::DoNotRollBack,
        Bug::TakeAThumbprint,
        Bug::ForgetTheDeadline,
        Bug::DoNotPin,
        Bug::DoNotSoak,
        Bug::StoreOverAnything,
        Bug::DoNothing,
    ];
}

/// What decides in a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decider {
    /// The rotation as it is.
    Sound,
    /// With this bug.
    With(Bug),
    /// Another rotation, which activates first and imports then.
    Naive,
}

impl Decider {
    /// The next step.
    pub fn next(self, observed: &Observed, persisted: &Persisted, policy: &Policy, now: Timestamp) -> Step {
        match self {
            Decider::Sound => next(observed, persisted, policy, now),
            Decider::Naive => naive::next(observed, persisted, policy, now),
            Decider::With(bug) => {
                let (mut observed, mut persisted, mut policy) =
                    (observed.clone(), persisted.clone(), policy.clone());
                bug.misread(&mut observed, &mut persisted, &mut policy, now);
                let step = next(&observed, &persisted, &policy, now);
                bug.spoil(step, &observed, &persisted)
            }
        }
    }

    /// The fingerprint that is read from what somebody typed.
    pub fn understood(self, typed: &str, store: &Persisted) -> String {
        let staged = store.rotation.as_ref().and_then(|rotation| rotation.staged.as_ref());
        match staged
            .filter(|staged| self == Decider::With(Bug::TakeAThumbprint) && staged.sha1.to_string() == typed)
        {
            Some(staged) => staged.sha256.to_string(),
            None => typed.to_owned(),
        }
    }

    /// True if whoever was faster is not looked for.
    pub fn stores_over_anything(self) -> bool {
        self == Decider::With(Bug::StoreOverAnything)
    }
}

impl Bug {
    fn misread(
        self,
        observed: &mut Observed,
        persisted: &mut Persisted,
        policy: &mut Policy,
        now: Timestamp,
    ) {
        let staged = persisted.rotation.as_ref().and_then(|rotation| rotation.staged.clone());
        match (self, staged) {
            (Bug::ActivateBeforeProven, Some(staged)) => believe(observed, &staged),
            (Bug::TakeUnknownForTrusted, Some(staged)) => {
                for target in policy.targets.keys() {
                    persisted.attested.insert(target.clone(), Attestation { sha256: staged.sha256, at: now });
                }
            }
            (Bug::IgnoreTheMetadata, _) => {
                let known = observed.graph.iter().flat_map(|graph| &graph.certificates);
                let known = known.map(|found| found.sha256).collect();
                if let Ok(metadata) = &mut observed.metadata {
                    (metadata.entity_id, metadata.certificates) = (policy.entity_id.clone(), known);
                }
            }
            (Bug::StageTwiceAfterACrash, None) => {
                persisted.begun = None;
                if let (Some(rotation), Ok(graph)) = (&mut persisted.rotation, &mut observed.graph) {
                    let name = rotation.id.display_name();
                    if rotation.asked_at.take().is_some() {
                        graph.certificates.retain(|found| found.display_name != name);
                    }
                }
            }
            (Bug::DoNotRollBack, _) => observed.sign_ins = observed.sign_ins.map(|_| SignIns::default()),
            (Bug::ForgetTheDeadline, _) => policy.abort_before = -days(1_000),
            (Bug::DoNotPin, _) => {
                if let Ok(graph) = &mut observed.graph {
                    graph.preferred = graph.preferred.or(graph.certificates.first().map(|first| first.sha1));
                }
            }
            (Bug::DoNotSoak, _) => policy.soak = SignedDuration::ZERO,
            _ => {}
        }
    }

    fn spoil(self, step: Step, observed: &Observed, persisted: &Persisted) -> Step {
        let Some(rotation) = &persisted.rotation else { return self.stop(step) };
        let lists = observed.targets.iter().filter_map(|(target, reading)| match reading {
            TargetReading::Listed(listed) => Some((target, listed)),
            TargetReading::NotReadable => None,
        });
        let mut retired = lists
            .flat_map(|(target, listed)| listed.iter().map(move |listed| (target.clone(), listed.clone())));
        let staged = rotation.staged.as_ref().map(|staged| staged.sha256);
        let wrong = match (self, &step.write) {
            (Bug::DeleteTheActive, Some(Write::Retire { .. })) => {
                retired.find(|(_, listed)| Some(listed.sha256) == staged)
            }
            (Bug::RetireAtOnce, None) if rotation.state == State::Active => {
                retired.find(|(_, listed)| listed.sha256 == rotation.replaces.sha256)
            }
            _ => return self.stop(step),
        };
        let Some((target, Listed { id, sha256, .. })) = wrong else { return step };
        Step { write: Some(Write::Retire { target, id, sha256 }), ..step }
    }

    fn stop(self, step: Step) -> Step {
        if self == Bug::DoNothing { Step { before: None, write: None, after: None, ..step } } else { step }
    }
}

/// Every list holds it.
fn believe(observed: &mut Observed, staged: &Certificate) {
    for reading in observed.targets.values_mut() {
        if let TargetReading::Listed(listed) = reading {
            let (sha256, not_after) = (staged.sha256, staged.not_after);
            listed.push(Listed { id: ListedId("believed".to_owned()), sha256, not_after });
        }
    }
}
