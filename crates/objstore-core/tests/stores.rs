//! Every store of this crate does what every store must do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

common::conformance! {
    memory: [
        what_is_put_is_read,
        a_body_of_several_chunks_is_one_object,
        what_is_absent_is_not_found,
        create_never_overwrites,
        replace_needs_the_revision,
        equal_contents_have_different_revisions,
        delete_obeys_its_condition,
        a_batch_has_one_result_for_each,
        ranges_are_half_open_and_cut,
        reads_obey_their_conditions,
        a_body_is_one_state_and_outlives_its_name,
        listings_are_sorted_by_bytes,
        delimited_listings_show_children,
        a_prefix_never_matches_its_sibling,
        foreign_page_tokens_are_refused,
        uploads_of_every_size_arrive,
        uploads_obey_their_condition,
        uploads_are_invisible_until_finished,
        dropped_uploads_leave_nothing,
        anybody_can_abort_an_upload,
        announced_digests_are_checked,
        copies_obey_their_conditions,
        what_is_not_there_is_said_before_anything_changes,
        headers_are_kept_or_refused_as_claimed,
        of_racing_creators_one_wins,
        of_racing_increments_none_is_lost,
        deletes_and_creates_race_without_errors,
    ],
    file: [
        what_is_put_is_read,
        a_body_of_several_chunks_is_one_object,
        what_is_absent_is_not_found,
        create_never_overwrites,
        replace_needs_the_revision,
        equal_contents_have_different_revisions,
        delete_obeys_its_condition,
        a_batch_has_one_result_for_each,
        ranges_are_half_open_and_cut,
        reads_obey_their_conditions,
        a_body_is_one_state_and_outlives_its_name,
        listings_are_sorted_by_bytes,
        delimited_listings_show_children,
        a_prefix_never_matches_its_sibling,
        foreign_page_tokens_are_refused,
        uploads_of_every_size_arrive,
        uploads_obey_their_condition,
        uploads_are_invisible_until_finished,
        dropped_uploads_leave_nothing,
        anybody_can_abort_an_upload,
        announced_digests_are_checked,
        copies_obey_their_conditions,
        what_is_not_there_is_said_before_anything_changes,
        headers_are_kept_or_refused_as_claimed,
        of_racing_creators_one_wins,
        of_racing_increments_none_is_lost,
        deletes_and_creates_race_without_errors,
    ],
    forwarded: [
        what_is_put_is_read,
        a_body_of_several_chunks_is_one_object,
        what_is_absent_is_not_found,
        create_never_overwrites,
        replace_needs_the_revision,
        equal_contents_have_different_revisions,
        delete_obeys_its_condition,
        a_batch_has_one_result_for_each,
        ranges_are_half_open_and_cut,
        reads_obey_their_conditions,
        a_body_is_one_state_and_outlives_its_name,
        listings_are_sorted_by_bytes,
        delimited_listings_show_children,
        a_prefix_never_matches_its_sibling,
        foreign_page_tokens_are_refused,
        uploads_of_every_size_arrive,
        uploads_obey_their_condition,
        uploads_are_invisible_until_finished,
        dropped_uploads_leave_nothing,
        anybody_can_abort_an_upload,
        announced_digests_are_checked,
        copies_obey_their_conditions,
        what_is_not_there_is_said_before_anything_changes,
        headers_are_kept_or_refused_as_claimed,
        of_racing_creators_one_wins,
        of_racing_increments_none_is_lost,
        deletes_and_creates_race_without_errors,
    ],
}

/// The contract can be held behind `dyn`, and everything of it can be sent.
#[test]
fn the_contract_is_dyn_compatible() {
    use std::sync::Arc;

    use objstore_core::{MemoryStore, ObjectKey, ObjectStore, ObjectStoreExt, Upload};

    fn sendable<T: Send + Sync + ?Sized>() {}
    fn sent<T: Send>(value: T) -> T {
        value
    }
    sendable::<dyn ObjectStore>();
    sendable::<objstore_core::Error>();
    let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    let _: Option<Box<dyn Upload>> = None;
    let key = ObjectKey::new("a").unwrap();
    drop(sent(store.get_bytes(&key, 1)));
    drop(sent(store.put_bytes(&key, "x")));
    drop(sent(store.get_range(&key, 0..1)));
    drop(sent(store.exists(&key)));
    drop(sent(store.list(&objstore_core::Prefix::root())));
    assert_eq!(store.to_string(), "memory://");
}
