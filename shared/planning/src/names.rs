//! What AWS accepts as a name, and the names that objects of ours take when they must step aside.

use crate::EntraObjectId;
use crate::attributes::UserAttribute;
use crate::skipped::SkipReason;
use unicode_general_category::{GeneralCategory as Category, get_general_category};

/// Names that AWS allows for neither users nor groups (identity store API model, `UserName`).
const RESERVED: [&str; 2] = ["administrator", "awsadministrators"];

/// Why AWS would refuse this value, if it would.
pub fn refused(attribute: UserAttribute, value: &str) -> Option<SkipReason> {
    let white_space_too = attribute != UserAttribute::UserName;
    if value.chars().count() > attribute.longest() {
        Some(SkipReason::TooLong { attribute, longest: attribute.longest() })
    } else if !value.chars().all(|c| is_legal(c, white_space_too)) {
        Some(SkipReason::IllegalCharacter { attribute })
    } else if attribute == UserAttribute::UserName && is_reserved(value) {
        Some(SkipReason::ReservedName)
    } else {
        None
    }
}

/// True if AWS would refuse a group of this name.
pub fn is_refused_group_name(name: &str) -> bool {
    name.is_empty()
        || name.chars().count() > 1024
        || !name.chars().all(|c| is_legal(c, true))
        || is_reserved(name)
}

/// True if the two names are one to AWS. Whether it minds the case is unverified, so we do not.
pub fn is_same_name(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

/// The name of a tombstone of ours whose name a living object needs.
pub fn retired_name(owner: &EntraObjectId) -> String {
    format!("retired-{owner}")
}

/// The e-mail address of a tombstone of ours; `.invalid` is never delivered to (RFC 2606).
pub fn retired_email(owner: &EntraObjectId) -> String {
    format!("retired-{owner}@entra-mirror.invalid")
}

/// The name that an object bears between two names, while the next one is still held by another object
/// of ours that is on its way to a third: so names can swap.
pub fn moving_name(owner: &EntraObjectId) -> String {
    format!("moving-{owner}")
}

/// As [`moving_name`], for e-mail addresses.
pub fn moving_email(owner: &EntraObjectId) -> String {
    format!("moving-{owner}@entra-mirror.invalid")
}

fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name.to_lowercase().as_str())
}

/// The identity store takes letters, marks, symbols, numbers and punctuation; in other strings than user
/// names also tab, CR, LF, space, U+00A0 and U+3000 (API model, `UserName` and `SensitiveStringType`).
fn is_legal(c: char, white_space_too: bool) -> bool {
    if matches!(c, '\t' | '\r' | '\n' | ' ' | '\u{a0}' | '\u{3000}') {
        return white_space_too;
    }
    !matches!(
        get_general_category(c),
        Category::Control
            | Category::Format
            | Category::Surrogate
            | Category::PrivateUse
            | Category::Unassigned
            | Category::SpaceSeparator
            | Category::LineSeparator
            | Category::ParagraphSeparator
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_script_are_legal() {
        for name in ["Ada", "山田太郎", "José", "Ünal#EXT#@x.example", "O'Neil-Smith", "e\u{301}"] {
            assert_eq!(refused(UserAttribute::UserName, name), None, "{name:?}");
        }
    }

    #[test]
    fn white_space_is_legal_in_names_but_not_in_user_names() {
        assert!(refused(UserAttribute::UserName, "a b").is_some());
        assert_eq!(refused(UserAttribute::DisplayName, "a b\u{3000}c"), None);
        assert!(refused(UserAttribute::DisplayName, "a\u{2028}b").is_some());
    }

    #[test]
    fn the_names_that_objects_step_aside_to_are_legal() {
        let id = EntraObjectId::parse("f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e").unwrap();
        for name in [retired_name(&id), moving_name(&id), retired_email(&id), moving_email(&id)] {
            assert_eq!(refused(UserAttribute::UserName, &name), None, "{name}");
        }
    }

    #[test]
    fn a_name_is_too_long_by_characters_and_not_by_bytes() {
        assert_eq!(refused(UserAttribute::UserName, &"é".repeat(128)), None);
        assert!(refused(UserAttribute::UserName, &"é".repeat(129)).is_some());
    }

    #[test]
    fn reserved_names_are_refused_in_any_case() {
        assert_eq!(refused(UserAttribute::UserName, "ADMINISTRATOR"), Some(SkipReason::ReservedName));
        assert!(is_refused_group_name("AWSAdministrators"));
    }
}
