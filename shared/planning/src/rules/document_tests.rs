//! Facts about documents of grants: what is right is read, and every fault has its place and its remedy.

use super::*;
use crate::EntraObjectId;
use crate::ids::AccountId;
use proptest::prelude::*;

const DESIGN: &str = r#"[[grant]]                                   # by naming convention
group = '^AWS-(?<account>[^-]+)-(?<permission_set>.+)$'   # account: id or name
[[grant]]                                   # explicit
group = "Platform Engineers"
permission_set = "AdministratorAccess"
accounts = ["111122223333", "ou:ou-ab12-workloads"]
"#;

/// `line:column` of every fault, with its message.
fn faults(text: &str) -> Vec<(String, String)> {
    let document = Document::read(text);
    document.faults().iter().map(|fault| (fault.at.to_string(), fault.message.clone())).collect()
}

/// Asserts that a document has exactly these faults: where, and a part of the message.
#[track_caller]
fn assert_faults(text: &str, expected: &[(&str, &str)]) {
    let found = faults(text);
    let are_expected = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, expected)| found.0 == expected.0 && found.1.contains(expected.1));
    assert!(are_expected, "expected {expected:#?}, found {found:#?} in\n{text}");
}

fn explicit(lines: &str) -> String {
    format!("[[grant]]\ngroup = \"Devs\"\npermission_set = \"View\"\n{lines}\n")
}

#[test]
fn the_two_kinds_of_grant_are_read() {
    let rules = Document::read(DESIGN).into_rules().unwrap();
    let [Grant::ByNaming(naming), Grant::Explicit(explicit)] = &rules.grants[..] else {
        panic!("read {rules:?}");
    };
    assert_eq!(naming.group.value.as_str(), "^AWS-(?<account>[^-]+)-(?<permission_set>.+)$");
    assert_eq!(explicit.group.value, GroupSelector::Name("Platform Engineers".into()));
    assert_eq!(explicit.permission_set.value, "AdministratorAccess");
    let accounts: Vec<String> = explicit.accounts.iter().map(|entry| entry.value.to_string()).collect();
    assert_eq!(accounts, ["111122223333", "ou:ou-ab12-workloads"]);
    assert_eq!((naming.at.line, explicit.at.line, explicit.accounts[1].at.column), (1, 3, 29));
    assert!(!naming.allow_management_account && !explicit.allow_management_account);
}

#[test]
fn groups_and_accounts_are_named_by_id_or_by_name() {
    let id = "f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e";
    let text = format!(
        "[[grant]]\ngroup = '{id}'\npermission_set = 'View'\naccounts = ['all']\nexcept = ['prod', '012345678901']\n\
         allow_management_account = true\n"
    );
    let rules = Document::read(&text).into_rules().unwrap();
    let grant = rules.explicit().next().unwrap();
    assert_eq!(grant.group.value, GroupSelector::Id(EntraObjectId::parse(id).unwrap()));
    assert_eq!(grant.accounts[0].value, AccountSelector::All);
    assert_eq!(grant.except[0].value, AccountSelector::Name("prod".into()));
    assert_eq!(grant.except[1].value, AccountSelector::Id(AccountId::parse("012345678901").unwrap()));
    assert!(grant.allow_management_account);
}

#[test]
fn every_fault_is_reported_and_not_only_the_first() {
    let text = "[[grant]]\ngroup = 'Devs'\npermision_set = 'View'\nacounts = ['prod']\n\
                [[grant]]\ngroup = '(?<account>x'\n[[grants]]\ngroup = 'y'\n";
    assert_faults(
        text,
        &[
            ("3:1", "unknown key `permision_set`; did you mean `permission_set`?"),
            ("4:1", "unknown key `acounts`; did you mean `accounts`?"),
            ("6:10", "unclosed group"),
            ("7:3", "unknown key `grants`; did you mean `grant`?"),
        ],
    );
}

#[test]
fn what_is_not_toml_is_reported_without_faults_that_only_follow_from_it() {
    assert_faults("[[grant]\ngroup = 'a'\n", &[("1:9", "expected `]`")]);
    let text = "[[grant]]\ngroup = 'Devs\npermission_set = View\n[[grant]]\ngroup = 7\n";
    assert_faults(
        text,
        &[("2:14", "expected `'`"), ("3:18", "must be quoted"), ("5:9", "write it in quotes")],
    );
    let unclosed = "[[grant]]\ngroup = 'Devs'\naccounts = ['prod',\npermission_set = 'View'\n";
    assert_faults(unclosed, &[("4:1", "missing quote or bracket")]);
}

#[test]
fn an_expression_is_at_fault_at_its_own_character() {
    assert_faults("[[grant]]\ngroup = 'é-(?<account>[a-'\n", &[("2:23", "unclosed character class")]);
    assert_faults(
        "[[grant]]\ngroup = \"AWS\\u002D(?<account>[a-\"\n",
        &[("2:9", "unclosed character class")],
    );
    assert_faults("[[grant]]\ngroup = '(?<account>.+)-x'\n", &[("2:9", "no `(?<permission_set>…)`")]);
    assert_faults("[[grant]]\ngroup = 'Devs'\n", &[("2:9", "`(?<account>…)` and `(?<permission_set>…)`")]);
}

#[test]
fn what_a_grant_lacks_is_named() {
    assert_faults("[[grant]]\n", &[("1:1", "no `group`")]);
    assert_faults("[[grant]]\ngroup = 'a'\npermission_set = 'View'\n", &[("1:1", "no `accounts`")]);
    assert_faults("[[grant]]\ngroup = 'a'\naccounts = ['prod']\n", &[("1:1", "no `permission_set`")]);
    assert_faults(&explicit("accounts = []"), &[("4:12", "no account is named")]);
}

#[test]
fn a_value_of_another_kind_is_told_how_to_be_written() {
    assert_faults(&explicit("accounts = [111122223333]"), &[("4:13", "write it in quotes")]);
    assert_faults(&explicit("accounts = 'prod'"), &[("4:12", "write it in brackets")]);
    assert_faults(
        &explicit("accounts = ['prod']\nallow_management_account = 'yes'"),
        &[("5:28", "true or false")],
    );
    assert_faults("[grant]\ngroup = 'a'\n", &[("1:1", "[[grant]]")]);
    assert_faults("[[grant]]\ngroup = ' '\n", &[("2:9", "`group` is empty")]);
    assert_faults("grant = ['a']\n", &[("1:10", "begin it with [[grant]]")]);
}

#[test]
fn accounts_and_permission_sets_that_cannot_exist_are_faults() {
    assert_faults(
        &explicit("accounts = ['11112222333', 'ou:workloads', 'ou-ab12-workloads', '']"),
        &[
            ("4:13", "twelve digits"),
            ("4:28", "ou-ab12-1a2b3c4d"),
            ("4:44", "write `ou:ou-ab12-workloads`"),
            ("4:65", "1 to 50 characters"),
        ],
    );
    assert_faults(
        "[[grant]]\ngroup = 'a'\npermission_set = 'Read Only'\naccounts = ['prod']\n",
        &[("3:18", "no permission set can have this name")],
    );
}

#[test]
fn an_expression_beside_accounts_is_a_misunderstanding() {
    let text = "[[grant]]\ngroup = 'AWS-(?<account>.+)'\npermission_set = 'View'\naccounts = ['prod']\n";
    assert_faults(text, &[("2:9", "remove `permission_set`")]);
}

#[test]
fn a_grant_that_contradicts_or_repeats_itself_is_a_fault() {
    assert_faults(&explicit("accounts = ['prod', 'prod']"), &[("4:21", "already in this list")]);
    assert_faults(&explicit("accounts = ['prod']\nexcept = ['prod']"), &[("5:11", "in `accounts`, too")]);
    assert_faults(&explicit("accounts = ['all', 'prod']"), &[("4:13", "covers the other entries")]);
    assert_faults(
        &explicit("accounts = ['all']\nexcept = ['all']"),
        &[("5:11", "too"), ("5:11", "leaves nothing")],
    );
}

#[test]
fn two_grants_that_contradict_or_repeat_each_other_are_faults_of_the_later_one() {
    let first = explicit("accounts = ['prod', 'test']\nexcept = ['old']");
    let repeated = first.clone() + &explicit("accounts = ['shop', 'prod']");
    assert_faults(&repeated, &[("9:21", "line 4 already gives `Devs` with `View` access to `prod`")]);
    let granted = first.clone() + &explicit("accounts = ['old']");
    assert_faults(&granted, &[("9:13", "which line 5 excepts")]);
    let excepted = first.clone() + &explicit("accounts = ['all']\nexcept = ['test']");
    assert_faults(&excepted, &[("10:11", "line 4 gives access")]);
    let other = first.clone() + &explicit("accounts = ['prod']").replace("View", "Admin");
    assert_faults(&other, &[]);
    let naming = "[[grant]]\ngroup = '(?<account>.+)-(?<permission_set>.+)'\n";
    assert_faults(&naming.repeat(2), &[("4:9", "line 1 has the same expression")]);
}

#[test]
fn a_document_without_grants_is_no_more_than_doubtful() {
    assert_faults("# nothing yet\n", &[("1:1", "nobody gets access")]);
    assert!(Document::read("").into_rules().is_ok());
}

#[test]
fn a_document_with_a_fault_is_never_used() {
    let text = DESIGN.to_owned() + "[[grant]]\ngroup = 'a'\n";
    assert_eq!(Document::read(&text).readable().grants.len(), 2);
    assert!(Document::read(&text).into_rules().is_err());
}

#[test]
fn a_document_that_parameter_store_would_not_take_is_a_fault() {
    let fits = DESIGN.to_owned() + &"#".repeat(8192 - DESIGN.len());
    assert_faults(&fits, &[]);
    assert_faults(&(fits + "#"), &[("1:1", "8193 bytes")]);
}

#[test]
fn comments_and_layout_are_no_part_of_the_rules() {
    let digest = |text: &str| crate::digest::Digest::of(&Document::read(text).into_rules().unwrap());
    let other_layout = "\u{feff}\r\n".to_owned() + &DESIGN.replace('\n', "  # more\r\n");
    assert_eq!(digest(DESIGN), digest(&other_layout));
    assert_ne!(digest(DESIGN), digest(&DESIGN.replace("111122223333", "111122223334")));
}

proptest! {
    #[test]
    fn any_text_is_read_and_its_faults_stand_in_it(
        pieces in proptest::collection::vec(
            r#"\[\[grant\]\]|group|permission_set|accounts|except|[=\[\]'",{}.()?<>#\\]|\n|é|all|ou:|true|[0-9]{1,12}|\(\?<account>"#,
            0..40,
        ),
    ) {
        let text = pieces.concat();
        let lines: Vec<&str> = text.split('\n').collect();
        for fault in Document::read(&text).faults() {
            let line = lines.get(fault.at.line as usize - 1).map(|line| line.chars().count());
            prop_assert!(line.is_some_and(|length| fault.at.column as usize <= length + 1), "{} in {:?}", fault, text);
        }
    }
}
