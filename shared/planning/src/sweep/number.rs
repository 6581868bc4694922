//! Ids as 16 bytes: a picture of a million memberships has no room for their texts.

use sha2::{Digest as _, Sha256};
use uuid_simd::AsOut;

/// Length of a UUID's text with hyphens.
const HYPHENATED: usize = 36;

/// Stands for an id. Almost every id ends in a UUID, whose bytes these are; any other form is digested.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Number([u8; 16]);

/// Finds the place that belongs to a number.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// In order.
    entries: Vec<(Number, u32)>,
    /// Where the entries begin whose numbers begin with these two bytes. UUIDs are random, so that at most a few
    /// entries begin alike, and the search ends after two steps into memory, not seventeen.
    starts: Vec<u32>,
}

impl Index {
    pub fn of(entries: impl Iterator<Item = (Number, u32)>) -> Self {
        let mut entries: Vec<(Number, u32)> = entries.collect();
        entries.sort_unstable();
        let mut starts = vec![0; usize::from(u16::MAX) + 2];
        for (number, _) in &entries {
            starts[number.bucket() + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        Self { entries, starts }
    }

    pub fn get(&self, number: Number) -> Option<u32> {
        let (start, end) = (self.starts.get(number.bucket())?, self.starts.get(number.bucket() + 1)?);
        let alike = self.entries.get(*start as usize..*end as usize)?;
        let at = alike.binary_search_by(|(entry, _)| entry.cmp(&number)).ok()?;
        alike.get(at).map(|(_, place)| *place)
    }
}

impl Number {
    fn bucket(self) -> usize {
        usize::from(u16::from_be_bytes([self.0[0], self.0[1]]))
    }

    pub fn of(id: &str) -> Self {
        let mut bytes = [0; 16];
        let uuid = id.len().checked_sub(HYPHENATED).and_then(|start| id.as_bytes().get(start..));
        match uuid.map(|uuid| uuid_simd::parse_hyphenated(uuid, bytes.as_out())) {
            Some(Ok(_)) => Self(bytes),
            _ => digested(id),
        }
    }
}

fn digested(id: &str) -> Number {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(Sha256::digest(id)).for_each(|(byte, digested)| *byte = digested);
    Number(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_differ_have_numbers_that_differ() {
        let ids = [
            "906769a0b1-5b7a3ff2-9a10-4d51-b3a8-1c2f0f3d6a77",
            "906769a0b1-5b7a3ff2-9a10-4d51-b3a8-1c2f0f3d6a78",
            "f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e",
            "arn:aws:identitystore:::user/1",
            "u-1",
            "u-2",
        ];
        let numbers: std::collections::BTreeSet<Number> = ids.iter().map(|id| Number::of(id)).collect();
        assert_eq!(numbers.len(), ids.len());
    }

    #[test]
    fn an_index_finds_every_number_and_no_other() {
        let numbers: Vec<Number> = (0..1_000).map(|n| Number::of(&format!("u-{n}"))).collect();
        let alike = (0..1_000).map(|n| Number::of(&format!("00000000-0000-4000-8000-{n:012x}")));
        let all: Vec<Number> = numbers.into_iter().chain(alike).collect();
        let index = Index::of(all.iter().copied().zip(0..));
        assert!(all.iter().zip(0..).all(|(number, place)| index.get(*number) == Some(place)));
        assert_eq!(index.get(Number::of("u-1000")), None);
        assert_eq!(Index::of(std::iter::empty()).get(Number::of("u-1")), None);
        assert_eq!(Index::default().get(Number::of("u-1")), None);
    }

    #[test]
    fn numbers_of_uuids_sort_as_their_texts_do() {
        let (one, other) = ("0a5993b0-5c2d-49cc-bb2f-8cb0060fef8e", "f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e");
        assert!(Number::of(one) < Number::of(other));
    }
}
