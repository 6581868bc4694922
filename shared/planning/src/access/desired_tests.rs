//! Facts about what the rules come to: which group gets what, by which rule, and what a name alone does not give.

use super::super::tests::{World, account, assignment, group};
use super::*;
use crate::access::{Obstacle, affected_groups};
use crate::organization::{Account, AccountState};
use proptest::prelude::*;

const NAMING: &str = "[[grant]]\ngroup = '^AWS-(?<account>.+)-(?<permission_set>.+)$'\n";

fn explicit(group: &str, permission_set: &str, rest: &str) -> String {
    format!("[[grant]]\ngroup = '{group}'\npermission_set = '{permission_set}'\n{rest}\n")
}

fn desired(world: &World, bindings: &mut Bindings, number: u8) -> DesiredAssignments {
    world.with(|access| desired_of_group(access, &group(number), &world.groups[&group(number)], bindings))
}

fn first_seen(document: &str, name: &str) -> DesiredAssignments {
    desired(&World::new(document, &[(1, name)]), &mut Bindings::default(), 1)
}

fn granted(desired: &DesiredAssignments) -> Vec<AccountAssignment> {
    desired.granted.keys().cloned().collect()
}

/// The obstacles in the way of something, without what they are in the way of.
fn obstacles(desired: &DesiredAssignments) -> Vec<&'static str> {
    desired.skipped.iter().map(|skipped| skipped.why.metric_name()).collect()
}

#[test]
fn a_group_named_by_convention_gets_what_its_name_says() {
    assert_eq!(granted(&first_seen(NAMING, "AWS-prod-View")), [assignment(2, 2)]);
    assert_eq!(granted(&first_seen(NAMING, "AWS-000000000004-View")), [assignment(2, 4)]);
    assert_eq!(
        granted(&first_seen(NAMING, "AWS-prod-eu-Admin")),
        [assignment(1, 3)],
        "the longest account counts"
    );
    assert_eq!(first_seen(NAMING, "Marketing"), DesiredAssignments::default());
}

#[test]
fn an_explicit_grant_reaches_units_with_everything_below_and_all_but_the_management_account() {
    let unit =
        explicit("Devs", "View", "accounts = ['ou:ou-root-workloads', 'sandbox']\nexcept = ['prod-eu']");
    let desired = first_seen(&unit, "Devs");
    assert_eq!(granted(&desired), [assignment(2, 2), assignment(2, 4)]);
    assert_eq!(desired.excluded, [assignment(2, 3)].into());
    let all = first_seen(&explicit("Devs", "View", "accounts = ['all']"), "Devs");
    assert_eq!(granted(&all), [2, 3, 4].map(|account| assignment(2, account)));
    assert_eq!(obstacles(&all), ["account_not_active"], "the closed account is skipped");
}

#[test]
fn each_assignment_knows_the_rules_that_call_for_it() {
    let document = NAMING.to_owned() + &explicit("AWS-prod-View", "View", "accounts = ['all']");
    let desired = first_seen(&document, "AWS-prod-View");
    let lines = |account| {
        let rules = desired.granted[&assignment(2, account)].iter();
        rules.map(|rule| rule.line).collect::<Vec<_>>()
    };
    assert_eq!((lines(2), lines(3)), (vec![1, 3], vec![3]));
}

#[test]
fn the_management_account_is_reached_only_with_the_word() {
    let by_name = first_seen(NAMING, "AWS-management-Admin");
    assert_eq!((granted(&by_name), obstacles(&by_name)), (vec![], vec!["management_account_not_allowed"]));
    let with_the_word = NAMING.to_owned() + "allow_management_account = true\n";
    assert_eq!(granted(&first_seen(&with_the_word, "AWS-management-Admin")), [assignment(1, 1)]);
    let all = explicit("Devs", "View", "accounts = ['all']\nallow_management_account = true");
    assert!(granted(&first_seen(&all, "Devs")).contains(&assignment(2, 1)));
}

#[test]
fn what_does_not_exist_is_skipped_with_its_reason() {
    assert_eq!(obstacles(&first_seen(NAMING, "AWS-prd-View")), ["no_such_account"]);
    assert_eq!(obstacles(&first_seen(NAMING, "AWS-prod-Views")), ["no_such_permission_set"]);
    let unit = explicit("Devs", "View", "accounts = ['ou:ou-root-elsewhere']");
    assert_eq!(obstacles(&first_seen(&unit, "Devs")), ["no_such_unit"]);
}

#[test]
fn a_grant_whose_exception_does_not_exist_gives_nothing_that_is_not_there() {
    let document = explicit("Devs", "View", "accounts = ['all']\nexcept = ['payroll']");
    let desired = first_seen(&document, "Devs");
    assert_eq!(granted(&desired), []);
    assert!(desired.skipped.iter().any(|skipped| skipped.assignment == Some(assignment(2, 2))));
}

#[test]
fn an_account_that_takes_anothers_name_or_id_for_its_name_gets_nothing_by_it() {
    let mut world = World::new(NAMING, &[(1, "AWS-prod-View"), (2, "AWS-000000000002-View")]);
    world.accounts.push(account(6, "prod", &[]));
    world.accounts.push(account(7, "000000000002", &[]));
    let by_name = desired(&world, &mut Bindings::default(), 1);
    assert_eq!((granted(&by_name), obstacles(&by_name)), (vec![], vec!["ambiguous_account"; 2]));
    assert_eq!(granted(&desired(&world, &mut Bindings::default(), 2)), [assignment(2, 2)]);
}

#[test]
fn an_exception_that_two_accounts_may_mean_puts_its_whole_grant_in_doubt() {
    let document = explicit("Devs", "View", "accounts = ['all']\nexcept = ['prod']");
    let mut world = World::new(&document, &[(1, "Devs")]);
    world.accounts.push(account(6, "prod", &[]));
    let desired = desired(&world, &mut Bindings::default(), 1);
    assert_eq!((granted(&desired), desired.excluded.len()), (vec![], 0));
}

#[test]
fn an_account_in_doubt_by_its_name_is_certain_where_its_unit_is_named_too() {
    let document = explicit("Devs", "View", "accounts = ['prod', 'ou:ou-root-workloads']");
    let mut world = World::new(&document, &[(1, "Devs")]);
    world.accounts.push(account(6, "prod", &[]));
    let desired = desired(&world, &mut Bindings::default(), 1);
    assert_eq!(
        (granted(&desired), obstacles(&desired)),
        (vec![assignment(2, 2), assignment(2, 3)], vec!["ambiguous_account"])
    );
}

#[test]
fn what_any_grant_gives_is_neither_excluded_nor_held() {
    let document =
        NAMING.to_owned() + &explicit("AWS-prod-View", "View", "accounts = ['all']\nexcept = ['prod']");
    let except = first_seen(&document, "AWS-prod-View");
    assert!(granted(&except).contains(&assignment(2, 2)) && except.excluded.is_empty());
    let document = NAMING.to_owned() + &explicit(group(1).as_str(), "View", "accounts = ['prod']");
    let mut bindings = Bindings::default();
    let _ = desired(&World::new(&document, &[(1, "Marketing")]), &mut bindings, 1);
    let renamed = desired(&World::new(&document, &[(1, "AWS-prod-View")]), &mut bindings, 1);
    assert_eq!((granted(&renamed), renamed.held.len()), (vec![assignment(2, 2)], 0));
}

#[test]
fn a_group_that_is_assigned_anew_is_seen_for_the_first_time_again() {
    let mut bindings = Bindings::default();
    let _ = desired(&World::new(NAMING, &[(1, "Marketing")]), &mut bindings, 1);
    bindings.release(&group(1));
    let world = World::new(NAMING, &[(1, "AWS-prod-View")]);
    assert_eq!(granted(&desired(&world, &mut bindings, 1)), [assignment(2, 2)]);
}

#[test]
fn a_rename_that_adds_grants_is_held_until_an_operator_approves_it() {
    let mut bindings = Bindings::default();
    let before = World::new(NAMING, &[(1, "Marketing")]);
    let _ = desired(&before, &mut bindings, 1);
    let after = World::new(NAMING, &[(1, "AWS-prod-Admin")]);
    for _ in 0..2 {
        let renamed = desired(&after, &mut bindings, 1);
        assert_eq!(granted(&renamed), []);
        assert_eq!(renamed.held, [(assignment(1, 2), HeldBecause::Renamed)].into());
    }
    bindings.approve(&group(1), "AWS-prod-Admin");
    assert_eq!(granted(&desired(&after, &mut bindings, 1)), [assignment(1, 2)]);
}

#[test]
fn a_rename_takes_away_at_once_and_back_again_gives_back() {
    let mut bindings = Bindings::default();
    let by = |name| World::new(NAMING, &[(1, name)]);
    let _ = desired(&by("AWS-prod-Admin"), &mut bindings, 1);
    let moved = desired(&by("AWS-sandbox-Admin"), &mut bindings, 1);
    assert_eq!((granted(&moved), moved.held.len()), (vec![], 1));
    assert_eq!(granted(&desired(&by("AWS-prod-Admin"), &mut bindings, 1)), [assignment(1, 2)]);
}

#[test]
fn a_name_taken_before_its_account_exists_is_held_once_it_does() {
    let mut bindings = Bindings::default();
    let _ = desired(&World::new(NAMING, &[(1, "Marketing")]), &mut bindings, 1);
    let mut world = World::new(NAMING, &[(1, "AWS-shop-Admin")]);
    assert_eq!(obstacles(&desired(&world, &mut bindings, 1)), ["no_such_account"]);
    world.accounts.push(account(6, "shop", &[]));
    let desired = desired(&world, &mut bindings, 1);
    assert_eq!((granted(&desired), desired.held.len()), (vec![], 1));
}

#[test]
fn a_name_taken_before_its_grant_reaches_any_account_is_held_once_it_does() {
    let document = explicit("Devs", "View", "accounts = ['ou:ou-root-emptyunit']");
    let mut bindings = Bindings::default();
    let _ = desired(&World::new(&document, &[(1, "Marketing")]), &mut bindings, 1);
    let mut world = World::new(&document, &[(1, "Devs")]);
    let _ = desired(&world, &mut bindings, 1);
    world.accounts.push(account(6, "shop", &["emptyunit"]));
    let desired = desired(&world, &mut bindings, 1);
    assert_eq!((granted(&desired), desired.held.len()), (vec![], 1));
}

#[test]
fn an_operator_may_say_that_a_name_means_another_group_from_now_on() {
    let world = World::new(&explicit("Devs", "View", "accounts = ['prod']"), &[(1, "Devs"), (2, "Devs")]);
    let mut bindings = Bindings::default();
    let (first, second) = (desired(&world, &mut bindings, 1), desired(&world, &mut bindings, 2));
    assert_eq!((granted(&first), granted(&second)), (vec![assignment(2, 2)], vec![]));
    bindings.approve(&group(2), "Devs");
    let (first, second) = (desired(&world, &mut bindings, 1), desired(&world, &mut bindings, 2));
    assert_eq!((granted(&first), granted(&second)), (vec![], vec![assignment(2, 2)]));
}

#[test]
fn a_grant_by_name_follows_its_group_and_no_other_that_takes_the_name() {
    let document = explicit("Devs", "View", "accounts = ['prod']");
    let mut bindings = Bindings::default();
    assert_eq!(
        granted(&desired(&World::new(&document, &[(1, "Devs")]), &mut bindings, 1)),
        [assignment(2, 2)]
    );
    let world = World::new(&document, &[(1, "Developers"), (2, "Devs")]);
    assert_eq!(granted(&desired(&world, &mut bindings, 1)), [assignment(2, 2)]);
    let other = desired(&world, &mut bindings, 2);
    let because = HeldBecause::NameMeansAnother { group: group(1) };
    assert_eq!((granted(&other), other.held), (vec![], [(assignment(2, 2), because)].into()));
}

#[test]
fn a_group_made_anew_under_the_name_of_one_that_is_gone_gets_its_grants_and_a_renamed_one_does_not() {
    let document = explicit("Devs", "View", "accounts = ['prod']");
    let mut bindings = Bindings::default();
    let world = World::new(&document, &[(1, "Devs"), (2, "Marketing"), (3, "Devs")]);
    for number in 1..=3 {
        let _ = desired(&world, &mut bindings, number);
    }
    bindings.release(&group(1));
    let renamed = World::new(&document, &[(2, "Devs")]);
    assert_eq!(granted(&desired(&renamed, &mut bindings, 2)), []);
    assert_eq!(granted(&desired(&world, &mut bindings, 3)), [assignment(2, 2)]);
}

#[test]
fn a_rule_written_after_a_harmless_rename_means_the_name_that_the_operator_saw() {
    let mut bindings = Bindings::default();
    let _ = desired(&World::new("", &[(1, "Marketing")]), &mut bindings, 1);
    let _ = desired(&World::new("", &[(1, "Devs")]), &mut bindings, 1);
    let world = World::new(&explicit("Devs", "View", "accounts = ['prod']"), &[(1, "Devs")]);
    assert_eq!(granted(&desired(&world, &mut bindings, 1)), [assignment(2, 2)]);
}

#[test]
fn a_change_of_rules_or_accounts_affects_exactly_the_groups_whose_access_it_changes() {
    let document = NAMING.to_owned() + &explicit("Devs", "View", "accounts = ['ou:ou-root-workloads']");
    let groups = [(1, "AWS-prod-View"), (2, "AWS-sandbox-View"), (3, "Devs"), (4, "Marketing")];
    let before = World::new(&document, &groups);
    let affected = |after: &World| {
        let bindings = Bindings::default();
        before.with(|before| {
            after.with(|after| affected_groups(before, after, &after_names(&groups), &bindings))
        })
    };
    let layout = World::new(&format!("# a comment\n\n{document}"), &groups);
    assert_eq!(affected(&layout), BTreeSet::new());
    let mut moved = World::new(&document, &groups);
    moved.accounts[3] = account(4, "sandbox", &["workloads"]);
    assert_eq!(affected(&moved), [group(3)].into());
    let mut closed = World::new(&document, &groups);
    closed.accounts[1] = Account { state: AccountState::Suspended, ..account(2, "prod", &["workloads"]) };
    assert_eq!(affected(&closed), [group(1), group(3)].into());
    let without_naming = World::new(&document.replace(NAMING, ""), &groups);
    assert_eq!(affected(&without_naming), [group(1), group(2)].into());
}

fn after_names(groups: &[(u8, &str)]) -> GroupNames {
    groups.iter().map(|(number, name)| (group(*number), (*name).to_owned())).collect()
}

#[test]
fn the_digest_tells_a_change_of_rules_accounts_or_permission_sets_and_nothing_else() {
    let world = World::new(NAMING, &[]);
    let digest = world.with(|access| access.digest());
    assert_eq!(World::new(&format!("\n{NAMING}"), &[(1, "Devs")]).with(|access| access.digest()), digest);
    let mut renamed = World::new(NAMING, &[]);
    renamed.accounts[1].name = "production".into();
    assert_ne!(renamed.with(|access| access.digest()), digest);
    assert_ne!(World::new("", &[]).with(|access| access.digest()), digest);
}

/// Grants over the small organization.
fn any_grants() -> impl Strategy<Value = Vec<String>> {
    let accounts = proptest::sample::subsequence(vec!["prod", "sandbox", "ou:ou-root-european"], 1..=3);
    let grant = (0usize..3, 0usize..2, accounts).prop_map(|(name, set, accounts)| {
        let list: Vec<String> = accounts.iter().map(|account| format!("'{account}'")).collect();
        explicit(
            ["Devs", "AWS-prod-View", "Ops"][name],
            ["View", "Admin"][set],
            &format!("accounts = [{}]", list.join(", ")),
        )
    });
    proptest::collection::btree_map(0u8..4, grant, 0..4)
        .prop_map(|grants| std::iter::once(NAMING.to_owned()).chain(grants.into_values()).collect())
}

proptest! {
    #[test]
    fn no_rename_gives_what_the_first_name_did_not_call_for(
        names in proptest::collection::vec("Devs|Ops|AWS-(prod|sandbox|prod-eu|new)-(View|Admin)", 1..8),
        grants in any_grants(),
    ) {
        let mut world = World::new("", &[]);
        world.rules = crate::rules::Document::read(&grants.concat()).readable().clone();
        let mut bindings = Bindings::default();
        let mut allowed = None;
        for name in names {
            world.groups = after_names(&[(1, &name)]);
            let desired = desired(&world, &mut bindings, 1);
            let allowed = allowed.get_or_insert_with(|| granted(&desired));
            prop_assert!(granted(&desired).iter().all(|one| allowed.contains(one)), "{} gives more", name);
        }
    }

    #[test]
    fn the_order_of_rules_does_not_matter(
        (grants, shuffled) in any_grants().prop_flat_map(|grants| (Just(grants.clone()), Just(grants).prop_shuffle())),
    ) {
        let names = [(1, "Devs"), (2, "AWS-prod-View"), (3, "Ops"), (4, "AWS-prod-eu-Admin")];
        let outcome = |grants: &[String]| {
            let read = crate::rules::Document::read(&grants.concat());
            let mut world = World::new("", &names);
            world.rules = read.readable().clone();
            let (desired, bindings) =
                world.with(|access| desired_assignments(access, &world.groups, &Bindings::default()));
            let granted: Vec<_> = desired.into_iter().map(|(id, desired)| (id, super::tests::granted(&desired))).collect();
            (granted, bindings)
        };
        prop_assert_eq!(outcome(&grants), outcome(&shuffled));
    }
}

#[test]
fn an_obstacle_says_what_to_do() {
    let why = Obstacle::AmbiguousAccount { account: "prod".into() };
    assert!(why.to_string().contains("name the account by its id"));
}
