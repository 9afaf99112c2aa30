//! Measurements as events.

use std::{
    fmt::{self, Write as _},
    sync::{Arc, Mutex},
    time::Duration,
};

use objstore_core::{
    ErrorKind, MemoryStore, ObjectStoreExt as _,
    layers::{Meter, TracingRecorder},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::{
    calls::key,
    faulty::{Fault, Faulty, Hurry},
};

/// Writes down levels and fields of events.
#[derive(Debug, Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Events {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}

#[tokio::test]
async fn a_failure_is_a_warning_and_an_absent_object_is_none() {
    let events = Events::default();
    let guard = tracing::subscriber::set_default(events.clone());
    let faulty = Faulty::new(MemoryStore::new(), vec![(2, Fault::Refused)]);
    let store = Meter::new(Arc::new(faulty), Arc::new(TracingRecorder)).with_timer(Arc::new(Hurry::default()));
    let secret = key("not/to/be/shown");
    store.put_bytes(&secret, "hello").await.unwrap();
    assert!(!store.exists(&key("absent")).await.unwrap());
    assert_eq!(store.exists(&secret).await.unwrap_err().kind(), ErrorKind::Transport);
    drop(guard);
    let lines = events.0.lock().unwrap().clone();
    let took = Duration::ZERO;
    let expected = [
        format!("DEBUG message=call to the object store op=put duration={took:?} bytes=5 attempts=1"),
        format!(
            "DEBUG message=call to the object store op=head outcome=object not found duration={took:?} bytes=0 attempts=1"
        ),
        format!(
            "WARN message=call to the object store failed op=head error=connection failed duration={took:?} bytes=0 \
             attempts=1"
        ),
    ];
    assert_eq!(lines, expected);
}
