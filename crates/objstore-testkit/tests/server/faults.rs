//! Requests that go wrong by number.

use std::time::{Duration, Instant};

use objstore_testkit::{Fault, FaultPlan, s3::Quirk};

use super::{client::Payload, start};

#[tokio::test]
async fn each_fault_of_a_put_leaves_what_it_says() {
    let (server, mut client) = start(&[]).await;
    client.payload = Payload::Unsigned;
    let stored = |body: &[u8]| Some(body.to_vec());
    for (plan, status, left) in [
        ("1=not-delivered", None, None),
        ("1=reply-lost", None, stored(b"0123456789")),
        ("1=reset", None, None),
        ("1=truncated", None, None),
        ("1=500", Some(500), None),
        ("1=503:2", Some(503), None),
        ("1=429:3", Some(429), None),
        ("1=expired-token", Some(400), None),
        ("1=slow:1", Some(200), stored(b"0123456789")),
        ("2=500", Some(200), stored(b"0123456789")),
    ] {
        client.delete("a", &[]).await;
        let plan: FaultPlan = plan.parse().unwrap();
        server.play(plan.clone());
        let reply = client.try_call("PUT", "a", b"0123456789").await;
        assert_eq!(reply.as_ref().ok().map(|reply| reply.status), status, "{plan}: {reply:?}");
        assert_eq!(server.stored(server.bucket(), "a"), left, "{plan}");
        let line = server.log().remove(0);
        assert_eq!((line.operation, line.fault, line.status), ("PutObject", plan.fault(1), status), "{plan}");
        if plan.last() == 1 && matches!(status, Some(503 | 429)) {
            assert!(["2", "3"].contains(&reply.unwrap().header("retry-after").unwrap()));
        }
        server.play(FaultPlan::new());
    }
}

#[tokio::test]
async fn a_truncated_body_is_kept_by_a_store_that_keeps_such() {
    let (server, mut client) = start(&[Quirk::CommitTruncated]).await;
    for (payload, left) in [(Payload::Signed, None), (Payload::Unsigned, Some(b"01234".to_vec()))] {
        client.payload = payload;
        server.play(FaultPlan::new().with(1, Fault::Truncated));
        assert!(client.try_call("PUT", "a", b"0123456789").await.is_err());
        assert_eq!(server.stored(server.bucket(), "a"), left, "{payload:?}");
    }
}

#[tokio::test]
async fn bodies_of_answers_break_or_end_early() {
    let (server, client) = start(&[]).await;
    client.put("a", &[], "0123456789").await;
    server.play("1=reset,2=truncated,3=reply-lost".parse().unwrap());
    assert!(client.try_call("GET", "a", b"").await.is_err());
    assert_eq!(client.get("a").await.text(), "01234", "it passes for the whole");
    assert!(client.try_call("GET", "a", b"").await.is_err());
    assert_eq!(client.get("a").await.text(), "0123456789");
}

#[tokio::test]
async fn a_cut_delete_is_done_and_not_answered() {
    let (server, client) = start(&[]).await;
    client.put("a", &[], "x").await;
    server.play(FaultPlan::new().with(1, Fault::Reset));
    assert!(client.try_call("DELETE", "a", b"").await.is_err());
    assert!(server.keys(server.bucket()).is_empty());
}

#[tokio::test]
async fn what_hangs_is_done_and_never_answered() {
    let (server, client) = start(&[]).await;
    server.play("1=hang,2=slow:40".parse().unwrap());
    let hung = tokio::time::timeout(Duration::from_millis(300), client.try_call("PUT", "a", b"x")).await;
    assert!(hung.is_err());
    assert_eq!(server.keys(server.bucket()), ["a"]);
    let started = Instant::now();
    assert_eq!(client.get("a").await.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(40));
}

#[tokio::test]
async fn a_server_dies_with_its_value() {
    let (server, client) = start(&[]).await;
    assert_eq!(client.get("a").await.status, 404);
    drop(server);
    // The task is aborted, and its listener with it, at its next turn.
    while client.try_call("GET", "a", b"").await.is_ok() {
        tokio::task::yield_now().await;
    }
}
