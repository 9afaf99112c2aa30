// No crate documentation: missing_docs. Everything below breaks one lint of the workspace's table each.

use std::{cell::RefCell, fmt::Display, rc::Rc, sync::Mutex};

/// elided_lifetimes_in_paths
#[derive(Debug)]
#[non_exhaustive]
pub struct Holder<'a>(&'a str);
fn elided(_: Holder) {}

/// missing_debug_implementations
#[non_exhaustive]
pub struct NoDebug;

#[cfg(unheard_of)]
fn unexpected_cfgs() {}

mod private {
    /// unnameable_types
    #[derive(Debug)]
    #[non_exhaustive]
    pub struct Unnameable;
    /// unreachable_pub
    pub fn unreachable() {}
}
/// Returns what cannot be named.
pub fn unnameable() -> private::Unnameable {
    private::unreachable();
    private::Unnameable
}

fn unsafe_code() -> u8 {
    unsafe { std::mem::zeroed() }
}

fn unused_qualifications(_: &dyn std::fmt::Display) {}
fn qualified(_: &dyn Display) {}

#[allow(dead_code)]
fn allow_attributes_without_reason() {}

async fn pause() {}

async fn await_holding_lock(lock: &Mutex<u8>) -> u8 {
    let guard = lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    pause().await;
    *guard
}

fn clone_on_ref_ptr(shared: &Rc<u8>) -> Rc<u8> {
    shared.clone()
}

fn dbg_macro(number: u8) -> u8 {
    dbg!(number)
}

/// exhaustive_enums
#[derive(Debug)]
pub enum Exhaustive {
    /// One.
    One,
}

/// exhaustive_structs
#[derive(Debug)]
pub struct Open {
    /// A field.
    pub field: u8,
}

/// future_not_send
pub async fn future_not_send(shared: Rc<RefCell<u8>>) -> u8 {
    pause().await;
    *shared.borrow()
}

fn incompatible_msrv(file: &std::fs::File) -> bool {
    file.lock().is_ok()
}

async fn large() -> u8 {
    let block = [1_u8; 40_000];
    pause().await;
    block.iter().fold(0, |sum, byte| sum ^ byte)
}
async fn large_futures() -> u8 {
    large().await
}

fn manual_let_else(option: Option<u8>) -> u8 {
    let number = if let Some(number) = option { number } else { return 0 };
    number.wrapping_add(1)
}

/// No heading about errors.
pub fn missing_errors_doc() -> Result<(), std::fmt::Error> {
    Err(std::fmt::Error)
}

/// No heading about panics.
pub fn missing_panics_doc(option: Option<u8>) -> u8 {
    option.expect("something")
}

fn print_stderr() {
    eprintln!("to standard error");
}

fn print_stdout() {
    println!("to standard output");
}

fn todo() {
    todo!()
}

fn unwrap_used(option: Option<u8>) -> u8 {
    option.unwrap()
}

#[derive(Debug)]
struct Named;
impl Named {
    fn use_self() -> Named {
        Named
    }
}

/// See https://example.com for bare_urls, and [`Nowhere`] for broken_intra_doc_links.
pub fn documented() {}

fn disallowed_methods() {
    let _ = std::env::var("HOME");
    let _ = std::env::var_os("HOME");
    let _ = std::time::SystemTime::now();
    std::thread::sleep(std::time::Duration::ZERO);
}
