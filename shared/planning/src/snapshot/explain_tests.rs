//! Facts about why somebody has access.

use super::*;

#[test]
fn access_is_explained_from_the_user_to_the_account() {
    let mut small = Small::new();
    small.mirrored_group(1, "Engineers", &[1]);
    small.with_access(RULES);
    small.has_admin(1, true);
    let explained = small.explain(1);
    for part in ["membership in force", "by way of Engineers", "in force (rule at 1:1)"] {
        assert!(explained.contains(part), "{part} is missing in\n{explained}");
    }
    let accounts = explain_account(&small.0, "prod").unwrap();
    let text = accounts[0].to_string();
    assert!(text.contains("Admin: group Engineers: in force (rule at 1:1)"), "{text}");
    assert!(text.contains("user1@example.com: in force"), "{text}");
    assert!(explain_account(&small.0, "nowhere").unwrap().is_empty());
}

#[test]
fn nested_groups_show_the_whole_way() {
    let mut small = Small::new();
    small.mirrored_group(1, "Engineers", &[]);
    let nested = small.group(2, "Platform", &[1]);
    small.0.entra.assigned.remove(&nested);
    small.0.entra.groups.get_mut(&group_id(1)).unwrap().groups.insert(nested);
    assert!(small.lines().is_empty(), "nested members do not count unless they are flattened");
    small.0.settings.flatten_nested_groups = true;
    let lines = small.lines();
    assert!(lines.iter().any(|line| line.contains("member by way of Platform < Engineers")), "{lines:?}");
    assert!(small.explain(1).contains("by way of Platform < Engineers"), "{}", small.explain(1));
}

#[test]
fn groups_that_contain_each_other_are_walked_once() {
    let mut small = Small::new();
    small.0.settings.flatten_nested_groups = true;
    small.mirrored_group(1, "Engineers", &[1]);
    small.mirrored_group(2, "Platform", &[1]);
    small.0.entra.groups.get_mut(&group_id(1)).unwrap().groups.insert(group_id(2));
    small.0.entra.groups.get_mut(&group_id(2)).unwrap().groups.insert(group_id(1));
    assert!(small.lines().is_empty(), "{:?}", small.lines());
    assert!(small.explain(1).contains("by way of Platform < Engineers"), "{}", small.explain(1));
}
