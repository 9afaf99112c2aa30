//! What a database holds does not show in `Debug`: a value can be a Secret of Kubernetes, or the hash of a password.

use etcd_format::bolt::PageView;
use etcd_format::mvcc::KeyValueView;
use etcd_format::restored::SourceState;

const CANARY: &[u8] = b"hunter2";

fn shows(text: &str) -> bool {
    let numbers = CANARY.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    text.contains("hunter2") || text.contains(&numbers)
}

#[test]
fn values_do_not_show() {
    let view = KeyValueView::decode(b"\x0a\x03key\x2a\x07hunter2").expect("a message");
    assert_eq!(view.value, CANARY);
    assert!(!shows(&format!("{view:?}")), "{view:?}");
    assert!(format!("{view:?}").contains("\"key\"") && format!("{view:?}").contains("7 bytes"), "{view:?}");

    let mut state = SourceState::new();
    state.insert(b"auth", b"authRevision", CANARY);
    assert_eq!(state.get("auth", "authRevision"), Some(CANARY));
    assert!(!shows(&format!("{state:?}")), "{state:?}");
}

/// A leaf page of one entry: header, element, key, value (bbolt v1.4.3 `internal/common/page.go`).
#[test]
fn pages_do_not_show() {
    let mut page = Vec::new();
    page.extend_from_slice(&3_u64.to_le_bytes());
    page.extend([2_u16, 1].iter().flat_map(|number| number.to_le_bytes()));
    page.extend([0_u32, 0, 16, 3, 7].iter().flat_map(|number| number.to_le_bytes()));
    page.extend_from_slice(b"keyhunter2");
    let view = PageView::new(&page, 0).expect("a page");
    let element = view.leaf_element(0).expect("an element");
    assert_eq!(element.value, CANARY);
    for text in [format!("{view:?}"), format!("{element:?}")] {
        assert!(!shows(&text), "{text}");
    }
}
