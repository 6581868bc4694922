//! The permission sets of the Identity Center instance.

use crate::ids::PermissionSetArn;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All permission sets by their names, which are unique within an instance. A part of them would look as if the
/// others had gone, and would take access away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PermissionSets {
    by_name: BTreeMap<String, PermissionSetArn>,
}

/// Two permission sets were read under one name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two permission sets bear the name {0}, which AWS does not allow: read them again")]
pub struct NameTwice(String);

impl PermissionSets {
    /// Puts together what was read.
    ///
    /// # Errors
    /// [`NameTwice`] if a name does not say which permission set is meant.
    pub fn new(read: impl IntoIterator<Item = (String, PermissionSetArn)>) -> Result<Self, NameTwice> {
        let mut by_name = BTreeMap::new();
        for (name, arn) in read {
            if by_name.insert(name.clone(), arn).is_some() {
                return Err(NameTwice(name));
            }
        }
        Ok(Self { by_name })
    }

    /// The permission set of exactly this name.
    pub fn named(&self, name: &str) -> Option<&PermissionSetArn> {
        self.by_name.get(name)
    }

    /// The name of a permission set, if it is one of these.
    pub fn name_of(&self, arn: &PermissionSetArn) -> Option<&str> {
        self.by_name.iter().find(|(_, known)| *known == arn).map(|(name, _)| name.as_str())
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }
}

/// True if AWS could have a permission set of this name: 1 to 32 characters of `[\w+=,.@-]` (API model of
/// `CreatePermissionSet`).
pub fn is_permission_set_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (1..=32).contains(&name.len()) && name.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::tests::permission_set;

    #[test]
    fn a_name_that_two_permission_sets_bear_is_refused() {
        let read = [1, 2].map(|number| ("Admin".to_owned(), permission_set(number)));
        assert_eq!(PermissionSets::new(read), Err(NameTwice("Admin".into())));
    }

    #[test]
    fn a_name_that_aws_could_not_have_is_told_from_one_that_it_could() {
        assert!(is_permission_set_name("Read_Only+=,.@-1"));
        for name in ["", "Read Only", "é", "a23456789012345678901234567890123"] {
            assert!(!is_permission_set_name(name), "{name:?} was taken for a permission set's name");
        }
    }
}
