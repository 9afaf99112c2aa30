//! The v2 store of a fresh cluster: a tree of paths in JSON, with one file for each member.
//!
//! etcd has not used it for data since 3.0; it survives as the carrier of the members inside raft snapshots.
//!
//! Source: etcd v3.5.34 `server/etcdserver/api/v2store/{store,node,event_queue,stats}.go` and
//! `server/etcdserver/api/membership/storev2.go`.

use crate::membership::{Member, go_json};

/// Slots of the ring in which the store keeps its latest events.
const EVENT_SLOTS: usize = 1000;

/// The store after each member was created in turn.
pub(super) fn encode(members: &[Member]) -> String {
    let count = members.len();
    let kept = count.min(EVENT_SLOTS);
    let mut json = String::from("{\"Root\":");
    push_root(&mut json, members);
    json.push_str(",\"WatcherHub\":{\"EventHistory\":{\"Queue\":{\"Events\":[");
    for (slot, member) in members.iter().take(EVENT_SLOTS).enumerate() {
        push_event(&mut json, slot.saturating_add(1), member);
        json.push(',');
    }
    json.push_str(&"null,".repeat(EVENT_SLOTS.saturating_sub(kept)));
    json.pop();
    json.push_str(&format!(
        "],\"Size\":{kept},\"Front\":0,\"Back\":{},\"Capacity\":{EVENT_SLOTS}}},\"StartIndex\":1,\"LastIndex\":{count}}}}}",
        kept % EVENT_SLOTS,
    ));
    json.push_str(&format!(",\"CurrentIndex\":{count},\"Stats\":"));
    push_stats(&mut json, count);
    json.push_str(",\"CurrentVersion\":2}");
    json
}

fn push_root(json: &mut String, members: &[Member]) {
    open_node(json, "/", 0, "");
    json.push_str("{\"0\":");
    open_node(json, "/0", 0, "");
    json.push_str("{\"members\":");
    open_node(json, "/0/members", 1, "");
    push_members(json, members);
    json.push_str("}}},\"1\":");
    open_node(json, "/1", 0, "");
    json.push_str("{}}}}");
}

/// The members as children, in the order of their names, as Go writes a map.
fn push_members(json: &mut String, members: &[Member]) {
    let mut named: Vec<(String, usize, &Member)> =
        members.iter().zip(1..).map(|(member, index)| (member.id().to_string(), index, member)).collect();
    named.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    json.push('{');
    for (at, (id, index, member)) in named.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        go_json::push_string(json, id);
        json.push(':');
        open_node(json, &format!("/0/members/{id}"), *index, "");
        json.push_str("{\"raftAttributes\":");
        open_node(json, &attributes_path(member), *index, &member.raft_attributes_json());
        json.push_str("null}}}");
    }
    json.push('}');
}

fn attributes_path(member: &Member) -> String {
    format!("/0/members/{}/raftAttributes", member.id())
}

/// Everything of a node up to its children, which the caller writes, and the closing brace after them.
fn open_node(json: &mut String, path: &str, index: usize, value: &str) {
    json.push_str("{\"Path\":");
    go_json::push_string(json, path);
    json.push_str(&format!(
        ",\"CreatedIndex\":{index},\"ModifiedIndex\":{index},\"ExpireTime\":\"0001-01-01T00:00:00Z\",\"Value\":"
    ));
    go_json::push_string(json, value);
    json.push_str(",\"Children\":");
}

fn push_event(json: &mut String, index: usize, member: &Member) {
    json.push_str("{\"action\":\"create\",\"node\":{\"key\":");
    go_json::push_string(json, &attributes_path(member));
    json.push_str(",\"value\":");
    go_json::push_string(json, &member.raft_attributes_json());
    json.push_str(&format!(",\"modifiedIndex\":{index},\"createdIndex\":{index}}}}}"));
}

fn push_stats(json: &mut String, created: usize) {
    json.push_str(&format!(
        "{{\"getsSuccess\":0,\"getsFail\":1,\"setsSuccess\":0,\"setsFail\":0,\"deleteSuccess\":0,\"deleteFail\":0,\
         \"updateSuccess\":0,\"updateFail\":0,\"createSuccess\":{created},\"createFail\":0,\
         \"compareAndSwapSuccess\":0,\"compareAndSwapFail\":0,\"compareAndDeleteSuccess\":0,\
         \"compareAndDeleteFail\":0,\"expireCount\":0,\"watchers\":0}}"
    ));
}
