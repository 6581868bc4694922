//! Ids as 16 bytes: a picture of a million memberships has no room for their texts.

use sha2::{Digest as _, Sha256};

/// Stands for an id. Almost every id ends in a UUID, whose bytes these are; any other form is digested.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number([u8; 16]);

impl Number {
    pub fn of(id: &str) -> Self {
        let uuid = id.len().checked_sub(36).and_then(|start| id.as_bytes().get(start..));
        uuid.and_then(parsed).unwrap_or_else(|| digested(id))
    }
}

fn parsed(uuid: &[u8]) -> Option<Number> {
    let (mut bytes, mut digits) = ([0_u8; 16], 0);
    for (at, character) in uuid.iter().enumerate() {
        if matches!(at, 8 | 13 | 18 | 23) {
            if *character != b'-' {
                return None;
            }
            continue;
        }
        let digit = u8::try_from(char::from(*character).to_digit(16)?).ok()?;
        let byte = bytes.get_mut(digits / 2)?;
        *byte = *byte << 4 | digit;
        digits += 1;
    }
    (digits == 32).then_some(Number(bytes))
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
    fn numbers_of_uuids_sort_as_their_texts_do() {
        let (one, other) = ("0a5993b0-5c2d-49cc-bb2f-8cb0060fef8e", "f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e");
        assert!(Number::of(one) < Number::of(other));
    }
}
