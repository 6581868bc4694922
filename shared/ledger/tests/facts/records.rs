//! Facts about records and their owners.

use crate::world::{World, at, entry, group_id, id, ids, membership_id, new_group, new_user, user_id};
use engine::ports::Cause;
use planning::digest::Digest;
use planning::record::{CreationIntent, Standing, UserRecord};
use std::collections::BTreeSet;

pub async fn a_record_reads_back_as_it_was_put(world: &World) {
    let mut user = new_user(1);
    user.dirty = true;
    user.principal = UserRecord {
        standing: Standing::Revoked { since: at(1_800_000_000) },
        creating: Some(CreationIntent { name: "Ada \"Ä\"".to_owned(), content: Digest::of(&1) }),
        attributes: Some(Digest::of(&2)),
        memberships: (1..4).map(|number| (group_id(number), membership_id(number))).collect(),
        granting: BTreeSet::from([group_id(9)]),
        ..user.principal
    };
    let mut group = new_group(2);
    group.principal.entra_name = Some("Engineers".to_owned());
    group.principal.delta_link = Some("https://graph.test/v1.0/groups/delta?$deltatoken=x".to_owned());
    group.principal.assigned_ancestors = ids([7, 8]);
    user.version = world.ledger.put_user(&user).await.unwrap();
    group.version = world.ledger.put_group(&group).await.unwrap();
    assert_eq!(world.user(1).await, user);
    assert_eq!(world.group(2).await, group);
}

pub async fn every_write_counts(world: &World) {
    let mut user = new_user(1);
    for expected in 1..4 {
        user.version = world.ledger.put_user(&user).await.unwrap();
        assert_eq!((user.version, world.user(1).await.version), (expected, expected));
    }
}

pub async fn a_writer_who_read_an_older_version_is_refused(world: &World) {
    let mut user = new_user(1);
    user.version = world.ledger.put_user(&user).await.unwrap();
    let mut slower = user.clone();
    slower.principal.user_id = Some(user_id(2));
    user.dirty = true;
    user.version = world.ledger.put_user(&user).await.unwrap();
    assert_eq!(world.ledger.put_user(&slower).await.unwrap_err().cause, Cause::Concurrent);
    assert_eq!(world.user(1).await, user);
}

pub async fn a_record_is_made_once(world: &World) {
    world.ledger.put_group(&new_group(1)).await.unwrap();
    let mut other = new_group(1);
    other.principal.group_id = None;
    assert_eq!(world.ledger.put_group(&other).await.unwrap_err().cause, Cause::Concurrent);
    assert_eq!(world.group(1).await.principal, new_group(1).principal);
}

pub async fn a_record_that_is_not_there_cannot_be_replaced(world: &World) {
    let mut user = new_user(1);
    user.version = 3;
    assert_eq!(world.ledger.put_user(&user).await.unwrap_err().cause, Cause::Concurrent);
    assert!(world.ledger.users(&ids([1])).await.unwrap().is_empty());
}

pub async fn who_has_no_record_is_absent(world: &World) {
    world.ledger.put_user(&new_user(1)).await.unwrap();
    let found = world.ledger.users(&ids([1, 2])).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [id(1)]);
    assert!(world.ledger.users(&ids([])).await.unwrap().is_empty());
    assert!(world.ledger.groups(&ids([2])).await.unwrap().is_empty());
}

pub async fn an_assigned_flag_is_left_alone_by_a_handlers_write(world: &World) {
    let mut user = new_user(1);
    user.version = world.ledger.put_user(&user).await.unwrap();
    assert!(!world.user(1).await.assigned, "a record that a handler makes is not assigned");
    world.ledger.set_assigned(true, &entry(1, 5)).await.unwrap();
    // The handler read the record before the flag changed.
    world.ledger.put_user(&user).await.unwrap();
    assert!(world.user(1).await.assigned);
}

pub async fn the_flag_changes_nothing_else(world: &World) {
    let mut user = new_user(1);
    user.dirty = true;
    user.version = world.ledger.put_user(&user).await.unwrap();
    world.ledger.set_assigned(true, &entry(1, 5)).await.unwrap();
    user.assigned = true;
    assert_eq!(world.user(1).await, user);
    world.ledger.set_assigned(false, &entry(1, 6)).await.unwrap();
    user.assigned = false;
    assert_eq!(world.user(1).await, user);
}

pub async fn a_record_that_only_the_flag_made_can_be_put(world: &World) {
    world.ledger.set_assigned(true, &entry(1, 5)).await.unwrap();
    let mut user = world.user(1).await;
    assert_eq!((user.version, user.dirty, &user.principal), (0, false, &UserRecord::default()));
    user.principal.user_id = Some(user_id(1));
    user.version = world.ledger.put_user(&user).await.unwrap();
    assert_eq!((world.user(1).await, user.version), (user, 1));
}

pub async fn a_dirty_mark_keeps_the_version(world: &World) {
    let mut user = new_user(1);
    user.version = world.ledger.put_user(&user).await.unwrap();
    world.ledger.mark_dirty(&id(1)).await.unwrap();
    world.ledger.mark_dirty(&id(1)).await.unwrap();
    let marked = world.user(1).await;
    assert!(marked.dirty);
    assert_eq!(marked.version, user.version);
    world.ledger.put_user(&user).await.unwrap();
    assert!(!world.user(1).await.dirty, "a write of this version says anew whether the record is dirty");
}

pub async fn nobody_becomes_known_by_a_dirty_mark(world: &World) {
    world.ledger.mark_dirty(&id(1)).await.unwrap();
    assert!(world.ledger.users(&ids([1])).await.unwrap().is_empty());
    assert!(world.ledger.groups(&ids([1])).await.unwrap().is_empty());
}

pub async fn an_object_has_one_owner_who_is_found_by_it(world: &World) {
    world.ledger.put_user(&new_user(1)).await.unwrap();
    world.ledger.put_group(&new_group(2)).await.unwrap();
    assert_eq!(owner(world, 1).await, Some(1));
    assert_eq!(owner(world, 2).await, None, "a group's object is no user");
    assert_eq!(world.ledger.owner_of_group(&group_id(2)).await.unwrap(), Some(id(2)));
    assert_eq!(world.ledger.owner_of_group(&group_id(1)).await.unwrap(), None, "a user's object is no group");
    assert!(world.ledger.owners_of_users(&BTreeSet::new()).await.unwrap().is_empty());
}

pub async fn an_owner_pointer_moves_with_its_record(world: &World) {
    let mut user = new_user(1);
    user.principal.user_id = None;
    for object in [Some(5), Some(6), Some(6), None, Some(5)] {
        user.principal.user_id = object.map(user_id);
        user.version = world.ledger.put_user(&user).await.unwrap();
        let owned = |number| object.filter(|object| *object == number).map(|_| 1);
        assert_eq!((owner(world, 5).await, owner(world, 6).await), (owned(5), owned(6)), "{object:?}");
    }
}

pub async fn two_records_cannot_own_one_object(world: &World) {
    world.ledger.put_user(&new_user(1)).await.unwrap();
    let mut second = new_user(2);
    second.principal.user_id = Some(user_id(1));
    assert_eq!(world.ledger.put_user(&second).await.unwrap_err().cause, Cause::Conflict);
    let mut group = new_group(3);
    group.principal.group_id = Some(group_id(1));
    assert_eq!(world.ledger.put_group(&group).await.unwrap_err().cause, Cause::Conflict);
    assert_eq!(owner(world, 1).await, Some(1));
}

pub async fn a_refused_record_is_not_owned_either(world: &World) {
    world.ledger.put_user(&new_user(1)).await.unwrap();
    let mut second = new_user(2);
    second.version = world.ledger.put_user(&second).await.unwrap();
    let mut thief = second.clone();
    thief.principal.user_id = Some(user_id(1));
    assert_eq!(world.ledger.put_user(&thief).await.unwrap_err().cause, Cause::Conflict);
    assert_eq!(world.user(2).await, second, "a part of what was refused is stored");
    assert_eq!(owner(world, 2).await, Some(2));
}

pub async fn a_user_is_no_group(world: &World) {
    world.ledger.put_user(&new_user(1)).await.unwrap();
    assert!(world.ledger.groups(&ids([1])).await.unwrap().is_empty());
    let mut group = new_group(1);
    for version in 0..2 {
        group.version = version;
        assert_eq!(world.ledger.put_group(&group).await.unwrap_err().cause, Cause::Concurrent);
    }
    assert_eq!(world.user(1).await.principal, new_user(1).principal);
}

pub async fn records_of_more_principals_than_a_call_takes_are_all_read(world: &World) {
    for number in 0..250 {
        let mut user = new_user(number);
        user.principal.user_id = None;
        world.ledger.put_user(&user).await.unwrap();
    }
    let found = world.ledger.users(&ids(0..300)).await.unwrap();
    assert_eq!(found.into_keys().collect::<BTreeSet<_>>(), ids(0..250));
}

pub async fn owners_of_more_users_than_a_call_takes_are_all_found(world: &World) {
    for number in 0..120 {
        world.ledger.put_user(&new_user(number)).await.unwrap();
    }
    world.ledger.put_group(&new_group(120)).await.unwrap();
    let asked = (0..210).map(user_id).collect();
    let found = world.ledger.owners_of_users(&asked).await.unwrap();
    assert_eq!(found, (0..120).map(|number| (user_id(number), id(number))).collect());
}

pub async fn a_user_in_two_thousand_groups_fits(world: &World) {
    let mut user = new_user(1);
    // The worst moment: all of them granted before, all of them being granted again.
    user.principal.memberships = (0..2_000).map(|number| (group_id(number), membership_id(number))).collect();
    user.principal.granting = (0..2_000).map(group_id).collect();
    user.version = world.ledger.put_user(&user).await.unwrap();
    assert_eq!(world.user(1).await, user);
}

pub async fn a_record_that_no_item_can_hold_is_refused_with_advice(world: &World) {
    let mut user = new_user(1);
    user.principal.memberships = (0..4_200).map(|number| (group_id(number), membership_id(number))).collect();
    let refused = world.ledger.put_user(&user).await.unwrap_err();
    assert!(matches!(refused.cause, Cause::Denied { .. }), "{refused}");
    for part in [id(1).as_str(), "fewer groups"] {
        assert!(refused.to_string().contains(part), "{part:?} is missing: {refused}");
    }
    assert!(world.ledger.users(&ids([1])).await.unwrap().is_empty());
}

/// Whose object the user of this number is.
async fn owner(world: &World, object: u32) -> Option<u32> {
    let mut owners = world.ledger.owners_of_users(&BTreeSet::from([user_id(object)])).await.unwrap();
    let owner = owners.remove(&user_id(object))?;
    (0..10).find(|number| id(*number) == owner)
}
