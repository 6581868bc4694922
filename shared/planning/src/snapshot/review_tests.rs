//! Facts about what is adopted, and about plans that were reviewed.

use super::*;

/// A user in Identity Center who is not ours.
fn foreign_user(small: &mut Small, number: u32, email: &str) -> UserId {
    let person = EntraUser { mail: Some(email.into()), ..user(&format!("user{number}@example.com")) };
    let attributes = map_user(&person, None, &MappingSettings::default()).unwrap().attributes;
    let user_id = aws_user(1_000 + number);
    let foreign =
        IdentityUser { user_id: user_id.clone(), attributes, revision: None, is_disabled: number == 2 };
    small.0.identity_center.users.push(foreign);
    user_id
}

#[test]
fn what_matches_and_is_not_ours_may_be_adopted_and_doubts_are_named() {
    let mut small = Small::new();
    small.group(1, "Engineers", &[1, 2, 3]);
    small.with_access(RULES);
    foreign_user(&mut small, 1, "user1@example.com");
    foreign_user(&mut small, 2, "somebody@else.example");
    let group = IdentityGroup { group_id: aws_group(1), name: "ENGINEERS".into(), revision: None };
    small.0.identity_center.groups.push(group);
    let members = small.0.identity_center.memberships.entry(aws_group(1)).or_default();
    members.insert(aws_user(77), MembershipId::parse("m-77").unwrap());
    small.has_admin(1, false);
    let doubts: Vec<(String, Vec<Doubt>)> =
        candidates(&small.0).into_iter().map(|it| (it.principal.name, it.doubts)).collect();
    let group =
        vec![Doubt::OtherCase, Doubt::HoldsAssignments { count: 1 }, Doubt::OtherMembers { count: 1 }];
    assert_eq!(
        doubts,
        [
            ("Engineers".to_owned(), group),
            ("user1@example.com".to_owned(), vec![]),
            ("user2@example.com".to_owned(), vec![Doubt::Disabled, Doubt::OtherEmail]),
        ]
    );
}

#[test]
fn neither_what_is_ours_nor_what_is_out_of_scope_is_a_candidate() {
    let mut small = Small::new();
    small.mirrored_group(1, "Engineers", &[1]);
    small.person(2);
    foreign_user(&mut small, 2, "user2@example.com");
    assert_eq!(candidates(&small.0), []);
}

#[test]
fn a_reviewed_plan_does_only_what_it_shows() {
    let mut small = Small::new();
    small.group(1, "Engineers", &[1, 2]);
    let reviewed = plan(&small.0).unwrap();
    small.mirrored(2);
    small.0.entra.users.get_mut(&entra_id(1)).unwrap().job_title = Some("Boss".into());
    small.group(2, "Auditors", &[]);
    let compared = compare(&reviewed, &plan(&small.0).unwrap());
    let names = |named: Vec<&Named>| named.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    let valid = names(compared.valid.iter().map(|plan| &plan.principal).collect());
    assert_eq!(valid, ["user2@example.com", "Engineers"], "what is left of them was reviewed");
    let differing = names(compared.differing.iter().map(|it| &it.principal).collect());
    assert_eq!(differing, ["user1@example.com", "Auditors"], "the one became another, the other is new");
    let settled: Vec<String> = compared.settled.iter().map(|(of, it)| format!("{of}: {it}")).collect();
    assert_eq!(settled, ["user1@example.com: + user", "user2@example.com: + user"]);
}

#[test]
fn a_stored_plan_is_neither_a_list_nor_good_for_another_tenant() {
    let small = Small::new();
    let (tenant, application) = (entra_id(900), entra_id(901));
    let stored = Stored::new(tenant.clone(), application.clone(), small.0.taken_at, plan(&small.0).unwrap());
    let json = serde_json::to_vec(&stored).unwrap();
    assert_eq!(Stored::<WholePlan>::read(&json, &tenant, &application).unwrap(), stored);
    let other = Stored::<WholePlan>::read(&json, &tenant, &entra_id(1)).unwrap_err().to_string();
    assert!(other.contains("enterprise application"), "{other}");
    let list = Stored::<AdoptionList>::read(&json, &tenant, &application).unwrap_err().to_string();
    assert!(list.contains("entra-mirror adopt --out FILE"), "{list}");
}
