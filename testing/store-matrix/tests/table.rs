//! The table of the README is what `promises.toml` says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use store_matrix::table;

#[test]
fn the_readme_is_current() {
    let text = std::fs::read_to_string(table::readme()).unwrap();
    assert!(table::replace(&text).unwrap() == text, "the README is not current: `cargo run -p store-matrix` writes it");
}

#[test]
fn a_text_without_the_markers_is_refused() {
    for text in ["", "<!-- promises:end --> <!-- promises:begin -->", "<!-- promises:begin -->"] {
        assert!(table::replace(text).is_err(), "{text:?}");
    }
}
