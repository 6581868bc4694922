//! Ids and revisions that look random and are the same in every run of one seed.

use uuid::{Builder, Uuid};

/// A SplitMix64 generator (Steele, Lea, Flood 2014): not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// A generator of its own for each purpose, so that no two of them give the same ids.
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self { state: fingerprint(seed, &[purpose]) }
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next UUID, version 4.
    pub fn uuid(&mut self) -> Uuid {
        let bytes = u128::from(self.number()) << 64 | u128::from(self.number());
        Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
    }
}

/// A digest of the parts (FNV-1a), the same in every build; the parts cannot run into each other.
pub(crate) fn fingerprint(seed: u64, parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    seed.to_be_bytes().into_iter().for_each(&mut take);
    for part in parts {
        part.len().to_be_bytes().into_iter().for_each(&mut take);
        part.bytes().for_each(&mut take);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn one_seed_gives_one_sequence() {
        let sequence = |seed| {
            let mut random = Random::new(seed, "ids");
            (0..50).map(|_| random.uuid()).collect::<Vec<_>>()
        };
        assert_eq!(sequence(7), sequence(7));
        assert_ne!(sequence(7), sequence(8));
        assert_eq!(sequence(7).into_iter().collect::<BTreeSet<_>>().len(), 50, "ids repeat");
    }

    #[test]
    fn purposes_do_not_share_ids() {
        assert_ne!(Random::new(7, "ids").uuid(), Random::new(7, "request ids").uuid());
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(fingerprint(0, &["ab", "c"]), fingerprint(0, &["a", "bc"]));
    }
}
