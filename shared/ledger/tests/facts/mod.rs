//! What every implementation of the ports promises. A test binary names its world, and has every fact as a test.

pub mod access;
pub mod agenda;
pub mod assigned_set;
pub mod holds;
pub mod queues;
pub mod records;
pub mod rotation;
pub mod subscriptions;

/// Makes every fact a test of the world that `$world` gives. Where it gives none, the fact is not tested.
macro_rules! every_fact {
    ($world:path) => {
        facts! { $world;
            records: a_record_reads_back_as_it_was_put, every_write_counts,
                a_writer_who_read_an_older_version_is_refused, a_record_is_made_once,
                a_record_that_is_not_there_cannot_be_replaced, who_has_no_record_is_absent,
                an_assigned_flag_is_left_alone_by_a_handlers_write, the_flag_changes_nothing_else,
                a_record_that_only_the_flag_made_can_be_put, a_dirty_mark_keeps_the_version,
                nobody_becomes_known_by_a_dirty_mark, an_object_has_one_owner_who_is_found_by_it,
                an_owner_pointer_moves_with_its_record, two_records_cannot_own_one_object,
                a_refused_record_is_not_owned_either, a_user_is_no_group,
                records_of_more_principals_than_a_call_takes_are_all_read,
                owners_of_more_users_than_a_call_takes_are_all_found, a_user_in_two_thousand_groups_fits,
                a_record_that_no_item_can_hold_is_refused_with_advice;
            assigned_set: before_the_first_there_is_none, an_empty_set_is_a_set,
                a_set_of_forty_thousand_reads_back, only_the_latest_set_can_be_read,
                who_follows_on_an_older_set_is_refused, the_first_set_is_stored_once,
                who_is_refused_leaves_the_set_in_force_alone,
                the_flag_and_the_agenda_change_together_and_only_once,
                a_flag_of_the_other_kind_changes_neither;
            agenda: nothing_is_due_before_its_time, revocations_come_first_and_then_the_earliest_due,
                no_more_of_a_priority_is_ready_than_asked_for,
                a_list_takes_nothing_of_what_is_ready_in_another, what_was_moved_is_in_flight_and_not_ready,
                what_got_lost_in_flight_comes_again, an_entry_is_moved_once,
                what_is_done_is_gone, what_is_open_is_told_until_it_is_done, what_is_not_there_can_be_done_and_not_moved,
                an_entry_that_is_there_already_stays_as_it_is,
                what_is_put_again_while_in_flight_is_done_once_more,
                an_entry_reads_back_with_its_expectations, three_hundred_entries_are_put_and_done;
            access: nothing_is_weighed_before_the_first_time, what_was_weighed_reads_back,
                a_name_means_the_group_that_was_first, an_operator_gives_a_name_to_another_group,
                a_group_that_is_gone_frees_its_names, requests_under_way_read_back,
                who_changes_an_older_list_of_requests_is_refused, marks_of_a_group_are_beside_its_record,
                a_hold_of_account_assignments_reads_back_and_marks_its_groups;
            holds: a_hold_reads_back_with_its_principals_in_their_order, holds_are_listed_by_age,
                a_hold_of_three_thousand_is_read_page_by_page, who_is_held_twice_is_held_for_both,
                a_hold_goes_with_its_last_principal,
                an_approved_assignment_says_so_and_one_that_was_struck_stays_away,
                a_hold_marks_the_records_of_its_users, a_mark_takes_the_place_of_the_one_before,
                a_handlers_write_leaves_marks_alone, nobody_becomes_known_by_a_mark,
                losses_count_for_ten_minutes_each_kind_by_itself,
                users_are_counted_as_their_objects_come_and_go;
            rotation: before_the_first_store_nothing_is_remembered, what_is_stored_reads_back,
                who_read_an_older_revision_is_refused, one_of_two_who_store_the_same_is_refused,
                what_happened_is_told_the_latest_first, what_people_were_told_is_remembered,
                one_instruction_lies_there_until_it_is_settled, settling_another_leaves_it_there,
                a_sign_in_counts_once_however_often_it_is_told, minutes_before_are_not_counted;
            subscriptions: at_first_nothing_is_remembered_of_subscriptions,
                one_holds_the_turn_until_it_is_over_or_given_back, what_is_remembered_reads_back,
                who_lost_the_turn_stores_nothing_and_takes_it_from_nobody;
            queues: messages_of_a_principal_keep_their_order_over_several_batches,
                a_principal_in_flight_waits, a_notification_is_queued_once,
                what_has_no_identity_is_never_taken_for_something_else, a_returned_message_comes_again,
                a_void_receipt_returns_nothing, every_lifecycle_event_arrives;
        }
    };
}

macro_rules! facts {
    ($world:path; $($subject:ident: $($fact:ident),+;)+) => {
        $(mod $subject {
            $(#[tokio::test]
            async fn $fact() {
                if let Some(world) = $world().await {
                    crate::facts::$subject::$fact(&world).await;
                }
            })+
        })+
    };
}
