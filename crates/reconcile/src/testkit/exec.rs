//! Polling by hand.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{Thread, current, park_timeout},
    time::{Duration, Instant},
};

/// Whether a future was woken since it was last asked; wakes the thread that made it, if that waits.
pub(super) struct Signal {
    woken: AtomicBool,
    waits: AtomicBool,
    thread: Thread,
}

impl Signal {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { woken: AtomicBool::new(false), waits: AtomicBool::new(false), thread: current() })
    }

    /// Whether it was woken since the last `take`.
    pub(super) fn take(&self) -> bool {
        self.woken.swap(false, Ordering::SeqCst)
    }

    pub(super) fn is_set(&self) -> bool {
        self.woken.load(Ordering::SeqCst)
    }

    /// Blocks until it is woken, at most `patience`. Says whether it was.
    pub(super) fn wait(&self, patience: Duration) -> bool {
        let begun = Instant::now();
        self.waits.store(true, Ordering::SeqCst);
        while !self.is_set() {
            match patience.checked_sub(begun.elapsed()) {
                Some(left) => park_timeout(left),
                None => break,
            }
        }
        self.waits.store(false, Ordering::SeqCst);
        self.is_set()
    }
}

/// Either the waiter sees `woken`, or the waker sees `waits`: both are written before the other is read.
impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        if self.waits.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
    }
}

/// What one poll came to; a panic is a value.
pub(super) fn poll_once<T>(future: Pin<&mut (dyn Future<Output = T> + '_)>, waker: &Waker) -> Result<Poll<T>, String> {
    catching(|| future.poll(&mut Context::from_waker(waker)))
}

/// Runs user's code that may panic: the message, if it does.
pub(super) fn catching<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".into())
    })
}

/// Runs a future on this thread until it is done: for oracles that must look at the world with async calls.
///
/// It blocks until woken, so other threads may do the work (an entered tokio runtime).
///
/// ```
/// assert_eq!(reconcile::testkit::block_on(async { 2 + 2 }), 4);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let signal = Signal::new();
    let waker = Waker::from(Arc::clone(&signal));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        while !signal.wait(Duration::MAX) {}
        signal.take();
    }
}
