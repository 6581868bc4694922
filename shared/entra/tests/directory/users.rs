//! Facts about users and their groups.

use crate::world::script::Script;
use crate::world::{Ids, World, cause, id};
use engine::ports::{CallError, Cause, Directory, FirstLook};
use entra::GraphDirectory;
use planning::EntraObjectId;
use planning::scope::{Gone, UserReading};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ADA: &str = "ada@contoso.example";

async fn look(directory: &GraphDirectory, id: &EntraObjectId) -> Result<FirstLook, CallError> {
    directory.users(&BTreeSet::from([id.clone()])).await.remove(id).unwrap()
}

async fn absence(directory: &GraphDirectory, id: &EntraObjectId) -> Result<Option<Gone>, CallError> {
    directory.confirm_absence(&BTreeSet::from([id.clone()])).await.remove(id).unwrap()
}

fn groups(look: Result<FirstLook, CallError>) -> BTreeSet<EntraObjectId> {
    match look {
        Ok(FirstLook::Present(reading)) => match *reading {
            UserReading::Present { groups, .. } => groups,
            other => panic!("not present: {other:?}"),
        },
        other => panic!("not present: {other:?}"),
    }
}

/// Ada in so many groups.
async fn ada_in_groups(world: &World, count: usize) -> Ids {
    let group = |number: usize| json!({"displayName": format!("Group {number}"), "members": [ADA]});
    let groups: Vec<Value> = (0..count).map(group).collect();
    world.seed(json!({"users": [{"userPrincipalName": ADA}], "groups": groups})).await
}

#[tokio::test(start_paused = true)]
async fn a_user_is_read_with_everything_that_is_mirrored() {
    let world = World::new();
    let boss = json!({"userPrincipalName": "boss@contoso.example", "id": id(7)});
    let ada = json!({
        "userPrincipalName": ADA, "mail": ADA, "displayName": "Ada Lovelace", "givenName": "Ada",
        "surname": "Lovelace", "jobTitle": "Analyst", "preferredLanguage": "en-GB", "manager": id(7),
        "businessPhones": ["+44 20 7946 0000"], "streetAddress": "12 St James's Square", "city": "London",
        "state": "Greater London", "postalCode": "SW1Y 4JH", "country": "United Kingdom",
        "employeeId": "1815", "department": "Engines", "companyName": "Example Ltd", "accountEnabled": false,
        "employeeOrgData": {"division": "Analysis", "costCenter": "4711"},
        "onPremisesExtensionAttributes": {"extensionAttribute3": "Europe/London"},
    });
    let ids = world.seed(json!({"users": [boss, ada]})).await;
    let Ok(FirstLook::Present(reading)) = look(&world.directory(), &ids.of(ADA)).await else {
        panic!("Ada was not found");
    };
    let UserReading::Present { user, groups } = *reading else { panic!("Ada is not present") };
    assert!(groups.is_empty());
    assert!(!user.account_enabled);
    assert_eq!((user.user_principal_name.as_str(), user.mail.as_deref()), (ADA, Some(ADA)));
    let read = [
        (user.display_name, "Ada Lovelace"),
        (user.given_name, "Ada"),
        (user.surname, "Lovelace"),
        (user.job_title, "Analyst"),
        (user.preferred_language, "en-GB"),
        (user.business_phone, "+44 20 7946 0000"),
        (user.street_address, "12 St James's Square"),
        (user.city, "London"),
        (user.state, "Greater London"),
        (user.postal_code, "SW1Y 4JH"),
        (user.country, "United Kingdom"),
        (user.employee_id, "1815"),
        (user.department, "Engines"),
        (user.company_name, "Example Ltd"),
        (user.division, "Analysis"),
        (user.cost_center, "4711"),
    ];
    for (value, expected) in read {
        assert_eq!(value.as_deref(), Some(expected));
    }
    assert_eq!(user.manager, Some(id(7)));
    assert_eq!(user.extension_attributes.into_iter().collect::<Vec<_>>(), [(3, "Europe/London".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn twenty_five_users_take_three_round_trips_and_each_gets_their_own_groups() {
    let world = World::new();
    let size = json!({"users": 25, "groups": 25, "members_per_group": 1});
    let ids = world.seed(json!({"size": size})).await;
    let user = |number: usize| ids.of(&format!("user-{number}@contoso.example"));
    let asked: BTreeSet<_> = (1..=25).map(user).collect();
    let mut looks = world.directory().users(&asked).await;
    assert_eq!(looks.len(), 25);
    for number in 1..=25 {
        let own = BTreeSet::from([ids.of(&format!("Group {number}"))]);
        assert_eq!(groups(looks.remove(&user(number)).unwrap()), own, "user {number}");
    }
    assert_eq!(world.round_trips().await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_user_in_more_groups_than_a_page_holds_is_read_with_all_of_them() {
    let world = World::new();
    let ids = ada_in_groups(&world, 1_100).await;
    assert_eq!(groups(look(&world.directory(), &ids.of(ADA)).await).len(), 1_100);
    assert_eq!(world.round_trips().await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_second_page_of_groups_that_fails_leaves_nothing_of_the_first() {
    let mut first = true;
    let script = Script::new(move |path, body| {
        if path != "/$batch" {
            return (403, json!({"error": {"code": "Authorization_RequestDenied"}}));
        }
        assert!(std::mem::take(&mut first), "the batch was sent twice");
        let page =
            json!({"value": [{"id": id(2)}], "@odata.nextLink": format!("{}/next", crate::world::GRAPH)});
        let user = json!({"id": id(1), "userPrincipalName": ADA, "accountEnabled": true});
        let [asked, memberships] = [&body["requests"][0]["id"], &body["requests"][1]["id"]];
        let answers = [
            json!({"id": asked, "status": 200, "body": user}),
            json!({"id": memberships, "status": 200, "body": page}),
        ];
        (200, json!({"responses": answers}))
    });
    let refused = cause(look(&script.directory(), &id(1)).await);
    assert!(refused.to_string().contains("Directory.Read.All"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn only_groups_count_and_flattened_ones_only_where_asked_for() {
    let world = World::new();
    let ids = world
        .seed(json!({
            "users": [{"userPrincipalName": ADA}],
            "groups": [
                {"displayName": "Inner", "members": [ADA], "id": id(5)},
                {"displayName": "Outer", "members": [id(5)]},
            ],
        }))
        .await;
    let (inner, outer) = (ids.of("Inner"), ids.of("Outer"));
    let direct = groups(look(&world.directory(), &ids.of(ADA)).await);
    assert_eq!(direct, BTreeSet::from([inner.clone()]));
    let all = groups(look(&world.flat_directory(), &ids.of(ADA)).await);
    assert_eq!(all, BTreeSet::from([inner, outer]));

    let script = Script::of_batches(|url| {
        let objects = json!([
            {"id": id(2), "@odata.type": "#microsoft.graph.group"},
            {"id": id(3), "@odata.type": "#microsoft.graph.directoryRole"},
            {"id": id(4), "@odata.type": "#microsoft.graph.administrativeUnit"},
        ]);
        let user = json!({"id": id(1), "userPrincipalName": ADA, "accountEnabled": true});
        Some((200, if url.contains("memberOf") { json!({"value": objects}) } else { user }))
    });
    assert_eq!(groups(look(&script.directory(), &id(1)).await), BTreeSet::from([id(2)]));
}

#[tokio::test(start_paused = true)]
async fn a_user_without_account_enabled_is_incomplete() {
    for missing in ["accountEnabled", "userPrincipalName"] {
        let script = Script::of_batches(move |url| {
            let mut user = json!({"id": id(1), "userPrincipalName": ADA, "accountEnabled": true});
            user[missing] = Value::Null;
            Some((200, if url.contains("memberOf") { json!({"value": []}) } else { user }))
        });
        let refused = cause(look(&script.directory(), &id(1)).await);
        assert!(
            matches!(&refused, Cause::Incomplete { missing: what } if what.contains(missing)),
            "{refused}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_user_is_first_not_found_and_then_proven_gone() {
    let world = World::new();
    let ids = ada_in_groups(&world, 1).await;
    let (ada, directory) = (ids.of(ADA), world.directory());
    world.change("DELETE", &format!("/users/{ada}"), Value::Null).await;
    assert_eq!(look(&directory, &ada).await, Ok(FirstLook::NotFound));
    assert_eq!(absence(&directory, &ada).await, Ok(Some(Gone::SoftDeleted)));
    world.change("DELETE", &format!("/directory/deletedItems/{ada}"), Value::Null).await;
    assert_eq!(look(&directory, &ada).await, Ok(FirstLook::NotFound));
    assert_eq!(absence(&directory, &ada).await, Ok(Some(Gone::Deleted)));
}

#[tokio::test(start_paused = true)]
async fn a_user_who_is_there_at_the_second_look_is_not_gone() {
    let world = World::new();
    let ids = ada_in_groups(&world, 1).await;
    let (ada, directory) = (ids.of(ADA), world.directory());
    world.fail("GET /users/{id}", json!({"status": 404})).await;
    assert_eq!(look(&directory, &ada).await, Ok(FirstLook::NotFound));
    assert_eq!(absence(&directory, &ada).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn an_absence_that_cannot_be_proven_is_an_error() {
    let world = World::new();
    let directory = world.directory();
    for operation in ["GET /directory/deletedItems/{id}", "GET /users/{id}"] {
        world.fail(operation, json!({"status": 403})).await;
        let refused = cause(absence(&directory, &id(1)).await);
        assert!(matches!(refused, Cause::Denied { .. }), "{operation}: {refused}");
    }
    assert_eq!(absence(&directory, &id(1)).await, Ok(Some(Gone::Deleted)));
}

#[tokio::test(start_paused = true)]
async fn a_user_whose_groups_are_not_found_is_read_again() {
    let world = World::new();
    let ids = ada_in_groups(&world, 1).await;
    world.fail("GET /users/{id}/memberOf", json!({"status": 404})).await;
    let refused = cause(look(&world.directory(), &ids.of(ADA)).await);
    assert!(matches!(refused, Cause::Incomplete { .. }), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_a_batch_does_not_answer_is_incomplete_and_harms_no_other() {
    let unanswered = format!("/users/{}/memberOf", id(2));
    let script = Script::of_batches(move |url| {
        if url.starts_with(&unanswered) {
            return None;
        }
        let number = if url.contains(id(1).as_str()) { 1 } else { 2 };
        let user = json!({"id": id(number), "userPrincipalName": ADA, "accountEnabled": true});
        Some((200, if url.contains("memberOf") { json!({"value": []}) } else { user }))
    });
    let mut looks = script.directory().users(&BTreeSet::from([id(1), id(2)])).await;
    assert!(groups(looks.remove(&id(1)).unwrap()).is_empty());
    let refused = cause(looks.remove(&id(2)).unwrap());
    assert!(refused.to_string().contains("does not answer"), "{refused}");
}
