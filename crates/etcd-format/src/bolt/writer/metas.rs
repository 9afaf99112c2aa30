//! Meta pages.

use super::node::push_header;
use crate::bolt::Meta;
use crate::bolt::layout::META_FLAG;

/// The page of this meta: its number is the parity of its transaction id, where bbolt puts it too.
pub(crate) fn meta_page(meta: &Meta) -> (u64, Vec<u8>) {
    let id = meta.txid % 2;
    let mut page = Vec::with_capacity(meta.page_size as usize);
    push_header(&mut page, META_FLAG, 0);
    page[..8].copy_from_slice(&id.to_le_bytes());
    page.extend_from_slice(&meta.to_bytes());
    page.resize(meta.page_size as usize, 0);
    (id, page)
}
