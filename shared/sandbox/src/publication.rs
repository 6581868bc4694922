//! Changes that are seen late: after so many reads, and after so many seconds.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::collections::VecDeque;

/// When a change is seen: the reads that miss it, and the seconds for which it is missed. Both must have passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delay {
    /// So many reads see what was before.
    pub reads: u32,
    /// For so long reads see what was before.
    pub seconds: u32,
}

/// What readers still see of something that changed.
#[derive(Debug, Clone)]
pub(crate) struct Publication<T> {
    delay: Delay,
    /// What was before each change that is not seen yet, in order.
    before: VecDeque<Unseen<T>>,
}

#[derive(Debug, Clone)]
struct Unseen<T> {
    was: T,
    changed: Timestamp,
    delay: Delay,
}

impl<T: Clone> Publication<T> {
    /// Every change is seen at once.
    pub fn new() -> Self {
        Self { delay: Delay::default(), before: VecDeque::new() }
    }

    /// How late changes are seen from now on. Those made before are not affected.
    pub fn set(&mut self, delay: Delay) {
        self.delay = delay;
    }

    /// Takes note of a change, and of what was before it.
    pub fn changed(&mut self, was: T, now: Timestamp) {
        if self.delay != Delay::default() {
            self.before.push_back(Unseen { was, changed: now, delay: self.delay });
        }
    }

    /// What this read sees in place of the present, if a change is not seen yet.
    pub fn read(&mut self, now: Timestamp) -> Option<T> {
        self.before.retain(|unseen| unseen.delay.reads > 0 || now < unseen.until());
        for unseen in &mut self.before {
            unseen.delay.reads = unseen.delay.reads.saturating_sub(1);
        }
        self.before.front().map(|unseen| unseen.was.clone())
    }
}

impl<T> Unseen<T> {
    fn until(&self) -> Timestamp {
        self.changed + SignedDuration::from_secs(self.delay.seconds.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn delayed(reads: u32, seconds: u32) -> Publication<u8> {
        let mut publication = Publication::new();
        publication.set(Delay { reads, seconds });
        publication
    }

    #[test]
    fn without_a_delay_every_change_is_seen() {
        let mut publication = Publication::new();
        publication.changed(1, NOW);
        assert_eq!(publication.read(NOW), None);
    }

    #[test]
    fn so_many_reads_miss_a_change() {
        let mut publication = delayed(2, 0);
        publication.changed(1, NOW);
        let seen: Vec<_> = (0..4).map(|_| publication.read(NOW)).collect();
        assert_eq!(seen, [Some(1), Some(1), None, None]);
    }

    #[test]
    fn for_so_long_a_change_is_missed() {
        let mut publication = delayed(1, 60);
        publication.changed(1, NOW);
        let at = |seconds| NOW + SignedDuration::from_secs(seconds);
        assert_eq!((publication.read(at(0)), publication.read(at(59))), (Some(1), Some(1)));
        assert_eq!(publication.read(at(60)), None);
    }

    #[test]
    fn changes_are_seen_in_their_order() {
        let mut publication = delayed(0, 60);
        publication.changed(1, NOW);
        publication.changed(2, NOW + SignedDuration::from_secs(30));
        let at = |seconds| NOW + SignedDuration::from_secs(seconds);
        let seen: Vec<_> = [31, 60, 90].into_iter().map(|seconds| publication.read(at(seconds))).collect();
        assert_eq!(seen, [Some(1), Some(2), None]);
    }
}
