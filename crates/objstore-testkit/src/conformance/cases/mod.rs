//! The cases.

mod bodies;
mod changes;
mod copies;
mod honesty;
mod listings;
mod races;
mod uploads;
mod versions;

use objstore_core::Promise::{
    ConditionalBatchDelete, ConditionalComplete, ConditionalCopy, ConditionalDelete, CreateAfterDelete, CreateIfAbsent,
    ListOrdered, UpdateIfMatch,
};

use super::case::{
    Case,
    Need::{self, BrokenPromise, Presign, Promise, UniqueRevisions, Versions},
};

/// Declares the cases: where they are, and what they need.
macro_rules! cases {
    ($($module:ident { $($case:ident $([$($need:expr),+])?;)+ })+) => {
        /// All of them.
        pub(super) const ALL: &[Case] = &[$($(
            Case {
                name: stringify!($case),
                needs: { const NEEDS: &[Need] = &[$($($need),+)?]; NEEDS },
                run: |home| Box::pin($module::$case(home)),
            },
        )+)+];
    };
}

cases! {
    bodies {
        what_is_put_is_read;
        a_body_of_several_chunks_is_one_object;
        what_is_absent_is_not_found;
        ranges_are_half_open_and_cut;
        reads_obey_their_conditions;
        a_body_is_one_state_or_ends_with_an_error;
        announced_digests_are_checked;
        headers_are_kept_or_refused_as_claimed;
        odd_keys_are_kept_or_refused;
    }
    changes {
        create_never_overwrites [Promise(CreateIfAbsent)];
        what_was_deleted_can_be_created [Promise(CreateAfterDelete), Promise(UpdateIfMatch)];
        replace_needs_the_revision [Promise(UpdateIfMatch)];
        equal_contents_have_different_revisions [UniqueRevisions];
        deleting_what_is_absent_is_no_error;
        delete_obeys_its_condition [Promise(ConditionalDelete)];
        a_batch_has_one_result_for_each;
        a_batch_obeys_its_conditions [Promise(ConditionalBatchDelete)];
    }
    listings {
        listings_are_sorted_by_bytes [Promise(ListOrdered)];
        listings_are_complete_in_pages_of_any_size;
        delimited_listings_show_children;
        a_prefix_never_matches_its_sibling;
        foreign_page_tokens_do_no_harm;
    }
    uploads {
        uploads_of_every_size_arrive;
        uploads_obey_their_condition [Promise(ConditionalComplete), Promise(UpdateIfMatch)];
        uploads_are_invisible_until_finished;
        dropped_uploads_leave_nothing;
        anybody_can_abort_an_upload;
    }
    copies {
        copies_have_the_bytes_and_headers;
        copies_obey_their_source;
        copies_obey_their_conditions [Promise(ConditionalCopy)];
    }
    honesty {
        what_is_not_there_is_said_before_anything_changes;
        conditions_that_do_not_hold_here_are_refused [BrokenPromise];
        signed_urls_do_not_show [Presign];
    }
    versions {
        old_versions_are_read_and_erased [Versions];
        listings_of_versions_show_markers [Versions];
    }
    races {
        of_racing_creators_one_wins [Promise(CreateIfAbsent)];
        of_racing_creators_of_large_objects_one_wins [Promise(CreateIfAbsent)];
        of_racing_uploads_one_wins [Promise(ConditionalComplete)];
        of_racing_increments_none_is_lost [Promise(CreateIfAbsent), Promise(UpdateIfMatch)];
        deletes_and_creates_race_without_errors [Promise(CreateIfAbsent)];
    }
}
