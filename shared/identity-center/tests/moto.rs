//! A second opinion: the same calls against moto, an independent model of the service. It knows no updates,
//! keeps no extensions, takes duplicate memberships and addresses, and calls no deletion missing: those are
//! not asked here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "world/moto.rs"]
mod moto;
#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use aws_sdk_identitystore::Client;
use aws_smithy_http_client::Builder;
use engine::budget::Budgets;
use engine::ports::{Cause, IdentityStoreReader, IdentityStoreWriter};
use identity_center::IdentityStore;
use moto::Moto;
use planning::attributes::UserAttribute;
use planning::{GroupId, UserId};
use std::collections::{BTreeMap, BTreeSet};

fn store(moto: &Moto) -> IdentityStore {
    let config = world::config("eu-west-1").endpoint_url(&moto.url).http_client(Builder::new().build_http());
    let client = Client::from_conf(config.build());
    IdentityStore::new(client, "d-906769a0b1".to_owned(), Budgets::new(20.0))
}

#[tokio::test]
async fn a_user_reads_back_as_it_was_created() {
    let Some(moto) = Moto::start().await else { return };
    let (reader, writer) = (store(&moto).reader(), store(&moto).writer());
    // moto's GetUserId fails with HTTP 500 while any user of the store has no address.
    let mut boss = world::bare("boss");
    boss.set(UserAttribute::Email, "boss@example.com");
    let boss = writer.create_user(&boss).await.unwrap();
    let mut ada = world::everything("ada", boss.as_str());
    let id = writer.create_user(&ada).await.unwrap();

    use UserAttribute::*;
    for extension in [EmployeeNumber, Department, Division, CostCenter, Organization, Manager] {
        ada.remove(extension); // moto drops extensions
    }
    let found = reader.user(&id).await.unwrap().unwrap();
    assert_eq!((found.user_id, found.attributes), (id.clone(), ada));
    assert_eq!(found.revision, None);
    let by_name = reader.find_user(UserName, "ada@example.com").await;
    let by_email = reader.find_user(Email, "ada@example.com").await;
    assert_eq!((by_name, by_email), (Ok(Some(id.clone())), Ok(Some(id))));
}

#[tokio::test]
async fn a_taken_name_conflicts() {
    let Some(moto) = Moto::start().await else { return };
    let writer = store(&moto).writer();
    writer.create_user(&world::bare("ada")).await.unwrap();
    writer.create_group("Analysts").await.unwrap();
    let user = writer.create_user(&world::bare("ada")).await.unwrap_err();
    let group = writer.create_group("Analysts").await.unwrap_err();
    assert_eq!((user.cause, group.cause), (Cause::Conflict, Cause::Conflict));
}

#[tokio::test]
async fn what_is_missing_is_not_found() {
    let Some(moto) = Moto::start().await else { return };
    let reader = store(&moto).reader();
    let user: UserId = "906769a0b1-5b7a3ff2-9a10-4d51-b3a8-1c2f0f3d6a77".parse().unwrap();
    let group: GroupId = user.as_str().parse().unwrap();
    assert_eq!(reader.user(&user).await, Ok(None));
    assert_eq!(reader.group(&group).await, Ok(None));
    assert_eq!(reader.find_user(UserAttribute::UserName, "nobody").await, Ok(None));
    assert_eq!(reader.find_group("Nobody").await, Ok(None));
    assert_eq!(reader.find_membership(&user, &group).await, Ok(None));
}

#[tokio::test]
async fn memberships_are_listed_from_both_sides_over_all_pages_and_deleted() {
    let Some(moto) = Moto::start().await else { return };
    let (reader, writer) = (store(&moto).reader(), store(&moto).writer());
    let group = writer.create_group("Analysts").await.unwrap();
    let mut members = BTreeSet::new();
    let mut last = None;
    for number in 0..101 {
        let user = writer.create_user(&world::bare(&format!("user-{number}"))).await.unwrap();
        let membership = writer.create_membership(&user, &group).await.unwrap();
        members.insert(user.clone());
        last = Some((user, membership));
    }
    assert_eq!(reader.members_of(&group).await.unwrap(), members);

    let (user, membership) = last.unwrap();
    let expected = BTreeMap::from([(group.clone(), membership.clone())]);
    assert_eq!(reader.memberships_of(&user).await.unwrap(), expected);
    let found = reader.find_membership(&user, &group).await.unwrap();
    assert_eq!(found, Some(membership.clone()));

    writer.delete_membership(&membership).await.unwrap();
    assert!(reader.memberships_of(&user).await.unwrap().is_empty());
    assert_eq!(reader.find_membership(&user, &group).await, Ok(None));
    let name = reader.group(&group).await.unwrap().map(|group| group.name);
    assert_eq!(name.as_deref(), Some("Analysts"));
}
