//! Facts about faults that only show where accounts, permission sets and groups are known.

use super::super::tests::{World, account, group};
use super::*;
use crate::rules::{Document, Severity};

const NAMING: &str = "[[grant]]\ngroup = '^AWS-(?<account>[^-]+)-(?<permission_set>.+)$'\n";

fn explicit(lines: &str) -> String {
    format!("[[grant]]\ngroup = 'Devs'\npermission_set = 'View'\n{lines}\n")
}

/// Asserts that the rules have exactly these faults among groups `Devs` and `AWS-prod-View`.
#[track_caller]
fn assert_faults(document: &str, more_groups: &[(u8, &str)], expected: &[(&str, Severity, &str)]) {
    let groups = [&[(1, "Devs"), (2, "AWS-prod-View")], more_groups].concat();
    let world = World::new(document, &groups);
    let found = world.with(|access| check(access, &world.groups));
    let are_expected = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, (at, severity, part))| {
            found.at.to_string() == *at && found.severity == *severity && found.message.contains(part)
        });
    assert!(are_expected, "expected {expected:#?}, found {found:#?} in\n{document}");
}

use Severity::{Error, Warning};

#[test]
fn rules_that_fit_the_organization_have_no_fault() {
    assert_faults(&(NAMING.to_owned() + &explicit("accounts = ['all']\nexcept = ['prod']")), &[], &[]);
}

#[test]
fn what_does_not_exist_is_an_error_with_the_nearest_name() {
    let document = explicit("accounts = ['prd', '000000000020', 'ou:ou-root-workload']\nexcept = ['shop']")
        .replace("View", "Veiw");
    assert_faults(
        &document,
        &[],
        &[
            ("3:18", Error, "no permission set `Veiw`: "),
            ("4:13", Error, "no account `prd`: "),
            ("4:20", Error, "no account `000000000020`: "),
            (
                "4:36",
                Error,
                "no organizational unit `ou-root-workload`: correct the rule; did you mean `ou-root-workloads`?",
            ),
            ("5:11", Error, "no account `shop`: "),
        ],
    );
    let world = World::new(&document, &[(1, "Devs")]);
    let found = world.with(|access| check(access, &world.groups));
    assert!(found[0].message.ends_with("did you mean `View`?"), "{found:?}");
    assert!(found[1].message.ends_with("did you mean `prod`?"), "{found:?}");
}

#[test]
fn a_rule_that_matches_nothing_is_a_warning() {
    let document = explicit("accounts = ['prod']").replace("Devs", "Devz") + &NAMING.replace("AWS", "GCP");
    assert_faults(
        &document,
        &[],
        &[
            (
                "2:9",
                Warning,
                "no group `Devz` is in scope: assign it to the enterprise application; did you mean `Devs`?",
            ),
            ("6:9", Warning, "no group in scope has a name like this"),
        ],
    );
    let empty = explicit("accounts = ['ou:ou-root-emptyunit']\nexcept = ['prod']");
    assert_faults(&empty, &[], &[("4:13", Warning, "holds no account"), ("5:11", Warning, "not among")]);
}

#[test]
fn a_group_whose_name_names_what_does_not_exist_is_a_warning_with_the_nearest_name() {
    let expected = [("2:9", Warning, "group `AWS-sandbx-View`: there is no account `sandbx`")];
    assert_faults(NAMING, &[(3, "AWS-sandbx-View")], &expected);
}

#[test]
fn what_leads_to_the_management_account_without_the_word_is_an_error() {
    let expected = [("2:9", Error, "group `AWS-management-Admin` leads to account 000000000001")];
    assert_faults(NAMING, &[(3, "AWS-management-Admin")], &expected);
    let allowed = NAMING.to_owned() + "allow_management_account = true\n";
    assert_faults(&allowed, &[(3, "AWS-management-Admin")], &[]);
    for account in ["management", "000000000001"] {
        let document = explicit(&format!("accounts = ['{account}']"));
        assert_faults(&document, &[], &[("4:13", Error, "allow_management_account = true")]);
        assert_faults(&(document + "allow_management_account = true\n"), &[], &[]);
    }
}

#[test]
fn the_management_account_can_be_excepted_only_where_it_is_allowed() {
    let document = explicit("accounts = ['all']\nexcept = ['management']");
    assert_faults(&document, &[], &[("5:11", Warning, "not among the grant's accounts")]);
    assert_faults(&(document + "allow_management_account = true\n"), &[], &[]);
    let by_unit =
        explicit("accounts = ['all']\nexcept = ['ou:ou-root-emptyunit']\nallow_management_account = true");
    let mut world = World::new(&by_unit, &[(1, "Devs")]);
    world.accounts[0] = account(1, "management", &["emptyunit"]);
    assert_eq!(world.with(|access| check(access, &world.groups)), []);
}

#[test]
fn a_name_that_two_accounts_bear_is_an_error_where_a_rule_says_it_and_a_warning_where_a_group_does() {
    let mut world = World::new(
        &(NAMING.to_owned() + &explicit("accounts = ['prod']")),
        &[(2, "AWS-prod-View"), (1, "Devs")],
    );
    world.accounts.push(account(6, "prod", &[]));
    let found = world.with(|access| check(access, &world.groups));
    let places: Vec<_> = found.iter().map(|fault| (fault.at.to_string(), fault.severity)).collect();
    assert_eq!(places, [("2:9".to_owned(), Warning), ("6:13".to_owned(), Error)], "{found:#?}");
}

#[test]
fn one_account_named_in_two_ways_is_found() {
    let twice = explicit("accounts = ['prod', '000000000002']");
    assert_faults(&twice, &[], &[("4:21", Error, "already in this list")]);
}

#[test]
fn what_the_document_alone_shows_is_not_reported_again() {
    let document = explicit("accounts = ['all']\nexcept = ['prod']") + &explicit("accounts = ['prod']");
    let mut world = World::new("", &[(1, "Devs")]);
    world.rules = Document::read(&document).readable().clone();
    assert_eq!(world.with(|access| check(access, &world.groups)), []);
}

#[test]
fn a_unit_and_an_account_in_it_may_both_be_granted() {
    let document = explicit("accounts = ['ou:ou-root-european']") + &explicit("accounts = ['prod-eu']");
    assert_faults(&document, &[], &[]);
}

#[test]
fn each_convention_is_looked_at_by_itself() {
    let document = NAMING.to_owned() + &NAMING.replace("AWS", "GCP");
    assert_faults(&document, &[], &[("4:9", Warning, "no group in scope has a name like this")]);
}

#[test]
fn one_group_named_in_two_ways_is_found() {
    let by_id = |lines: &str| explicit(lines).replace("Devs", group(1).as_str());
    let twice = explicit("accounts = ['prod']") + &by_id("accounts = ['000000000002']");
    assert_faults(&twice, &[], &[("8:13", Error, "line 4 already gives")]);
    let contradiction = explicit("accounts = ['all']\nexcept = ['ou:ou-root-european']")
        + &by_id("accounts = ['ou:ou-root-workloads']");
    assert_faults(&contradiction, &[], &[("6:1", Error, "access to account 000000000003")]);
}

#[test]
fn what_one_grant_excepts_and_another_gives_by_its_unit_is_an_error() {
    let document = explicit("accounts = ['all']\nexcept = ['prod-eu']")
        + &explicit("accounts = ['ou:ou-root-workloads']");
    assert_faults(&document, &[], &[("6:1", Error, "access to account 000000000003, which line 1 excepts")]);
    let apart = explicit("accounts = ['all']\nexcept = ['prod-eu']") + &explicit("accounts = ['old']");
    assert_faults(&apart, &[], &[]);
}

#[test]
fn that_the_limit_of_groups_is_near_is_reported_before_it_is_hit() {
    let grants = |count: u8| -> (String, Vec<(u8, String)>) {
        let grants = (10..10 + count)
            .map(|number| explicit("accounts = ['prod']").replace("Devs", &format!("g{number}")));
        (grants.collect(), (10..10 + count).map(|number| (number, format!("g{number}"))).collect())
    };
    for (count, expected) in [(89, None), (90, Some(Warning)), (100, Some(Warning)), (101, Some(Error))] {
        let (document, groups) = grants(count);
        let groups: Vec<(u8, &str)> = groups.iter().map(|(number, name)| (*number, name.as_str())).collect();
        let expected = expected.map(|severity| ("1:1", severity, "AWS allows 100"));
        assert_faults(&document, &groups, expected.as_slice());
    }
}
