//! Facts about small snapshots.

use super::*;
use crate::AccountId;
use crate::access::tests::{account, account_id, permission_set, unit};
use crate::desired::tests::{entra_id, group_id, user};
use crate::group_plan::IdentityGroup;
use crate::mapping::map_user;
use crate::record::Standing;

#[path = "explain_tests.rs"]
mod explain;
#[path = "review_tests.rs"]
mod review;

const RULES: &str = "[[grant]]\ngroup = \"Engineers\"\npermission_set = \"Admin\"\naccounts = [\"prod\"]\n";

/// A world that is built up side by side, so that both sides agree until somebody changes one.
struct Small(Snapshot);

fn aws_user(number: u32) -> UserId {
    UserId::parse(&format!("u-{number}")).unwrap()
}

fn aws_group(number: u8) -> GroupId {
    GroupId::parse(&format!("g-{number}")).unwrap()
}

impl Small {
    fn new() -> Self {
        Self(Snapshot {
            format: FORMAT,
            taken_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            tenant: entra_id(900),
            service_principal: entra_id(901),
            settings: SnapshotSettings {
                mapping: MappingSettings::default(),
                flatten_nested_groups: false,
                grace: SignedDuration::from_hours(7 * 24),
            },
            entra: EntraSide::default(),
            identity_center: IdentityCenterSide::default(),
            ledger: LedgerSide::default(),
            access: None,
        })
    }

    /// Someone in Entra ID.
    fn person(&mut self, number: u32) -> EntraObjectId {
        let id = entra_id(number);
        let entra = EntraUser { id: id.clone(), ..user(&format!("user{number}@example.com")) };
        self.0.entra.users.insert(id.clone(), entra);
        id
    }

    /// A group in Entra ID, assigned, with these users.
    fn group(&mut self, number: u8, name: &str, users: &[u32]) -> EntraObjectId {
        let id = group_id(number);
        let users = users.iter().map(|user| self.person(*user)).collect();
        self.0.entra.assigned.insert(id.clone(), PrincipalKind::Group);
        let group = EntraGroup { name: name.into(), users, groups: BTreeSet::new() };
        self.0.entra.groups.insert(id.clone(), group);
        id
    }

    /// Someone mirrored.
    fn mirrored(&mut self, number: u32) -> UserId {
        let id = self.person(number);
        let user_id = aws_user(number);
        let attributes =
            map_user(&self.0.entra.users[&id], None, &MappingSettings::default()).unwrap().attributes;
        let mut record = Record::<UserRecord>::unknown(id);
        record.version = 1;
        record.principal.is_created(user_id.clone(), &attributes);
        self.0.ledger.users.push(record);
        let user = IdentityUser { user_id: user_id.clone(), attributes, revision: None, is_disabled: false };
        self.0.identity_center.users.push(user);
        user_id
    }

    /// A group that is mirrored with all of its users.
    fn mirrored_group(&mut self, number: u8, name: &str, users: &[u32]) -> EntraObjectId {
        let id = self.group(number, name, users);
        let object = aws_group(number);
        let mut record = Record::<GroupRecord>::unknown(id.clone());
        (record.version, record.assigned) = (1, true);
        record.principal.standing = Standing::Mirrored;
        record.principal.group_id = Some(object.clone());
        (record.principal.entra_name, record.principal.name) = (Some(name.into()), Some(name.into()));
        self.0.ledger.groups.push(record);
        let group = IdentityGroup { group_id: object.clone(), name: name.into(), revision: None };
        self.0.identity_center.groups.push(group);
        for number in users {
            if !self.0.ledger.users.iter().any(|record| record.id == entra_id(*number)) {
                self.mirrored(*number);
            }
            let membership = MembershipId::parse(&format!("m-{object}-{number}")).unwrap();
            let record = self.0.ledger.users.iter_mut().find(|record| record.id == entra_id(*number));
            record.unwrap().principal.memberships.insert(object.clone(), membership.clone());
            let members = self.0.identity_center.memberships.entry(object.clone()).or_default();
            members.insert(aws_user(*number), membership);
        }
        id
    }

    /// An organization with the accounts `management` (1) and `prod` (2), and one permission set, `Admin`.
    fn with_access(&mut self, rules: &str) {
        let accounts = [account(1, "management", &[]), account(2, "prod", &["workloads"])];
        let units = ["r-root", "ou-root-workloads"].map(unit);
        self.0.access = Some(AccessSide {
            rules: rules.to_owned(),
            accounts: AccountTree::new(account_id(1), accounts, units.into()).unwrap(),
            permission_sets: PermissionSets::new([("Admin".to_owned(), permission_set(1))]).unwrap(),
            caller: Caller::ManagementAccount,
            of_groups: BTreeMap::new(),
            of_users: BTreeMap::new(),
            recorded: BTreeMap::new(),
            bindings: Bindings::default(),
        });
    }

    /// The group of this number has `Admin` in `prod`; ours if `recorded`.
    fn has_admin(&mut self, group: u8, recorded: bool) {
        let access = self.0.access.as_mut().unwrap();
        access.of_groups.entry(aws_group(group)).or_default().insert(admin_in(2));
        if recorded {
            access.recorded.entry(group_id(group)).or_default().insert(admin_in(2));
        }
    }

    fn lines(&self) -> Vec<String> {
        let plan = plan(&self.0).unwrap();
        let lines = plan.changes().map(|(of, change, why)| format!("{}: {change} # {why}", of.principal));
        lines.collect()
    }

    fn explain(&self, user: u32) -> String {
        explain_user(&self.0, entra_id(user).as_str()).unwrap().unwrap().to_string()
    }
}

fn admin_in(number: u64) -> AccountAssignment {
    AccountAssignment { permission_set: permission_set(1), account: account_id(number) }
}

#[test]
fn nothing_is_planned_where_both_sides_agree() {
    let mut small = Small::new();
    small.mirrored_group(1, "Engineers", &[1, 2]);
    small.with_access(RULES);
    small.has_admin(1, true);
    let plan = plan(&small.0).unwrap();
    assert!(plan.is_empty() && plan.warnings.is_empty() && plan.principals.is_empty(), "{plan}");
}

#[test]
fn a_group_that_is_new_comes_with_its_people_and_what_rules_give_it() {
    let mut small = Small::new();
    small.group(1, "Engineers", &[1]);
    small.with_access(RULES);
    let account = account_id(2);
    assert_eq!(
        small.lines(),
        [
            "Engineers: + group # assigned to the enterprise application".to_owned(),
            format!("Engineers: + Admin in account prod ({account}) # rule at 1:1"),
            "user1@example.com: + user # member of Engineers".to_owned(),
            "user1@example.com: + membership: Engineers # member in Entra ID".to_owned(),
        ]
    );
}

#[test]
fn someone_disabled_loses_everything_and_the_plan_says_why() {
    let mut small = Small::new();
    small.mirrored_group(1, "Engineers", &[1, 2]);
    small.0.entra.users.get_mut(&entra_id(1)).unwrap().account_enabled = false;
    assert_eq!(small.lines(), ["user1@example.com: - membership: Engineers # disabled in Entra ID"]);
    assert!(small.explain(1).contains("no access, disabled in Entra ID"), "{}", small.explain(1));
    assert!(small.explain(1).contains("membership NOT FROM ENTRA ID"), "{}", small.explain(1));
}

#[test]
fn a_user_of_the_same_name_who_is_not_ours_is_left_alone_with_advice() {
    let mut small = Small::new();
    small.group(1, "Engineers", &[1]);
    let attributes =
        map_user(&user("user1@example.com"), None, &MappingSettings::default()).unwrap().attributes;
    let foreign = IdentityUser { user_id: aws_user(77), attributes, revision: None, is_disabled: false };
    small.0.identity_center.users.push(foreign);
    assert_eq!(small.lines(), ["Engineers: + group # assigned to the enterprise application"]);
    let plan = plan(&small.0).unwrap();
    assert!(plan.to_string().contains("waits for adoption"), "{plan}");
    assert_eq!(plan.summary().skipped, 1);
}

#[test]
fn names_that_others_need_are_given_up_though_somebody_else_has_the_new_ones() {
    let mut small = Small::new();
    small.mirrored_group(1, "Engineers", &[1]);
    small.mirrored_group(2, "Auditors", &[2]);
    for (group, name) in [(1, "Platform"), (2, "Engineers")] {
        small.0.entra.groups.get_mut(&group_id(group)).unwrap().name = name.into();
    }
    for (person, name) in [(1, "platform@example.com"), (2, "user1@example.com")] {
        small.0.entra.users.get_mut(&entra_id(person)).unwrap().user_principal_name = name.into();
    }
    let group = IdentityGroup { group_id: aws_group(9), name: "Platform".into(), revision: None };
    small.0.identity_center.groups.push(group);
    let mut foreign = small.0.identity_center.users[0].clone();
    foreign.user_id = aws_user(77);
    foreign.attributes.set(crate::attributes::UserAttribute::UserName, "platform@example.com");
    small.0.identity_center.users.push(foreign);
    let aside = |lines: &[String], id: &EntraObjectId| {
        lines.iter().any(|line| line.contains(&format!("moving-{id}")))
    };
    let lines = small.lines();
    assert!(aside(&lines, &group_id(1)) && aside(&lines, &entra_id(1)), "{lines:?}");
    small.0.entra.groups.get_mut(&group_id(2)).unwrap().name = "Auditors".into();
    small.0.entra.users.remove(&entra_id(2));
    let lines = small.lines();
    assert!(!aside(&lines, &group_id(1)) && !aside(&lines, &entra_id(1)), "nobody needs them: {lines:?}");
}

#[test]
fn members_of_a_group_that_is_not_created_join_nothing() {
    let mut small = Small::new();
    small.group(1, "Engineers", &[1]);
    let foreign = IdentityGroup { group_id: aws_group(9), name: "engineers".into(), revision: None };
    small.0.identity_center.groups.push(foreign);
    assert_eq!(small.lines(), ["user1@example.com: + user # member of Engineers"]);
}

#[test]
fn what_other_rules_would_change_shows_without_touching_anything() {
    let mut small = Small::new();
    small.mirrored_group(1, "Engineers", &[1]);
    small.with_access(RULES);
    small.has_admin(1, true);
    let snapshot = small.0.with_rules(String::new());
    let plan = plan(&snapshot).unwrap();
    assert!(plan.to_string().contains("- Admin in account prod"), "{plan}");
    assert_eq!((plan.summary().revoke, plan.summary().grant), (1, 0));
    let broken = plan_with_rules(snapshot, "[[grant]]\ngroop = 1\n");
    assert!(broken.unwrap_err().to_string().contains("2:1: error"));
}

fn plan_with_rules(snapshot: Snapshot, rules: &str) -> Result<WholePlan, UnusableRules> {
    plan(&snapshot.with_rules(rules.to_owned()))
}

#[test]
fn an_assignment_that_somebody_else_made_is_not_planned_away_and_stands_out() {
    let mut small = Small::new();
    small.mirrored_group(1, "Auditors", &[1]);
    small.with_access(RULES);
    small.has_admin(1, false);
    assert_eq!(small.lines(), Vec::<String>::new());
    assert!(small.explain(1).contains("(000000000002): NOT FROM ENTRA ID"), "{}", small.explain(1));
}

#[test]
fn so_many_losses_that_they_will_be_held_are_announced() {
    let mut small = Small::new();
    let people: Vec<u32> = (1..=40).collect();
    small.mirrored_group(1, "Engineers", &people);
    small.0.entra.groups.get_mut(&group_id(1)).unwrap().users.clear();
    let warnings = plan(&small.0).unwrap().warnings;
    assert!(
        matches!(
            &warnings[..],
            [Warning::MembersLost { lost: 40, left: 0, .. }, Warning::PeopleLost { lost: 40, of: 40 }]
        ),
        "{warnings:?}"
    );
}

#[test]
fn an_answer_without_any_assignment_is_announced_at_any_size() {
    let mut small = Small::new();
    small.mirrored_group(1, "Engineers", &[1]);
    small.0.entra.assigned.clear();
    let warnings = plan(&small.0).unwrap().warnings;
    assert!(warnings.contains(&Warning::AssignmentsLost { lost: 1, of: 1 }), "{warnings:?}");
}

#[test]
fn a_member_by_hand_is_named_and_not_removed() {
    let mut small = Small::new();
    small.mirrored_group(1, "Engineers", &[1]);
    let by_hand = MembershipId::parse("m-by-hand").unwrap();
    let members = small.0.identity_center.memberships.get_mut(&aws_group(1)).unwrap();
    members.insert(aws_user(99), by_hand);
    let plan = plan(&small.0).unwrap();
    assert!(plan.is_empty());
    assert!(matches!(&plan.warnings[..], [Warning::Foreign { members, .. }] if members.len() == 1), "{plan}");
}

#[test]
fn a_tombstone_is_deleted_after_its_grace_period_and_not_before() {
    let mut small = Small::new();
    small.mirrored(1);
    for (days, deleted) in [(6, false), (8, true)] {
        let since = small.0.taken_at - SignedDuration::from_hours(days * 24);
        small.0.ledger.users[0].principal.standing = Standing::Revoked { since };
        let lines = small.lines();
        assert_eq!(lines.iter().any(|line| line.contains("x user: deleted")), deleted, "{lines:?}");
    }
}

#[test]
fn an_attribute_that_somebody_changed_is_shown_with_before_and_after() {
    let mut small = Small::new();
    small.mirrored_group(1, "Engineers", &[1]);
    small.0.identity_center.users[0].attributes.set(crate::attributes::UserAttribute::Title, "Boss");
    assert_eq!(small.lines(), ["user1@example.com: ~ title \"Boss\" -> nothing # Entra ID says so"]);
}

#[test]
fn a_plan_has_the_digest_of_what_it_does_and_not_of_when_it_was_made() {
    let mut small = Small::new();
    small.group(1, "Engineers", &[1]);
    let before = plan(&small.0).unwrap();
    small.0.taken_at += SignedDuration::from_hours(1);
    assert_eq!(plan(&small.0).unwrap().digest(), before.digest());
    small.person(2);
    small.0.entra.groups.get_mut(&group_id(1)).unwrap().users.insert(entra_id(2));
    assert_ne!(plan(&small.0).unwrap().digest(), before.digest());
}

#[test]
fn a_part_of_the_plan_is_only_about_what_was_asked_for() {
    let mut small = Small::new();
    small.group(1, "Engineers", &[1, 2]);
    small.with_access(RULES);
    let changes = |only: &str| {
        let plan = plan(&small.0).unwrap().only(&[only.parse().unwrap()]);
        plan.changes().count()
    };
    assert_eq!(changes("user:USER1@example.com"), 2);
    assert_eq!(changes("group:Engineers"), 2);
    assert_eq!(changes("account:prod"), 1);
    assert_eq!(changes(&format!("account:{}", AccountId::parse("000000000001").unwrap())), 0);
    assert!("everything".parse::<Only>().is_err());
}

#[test]
fn a_snapshot_is_read_as_it_was_stored() {
    let mut small = Small::new();
    small.mirrored_group(1, "Engineers", &[1, 2]);
    small.with_access(RULES);
    small.has_admin(1, true);
    let json = small.0.to_json().unwrap();
    assert_eq!(Snapshot::from_json(&json, Some(&entra_id(900))).unwrap(), small.0);
}

#[test]
fn a_snapshot_of_another_tenant_or_version_or_half_of_one_is_refused() {
    let json = Small::new().0.to_json().unwrap();
    let refused = |json: &[u8], tenant: Option<EntraObjectId>| {
        Snapshot::from_json(json, tenant.as_ref()).unwrap_err().to_string()
    };
    assert!(refused(&json, Some(entra_id(1))).contains("of tenant"));
    assert!(refused(&json[..json.len() / 2], None).contains("take it anew"));
    let later = String::from_utf8(json).unwrap().replacen("\"format\":1", "\"format\":2", 1);
    assert!(refused(later.as_bytes(), None).contains("format 2"));
}

#[test]
fn rules_that_take_away_much_are_announced_with_nothing_but_access_beside() {
    let mut small = Small::new();
    small.with_access("");
    for number in 1..=30 {
        small.mirrored_group(number, &format!("Team {number}"), &[u32::from(number)]);
        small.has_admin(number, true);
    }
    small.0.entra.groups.get_mut(&group_id(1)).unwrap().users.clear();
    let plan = plan(&small.0).unwrap().only_access();
    assert_eq!(plan.warnings, [Warning::AccessLost { lost: 30, of: 30 }]);
    assert_eq!(plan.changes().count(), 30, "{plan}");
    assert!(plan.changes().all(|(_, change, _)| change.account().is_some()), "{plan}");
}
