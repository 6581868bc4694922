//! Reads that run behind: some see the directory as it was a while ago, as from a replica that is late.

use super::assignments::Application;
use super::directory::Directory;
use super::query::GraphRequest;
use crate::random::Random;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::collections::VecDeque;

/// Which reads run behind, and how far.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaggingReads {
    /// A read that runs behind sees what was so long ago; 0 ends all lag.
    pub seconds: u32,
    /// One of so many reads runs behind, by the dice of the sandbox's seed: 1 (every read) if left out.
    #[serde(default = "every")]
    pub one_in: u32,
    /// Only reads whose path names one of these ids; every read if there is none.
    #[serde(default)]
    pub objects: Vec<String>,
    /// Only reads with `ConsistencyLevel: eventual`.
    #[serde(default)]
    pub eventual_only: bool,
}

/// The directory and the assignments at one moment.
pub(super) type Snapshot = (Directory, Application);

/// The lag in force, and the past that it needs.
#[derive(Debug)]
pub(super) struct Lag {
    settings: Option<LaggingReads>,
    /// What was until a moment, in order.
    past: VecDeque<(Timestamp, Snapshot)>,
    dice: Random,
}

impl Lag {
    /// No read runs behind.
    pub fn new(rng_seed: u64) -> Self {
        Self { settings: None, past: VecDeque::new(), dice: Random::new(rng_seed, "lagging reads") }
    }

    /// From now on these reads run behind.
    pub fn set(&mut self, settings: LaggingReads) {
        self.past.clear();
        self.settings = (settings.seconds > 0).then_some(settings);
    }

    /// True if the past must be kept.
    pub fn is_on(&self) -> bool {
        self.settings.is_some()
    }

    /// Keeps what was until now.
    pub fn keep(&mut self, now: Timestamp, before: Snapshot) {
        let Some(settings) = &self.settings else { return };
        let seen = now - settings.lag();
        while self.past.front().is_some_and(|(until, _)| *until <= seen) {
            self.past.pop_front();
        }
        self.past.push_back((now, before));
    }

    /// What a read sees in place of the present, if it runs behind.
    pub fn seen(&mut self, request: &GraphRequest, now: Timestamp) -> Option<Snapshot> {
        let settings = self.settings.as_ref().filter(|settings| settings.concern(request))?;
        // The dice fall for every read that may run behind, so that equal calls see equal lag.
        if !self.dice.number().is_multiple_of(u64::from(settings.one_in.max(1))) {
            return None;
        }
        let seen = now - settings.lag();
        self.past.iter().find(|(until, _)| *until > seen).map(|(_, snapshot)| snapshot.clone())
    }
}

impl LaggingReads {
    fn lag(&self) -> SignedDuration {
        SignedDuration::from_secs(self.seconds.into())
    }

    fn concern(&self, request: &GraphRequest) -> bool {
        let named = |id: &String| request.segments.iter().any(|segment| segment.eq_ignore_ascii_case(id));
        (self.objects.is_empty() || self.objects.iter().any(named))
            && (request.eventual || !self.eventual_only)
    }
}

fn every() -> u32 {
    1
}
