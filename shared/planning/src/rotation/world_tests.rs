//! A small world for the facts about rotations: everything is seen at once, and every write takes effect.

use super::*;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub(super) const TENANT: Uuid = Uuid::from_u128(7);

pub(super) fn now() -> Timestamp {
    // A Monday, in the change window.
    "2026-11-02T09:00:00Z".parse().unwrap()
}

pub(super) fn in_days(count: i64) -> Timestamp {
    now() + days(count)
}

pub(super) fn target(name: &str) -> TargetId {
    TargetId(name.to_owned())
}

pub(super) fn sha256(number: u8) -> Sha256Fingerprint {
    Sha256Fingerprint::new([number; 32])
}

pub(super) fn sha1(number: u8) -> Sha1Thumbprint {
    Sha1Thumbprint::new([number; 20])
}

pub(super) fn certificate(number: u8, not_after: Timestamp) -> Certificate {
    Certificate {
        sha256: sha256(number),
        sha1: sha1(number),
        key_id: KeyId(format!("key-{number}")),
        display_name: format!("CN=by-hand-{number}"),
        not_before: now() - days(30),
        not_after,
        pem: format!("-----BEGIN CERTIFICATE----- {number}"),
    }
}

pub(super) fn listed(number: u8) -> Listed {
    Listed { id: ListedId(format!("id-{number}")), sha256: sha256(number), not_after: in_days(1_000) }
}

pub(super) struct World {
    pub observed: Observed,
    pub persisted: Persisted,
    pub policy: Policy,
    pub now: Timestamp,
}

impl World {
    /// Certificate 1 is active, pinned, trusted where that can be read, and expires after so many days.
    pub fn new(mode: Mode, targets: &[(&str, Target)], days_left: i64) -> Self {
        let targets: BTreeMap<TargetId, Target> =
            targets.iter().map(|(name, kind)| (target(name), *kind)).collect();
        let readings = targets.iter().map(|(name, kind)| {
            let list = TargetReading::Listed(vec![listed(1)]);
            (name.clone(), if kind.lists { list } else { TargetReading::NotReadable })
        });
        let observed = Observed {
            graph: Ok(GraphReading {
                preferred: Some(sha1(1)),
                certificates: vec![certificate(1, in_days(days_left))],
            }),
            metadata: Ok(MetadataReading {
                entity_id: entity_id(TENANT),
                certificates: BTreeSet::from([sha256(1)]),
            }),
            targets: readings.collect(),
            sign_ins: Some(SignIns::default()),
        };
        let policy = Policy::new(mode, TENANT, targets);
        Self { observed, persisted: Persisted::default(), policy, now: now() }
    }

    /// One target, whose list can be read and changed.
    pub fn auto(days_left: i64) -> Self {
        Self::new(Mode::Auto, &[("identity-center", Target::identity_center(true, true))], days_left)
    }

    /// One target, where a person imports and nothing can be read.
    pub fn by_hand(days_left: i64) -> Self {
        Self::new(Mode::Assist, &[("identity-center", Target::MANUAL)], days_left)
    }

    pub fn graph(&mut self) -> &mut GraphReading {
        self.observed.graph.as_mut().unwrap()
    }

    pub fn published(&mut self) -> &mut BTreeSet<Sha256Fingerprint> {
        &mut self.observed.metadata.as_mut().unwrap().certificates
    }

    /// Makes a certificate pending in Entra ID.
    pub fn add(&mut self, added: Certificate) {
        self.published().insert(added.sha256);
        self.graph().certificates.push(added);
    }

    pub fn list(&mut self, name: &str) -> &mut Vec<Listed> {
        match self.observed.targets.get_mut(&target(name)) {
            Some(TargetReading::Listed(listed)) => listed,
            other => panic!("{name} has no list: {other:?}"),
        }
    }

    pub fn step(&self) -> Step {
        next(&self.observed, &self.persisted, &self.policy, self.now)
    }

    pub fn command(&self, asked: Command) -> Result<Persisted, Refusal> {
        command(&asked, &self.observed, &self.persisted, &self.policy, self.now)
    }

    pub fn verdict(&self) -> Verdict {
        verdict(&self.observed, &self.persisted, &self.policy, self.now)
    }

    pub fn state(&self) -> Option<State> {
        self.persisted.rotation.as_ref().map(|rotation| rotation.state)
    }

    /// Carries out one step.
    pub fn run(&mut self) -> Step {
        let step = self.step();
        if let Some(write) = &step.write {
            self.write(write);
        }
        if let Some(after) = &step.after {
            assert!(after.revision > self.persisted.revision, "what is stored must be newer");
            self.persisted = after.clone();
        }
        step
    }

    /// Carries out one step, whatever it is.
    pub fn go(&mut self) {
        let Step { .. } = self.run();
    }

    /// Runs until this state, as time passes.
    pub fn run_until(&mut self, state: State) {
        for _ in 0..2_000 {
            if self.state() == Some(state) {
                return;
            }
            self.now = self.run().look_again.max(self.now);
        }
        panic!("{state:?} is not reached, but {:?}", self.persisted.rotation);
    }

    /// Runs until so much time has passed, and returns what was written.
    pub fn run_for(&mut self, time: SignedDuration) -> Vec<Write> {
        let end = self.now + time;
        let mut writes = Vec::new();
        for _ in 0..5_000 {
            let step = self.run();
            writes.extend(step.write);
            if step.look_again >= end && step.look_again > self.now {
                break;
            }
            self.now = step.look_again;
        }
        self.now = end;
        writes
    }

    pub fn write(&mut self, write: &Write) {
        match write {
            Write::Pin(thumbprint) | Write::Activate(thumbprint) | Write::RollBack(thumbprint) => {
                self.graph().preferred = Some(*thumbprint);
            }
            Write::Stage { display_name } => {
                let staged = Certificate {
                    display_name: display_name.clone(),
                    not_before: self.now,
                    ..certificate(2, in_days(1_095))
                };
                self.add(staged);
            }
            Write::Import { target, certificate } => {
                let id = ListedId(format!("imported-{}", certificate.key_id.0));
                let (sha256, not_after) = (certificate.sha256, certificate.not_after);
                self.list(&target.0).push(Listed { id, sha256, not_after });
            }
            Write::RemovePending(sha256) => {
                self.graph().certificates.retain(|found| found.sha256 != *sha256);
                self.published().remove(sha256);
            }
            Write::Retire { target, id, .. } => self.list(&target.0).retain(|found| found.id != *id),
        }
    }
}
