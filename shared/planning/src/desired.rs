//! Desired state of one user: what Entra ID, the assigned set and the mapping settings come to.

use crate::attributes::UserAttributes;
use crate::hold;
use crate::mapping::{self, MappingSettings};
use crate::record::{Record, UserRecord};
use crate::scope::{self, OutOfScope, UserReading};
use crate::skipped::{SkipReason, Skipped};
use crate::{EntraObjectId, GroupId, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// The assigned groups among those of which a user is a member, with their objects in Identity Center.
/// A group whose object does not exist yet is assigned all the same; its own handler brings its members.
pub type AssignedGroups = BTreeMap<EntraObjectId, Option<GroupId>>;

/// What Identity Center should hold of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DesiredUser {
    /// No access.
    Absent(OutOfScope),
    /// The user with these attributes and memberships.
    Present {
        /// The attributes, or why AWS would refuse them.
        attributes: Result<UserAttributes, SkipReason>,
        /// Optional attributes that AWS would refuse.
        left_out: Vec<Skipped>,
        /// The groups of which the user should be a member.
        groups: BTreeSet<GroupId>,
    },
}

/// Works out the desired state of a user. Who is out of scope and keeps memberships because their loss is held stays
/// under the name that Entra ID has for them by now: the former one may be somebody else's.
pub fn desired_user(
    reading: &UserReading,
    record: &Record<UserRecord>,
    assigned_groups: &AssignedGroups,
    manager: Option<&UserId>,
    settings: &MappingSettings,
) -> DesiredUser {
    let assigned = assigned_groups.keys().cloned().collect();
    if let Some(why) = scope::of_user(reading, record.assigned, &assigned) {
        let absent = DesiredUser::Absent(why);
        if hold::kept(record, &absent).is_empty() {
            return absent;
        }
    }
    let UserReading::Present { user, groups } = reading else {
        return DesiredUser::Absent(OutOfScope::NotAssigned);
    };
    let groups = groups.iter().filter_map(|group| assigned_groups.get(group)?.clone()).collect();
    match mapping::map_user(user, manager, settings) {
        Ok(mapped) => {
            DesiredUser::Present { attributes: Ok(mapped.attributes), left_out: mapped.left_out, groups }
        }
        Err(why) => DesiredUser::Present { attributes: Err(why), left_out: Vec::new(), groups },
    }
}

/// Small people and groups for the tests of this crate.
#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::mapping::EntraUser;
    use crate::scope::Gone;

    pub(crate) fn entra_id(number: u32) -> EntraObjectId {
        EntraObjectId::parse(&format!("00000000-0000-4000-8000-{number:012x}")).unwrap()
    }

    pub(crate) fn group_id(number: u8) -> EntraObjectId {
        entra_id(0x1000 + u32::from(number))
    }

    pub(crate) fn user(user_principal_name: &str) -> EntraUser {
        EntraUser {
            id: entra_id(1),
            user_principal_name: user_principal_name.to_owned(),
            account_enabled: true,
            mail: Some(user_principal_name.to_owned()),
            display_name: Some("Ada Lovelace".into()),
            given_name: Some("Ada".into()),
            surname: Some("Lovelace".into()),
            job_title: None,
            preferred_language: None,
            business_phone: None,
            street_address: None,
            city: None,
            state: None,
            postal_code: None,
            country: None,
            employee_id: None,
            department: None,
            division: None,
            cost_center: None,
            company_name: None,
            manager: None,
            extension_attributes: BTreeMap::new(),
        }
    }

    #[test]
    fn a_group_that_is_not_created_yet_gives_scope_but_no_membership() {
        let reading = UserReading::Present {
            user: Box::new(user("ada@example.com")),
            groups: BTreeSet::from([group_id(1)]),
        };
        let assigned = AssignedGroups::from([(group_id(1), None)]);
        let desired = desired_user(
            &reading,
            &Record::unknown(entra_id(1)),
            &assigned,
            None,
            &MappingSettings::default(),
        );
        assert!(matches!(desired, DesiredUser::Present { groups, .. } if groups.is_empty()));
    }

    #[test]
    fn someone_deleted_is_absent_even_if_still_assigned() {
        let desired = desired_user(
            &UserReading::Gone(Gone::Deleted),
            &Record { assigned: true, ..Record::unknown(entra_id(1)) },
            &AssignedGroups::new(),
            None,
            &MappingSettings::default(),
        );
        assert_eq!(desired, DesiredUser::Absent(OutOfScope::Gone(Gone::Deleted)));
    }
}
