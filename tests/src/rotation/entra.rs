//! Entra ID's keys of one application: what signs, and what reads of different replicas show of it.

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use planning::rotation::{Certificate, KeyId, Sha1Thumbprint, Sha256Fingerprint, days};
use std::collections::BTreeSet;

/// A key, and when reads begin and cease to show it.
#[derive(Debug, Clone)]
struct Key {
    certificate: Certificate,
    in_graph: Lag,
    in_metadata: Lag,
    removed: Option<Lag>,
}

/// After a change, some reads show it, and later all.
#[derive(Debug, Clone, Copy)]
pub struct Lag {
    some: Timestamp,
    all: Timestamp,
}

/// The application.
#[derive(Debug, Clone)]
pub struct Entra {
    keys: Vec<Key>,
    preferred: Option<Sha1Thumbprint>,
    before: Option<Sha1Thumbprint>,
    switched: Lag,
    made: u64,
    /// What it signs with when nothing is preferred: nobody knows.
    newest_unless_preferred: bool,
}

impl Lag {
    /// At most so long.
    pub fn drawn(random: &mut Rng, now: Timestamp, most: SignedDuration) -> Self {
        let most = most.as_secs();
        let all = random.i64(0..=most);
        let after = |seconds| now + SignedDuration::from_secs(seconds);
        Self { some: after(random.i64(0..=all)), all: after(all) }
    }

    /// True if one read shows the change.
    pub fn shows(self, random: &mut Rng, now: Timestamp) -> bool {
        now >= self.all || (now >= self.some && random.bool())
    }

    fn over(at: Timestamp) -> Self {
        Self { some: at, all: at }
    }
}

/// Well below the hour that the rotation waits for.
const GRAPH: SignedDuration = SignedDuration::from_mins(25);
const METADATA: SignedDuration = SignedDuration::from_hours(4);

impl Entra {
    /// One certificate, seen everywhere.
    pub fn new(random: &mut Rng, now: Timestamp, not_after: Timestamp) -> Self {
        let mut entra = Self {
            keys: Vec::new(),
            preferred: None,
            before: None,
            switched: Lag::over(now),
            made: 0,
            newest_unless_preferred: random.bool(),
        };
        let first = entra.certificate("CN=first".to_owned(), now - days(300), not_after);
        let seen = Lag::over(now);
        entra.keys.push(Key { certificate: first, in_graph: seen, in_metadata: seen, removed: None });
        entra
    }

    fn certificate(
        &mut self,
        display_name: String,
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Certificate {
        self.made += 1;
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&(self.made.wrapping_mul(0x9E37_79B9_7F4A_7C15)).to_be_bytes());
        let mut thumbprint = [0; 20];
        thumbprint.copy_from_slice(&hash[..20]);
        let key_id = KeyId(format!("key-{}", self.made));
        let pem = format!("PEM {}", self.made);
        let (sha256, sha1) = (Sha256Fingerprint::new(hash), Sha1Thumbprint::new(thumbprint));
        Certificate { sha256, sha1, key_id, display_name, not_before, not_after, pem }
    }

    /// `addTokenSigningCertificate`.
    pub fn add(&mut self, random: &mut Rng, display_name: String, now: Timestamp) -> Sha256Fingerprint {
        let not_before = now + SignedDuration::from_mins(random.i64(-5..5));
        let certificate = self.certificate(display_name, not_before, now + days(1_095));
        let sha256 = certificate.sha256;
        self.keys.push(Key {
            certificate,
            in_graph: Lag::drawn(random, now, GRAPH),
            in_metadata: Lag::drawn(random, now, METADATA),
            removed: None,
        });
        sha256
    }

    /// Sets `preferredTokenSigningKeyThumbprint`; false if there is no such certificate.
    pub fn prefer(&mut self, random: &mut Rng, thumbprint: Sha1Thumbprint, now: Timestamp) -> bool {
        let is_there = self.certificates().any(|found| found.sha1 == thumbprint);
        if is_there && self.preferred != Some(thumbprint) {
            self.before = self.preferred;
            self.preferred = Some(thumbprint);
            self.switched = Lag::drawn(random, now, GRAPH);
        }
        is_there
    }

    /// Takes a certificate out.
    pub fn remove(&mut self, random: &mut Rng, sha256: Sha256Fingerprint, now: Timestamp) {
        let found = self.keys.iter_mut().find(|key| key.certificate.sha256 == sha256);
        if let Some(key) = found.filter(|key| key.removed.is_none()) {
            key.removed = Some(Lag::drawn(random, now, GRAPH));
        }
    }

    /// What is there, whatever reads show.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.keys.iter().filter(|key| key.removed.is_none()).map(|key| &key.certificate)
    }

    /// What is preferred, whatever reads show.
    pub fn preferred(&self) -> Option<Sha1Thumbprint> {
        self.preferred
    }

    /// True if the metadata showed it to somebody by now.
    pub fn has_published(&self, sha256: Sha256Fingerprint, now: Timestamp) -> bool {
        self.keys.iter().any(|key| key.certificate.sha256 == sha256 && now >= key.in_metadata.some)
    }

    /// What signs: the preferred certificate, unless it has expired and another has not.
    pub fn signing(&self, now: Timestamp) -> Option<&Certificate> {
        let valid = self.certificates().filter(|found| !found.is_expired(now));
        let named = self.certificates().find(|found| Some(found.sha1) == self.preferred);
        match named {
            Some(named) if !named.is_expired(now) => Some(named),
            Some(named) => valid.max_by_key(|found| found.not_after).or(Some(named)),
            None if self.newest_unless_preferred => self.certificates().max_by_key(|found| found.not_before),
            None => self.certificates().min_by_key(|found| found.not_before),
        }
    }

    /// What would sign by itself once the active certificate has expired.
    pub fn pending(&self, now: Timestamp) -> Vec<&Certificate> {
        let Some(signing) = self.signing(now) else { return Vec::new() };
        let waits = |found: &&Certificate| {
            found.sha256 != signing.sha256 && found.not_after > signing.not_after && !found.is_expired(now)
        };
        self.certificates().filter(waits).collect()
    }

    /// One read of Graph.
    pub fn graph(&self, random: &mut Rng, now: Timestamp) -> (Option<Sha1Thumbprint>, Vec<Certificate>) {
        let keys = self.keys.iter().filter(|key| {
            key.in_graph.shows(random, now) && !key.removed.is_some_and(|gone| gone.shows(random, now))
        });
        let certificates = keys.map(|key| key.certificate.clone()).collect();
        let preferred = if self.switched.shows(random, now) { self.preferred } else { self.before };
        (preferred, certificates)
    }

    /// One read of the metadata.
    pub fn metadata(&self, random: &mut Rng, now: Timestamp) -> BTreeSet<Sha256Fingerprint> {
        let keys = self.keys.iter().filter(|key| {
            key.in_metadata.shows(random, now) && !key.removed.is_some_and(|gone| gone.shows(random, now))
        });
        keys.map(|key| key.certificate.sha256).collect()
    }
}
