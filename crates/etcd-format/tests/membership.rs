//! Ids, URLs and members against values that real clusters had, and the checks of an initial cluster.

use etcd_format::membership::{
    ClusterId, ConfState, InitialCluster, Member, MemberId, MembershipError, PeerUrls, cluster_id, member_id,
};

/// etcd's own default cluster: `etcd` started without any flag.
#[test]
fn default_cluster_has_the_well_known_ids() {
    let urls = PeerUrls::parse("http://localhost:2380").unwrap();
    let member = member_id(&urls, "etcd-cluster");
    assert_eq!(member, "8e9e05c52164694d".parse().unwrap());
    assert_eq!(cluster_id([member]).to_string(), "cdf818194e3a8c32");
}

#[test]
fn ids_print_unpadded_and_padded() {
    let id = MemberId::new(0x00ab);
    assert_eq!((id.to_string(), id.padded()), ("ab".to_owned(), "00000000000000ab".to_owned()));
    assert_eq!(format!("{id:?} {:?}", ClusterId::new(7)), "MemberId(ab) ClusterId(7)");
    assert_eq!("00000000000000ab".parse(), Ok(id));
    assert_eq!("ab".parse(), Ok(id));
    assert!("".parse::<MemberId>().is_err());
    assert!("1ffffffffffffffff".parse::<MemberId>().is_err());
}

#[test]
fn ids_are_strings_in_json() {
    let id = MemberId::new(u64::MAX);
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(json, r#""ffffffffffffffff""#);
    assert_eq!(serde_json::from_str::<MemberId>(&json).unwrap(), id);
    assert!(serde_json::from_str::<MemberId>("12").is_err());
}

#[test]
fn the_order_of_urls_and_members_does_not_matter() {
    let one = PeerUrls::parse("http://b:1,http://a:1").unwrap();
    let other = PeerUrls::parse(" http://a:1 , HTTP://b:1").unwrap();
    assert_eq!(one, other);
    assert_eq!(one.to_string(), "http://a:1,http://b:1");
    let (a, b) = (MemberId::new(1), MemberId::new(2));
    assert_eq!(cluster_id([a, b]), cluster_id([b, a]));
}

#[test]
fn urls_that_etcd_accepts() {
    for url in [
        "http://localhost:2380",
        "https://[::1]:2380",
        "https://[fe80::1%25eth0]:2380",
        "http://10.0.0.1:1",
        "http://etcd-0.etcd.kube-system.svc.cluster.local:2380",
        "http://:2380",
        "unix://localhost:m1",
        "unixs:///var/run/etcd.sock",
    ] {
        assert_eq!(PeerUrls::parse(url).unwrap().as_slice(), [url]);
    }
}

#[test]
fn urls_that_etcd_refuses_say_what_to_write() {
    for (url, part) in [
        ("localhost:2380", "scheme"),
        ("ftp://localhost:2380", "scheme"),
        ("http://localhost", "host and port"),
        ("http:localhost:2380", "host and port"),
        ("http://localhost:2380/", "path"),
        ("http://localhost:2380/etcd", "path"),
        ("http://user@localhost:2380", "user"),
        ("http://localhost:2380?a=b", "query"),
        ("http://localhost:", "port"),
        ("http://localhost:http", "port"),
        ("http://localhost:65536", "port"),
        ("http://::1:2380", "brackets"),
        ("http://[::1:2380", "brackets"),
        ("http://a b:2380", "host"),
        ("unix:", "socket"),
        ("unix://a b", "socket"),
    ] {
        let text = PeerUrls::parse(url).unwrap_err().to_string();
        assert!(text.contains(part) && text.contains(&format!("{url:?}")), "{url}: {text}");
    }
    assert_eq!(PeerUrls::parse(" "), Err(MembershipError::NoUrl));
}

#[test]
fn an_initial_cluster_is_sorted_by_id_and_groups_names() {
    let cluster = InitialCluster::parse("b=http://b:1,a=http://a:2,,a=http://a:1", "token").unwrap();
    assert_eq!(cluster.last_index(), 2);
    let ids: Vec<_> = cluster.voters().collect();
    assert!(ids.is_sorted());
    assert_eq!(cluster.member("a").unwrap().peer_urls(), ["http://a:1", "http://a:2"]);
    assert_eq!(cluster.id(), cluster_id(ids));
    assert_ne!(cluster.id(), InitialCluster::parse("b=http://b:1,a=http://a:2,a=http://a:1", "other").unwrap().id());
}

#[test]
fn an_initial_cluster_that_cannot_be_says_why() {
    let error = |list| InitialCluster::parse(list, "token").unwrap_err();
    assert_eq!(error(""), MembershipError::Empty);
    assert!(matches!(error("a"), MembershipError::Entry { entry } if entry == "a"));
    assert!(matches!(error("a="), MembershipError::Entry { .. }));
    assert!(matches!(error("=http://a:1"), MembershipError::Entry { .. }));
    assert!(matches!(error("a=http://a:1,b=http://a:1"), MembershipError::DuplicateUrl { url } if url == "http://a:1"));
    assert!(matches!(error("a=http://a:1,a=http://a:1"), MembershipError::DuplicateUrl { .. }));
    assert!(matches!(error("a=http://a"), MembershipError::Url { .. }));
}

#[test]
fn the_local_member_must_be_there_and_advertise_the_same() {
    let cluster = InitialCluster::parse("a=http://a:1,a=http://a:2,b=http://b:1", "token").unwrap();
    let urls = |list| PeerUrls::parse(list).unwrap();
    assert_eq!(cluster.local_member("a", &urls("http://a:2,http://a:1")).unwrap().name(), "a");
    let unknown = cluster.local_member("c", &urls("http://a:1")).unwrap_err().to_string();
    assert!(unknown.contains("\"c\"") && unknown.contains("\"a\"") && unknown.contains("\"b\""), "{unknown}");
    let other = cluster.local_member("b", &urls("http://b:2")).unwrap_err();
    assert!(matches!(&other, MembershipError::Advertised { expected, .. } if expected.to_string() == "http://b:1"));
}

/// As etcd 3.6.15 wrote it into the `members` bucket of a server that ran.
#[test]
fn a_member_of_a_running_server_reads_back() {
    let json = br#"{"id":10276657743932975437,"peerURLs":["http://localhost:2380"],"name":"default","clientURLs":["http://localhost:2379"]}"#;
    let member = Member::from_json(json).unwrap();
    assert_eq!(member.id().to_string(), "8e9e05c52164694d");
    assert_eq!((member.name(), member.is_learner()), ("default", false));
    assert_eq!(member.client_urls(), ["http://localhost:2379"]);
    assert_eq!(member.to_json().as_bytes(), json);
    let learner = br#"{"id":1,"peerURLs":["http://l:1"],"isLearner":true}"#;
    let member = Member::from_json(learner).unwrap();
    assert!(member.is_learner() && member.name().is_empty());
    assert_eq!(member.to_json().as_bytes(), learner);
    assert!(Member::from_json(br#"{"peerURLs":null}"#).is_err(), "the id is missing");
    assert!(Member::from_json(br#"{"id":1,"peerURLs":null}"#).unwrap().peer_urls().is_empty());
}

/// Go's `encoding/json` escapes more than JSON demands.
#[test]
fn names_are_escaped_as_go_does() {
    let urls = PeerUrls::parse("http://a:1").unwrap();
    let json = Member::new("<&>\"\\\u{1}\u{8}\n\u{2028}ä", &urls, "t").to_json();
    assert!(json.ends_with(r#""name":"\u003c\u0026\u003e\"\\\u0001\b\n\u2028ä"}"#), "{json}");
    assert_eq!(Member::from_json(json.as_bytes()).unwrap().name(), "<&>\"\\\u{1}\u{8}\n\u{2028}ä");
}

#[test]
fn a_conf_state_reads_back() {
    let state = ConfState::of_voters([MemberId::new(2), MemberId::new(u64::MAX)]);
    assert_eq!(state.to_json(), r#"{"voters":[2,18446744073709551615],"auto_leave":false}"#);
    assert_eq!(ConfState::from_json(state.to_json().as_bytes()).unwrap(), state);
    let learners = ConfState::from_json(br#"{"voters":[1],"learners":[3],"auto_leave":false}"#).unwrap();
    assert_eq!(learners.learners, [MemberId::new(3)]);
    assert!(ConfState::from_json(b"{").is_err());
}
