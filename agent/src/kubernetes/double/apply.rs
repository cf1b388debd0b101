//! Server-side apply, the status subresource, deletes, and lists of what was written so.

use super::{Answer, Cluster, refusal, whole};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Longest request that is stored, in bytes: etcd's default.
const OBJECT_MAX: usize = 1_572_864;

/// How many writes there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Of objects, their status and Events, those that changed nothing too.
    pub all: usize,
    /// Of the status of an object.
    pub statuses: usize,
    /// Of these, of the status of a BehaviorProfile.
    pub standings: usize,
    /// Bytes of these.
    pub standing_bytes: usize,
    /// Bytes of the objects by that, as all are sent who follow them.
    pub followed_bytes: usize,
    /// Objects that were made.
    pub made: usize,
    /// That changed nothing.
    pub idle: usize,
    /// Events.
    pub events: usize,
    /// Of Leases.
    pub leases: usize,
    /// Bytes of all bodies.
    pub bytes: usize,
}

/// How far the end of a namespace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// What is there may be changed, and nothing be made.
    Terminating,
    /// It is not there, and nothing in it.
    Gone,
}

/// What became of writes, and what becomes of the next.
#[derive(Default)]
pub(super) struct Writes {
    written: Written,
    /// So many are answered so from now on.
    refusing: Vec<u16>,
    /// Namespaces that are being deleted, and such that there are not.
    ending: BTreeMap<String, Ending>,
    /// Namespaces in which each is answered so.
    refusing_in: Vec<(String, u16)>,
    /// How long each object of a list takes.
    pub(super) list_pause: Duration,
    /// For how long a list of LearnedProfiles can be gone on with, and whether it is said where it goes on then.
    list_memory: Option<(Duration, bool)>,
    /// How long each takes.
    pub(super) pause: Duration,
    uids: u64,
}

impl Writes {
    /// Takes note of one; an answer where it is refused.
    pub(super) fn note(&mut self, path: &str, bytes: usize) -> Option<Answer> {
        self.written.all += 1;
        self.written.bytes += bytes;
        self.written.events += usize::from(path.starts_with("/apis/events.k8s.io/"));
        self.written.leases += usize::from(path.contains("/leases"));
        if let Some(status) = self.refusing.pop() {
            return Some(refusal(status, None));
        }
        let mut refused = self.refusing_in.iter();
        if let Some((_, status)) =
            refused.find(|(namespace, _)| path.contains(&format!("/namespaces/{namespace}/")))
        {
            return Some(refusal(*status, None));
        }
        (bytes > OBJECT_MAX).then(|| refusal(413, None))
    }

    /// The answer to who makes an object of this name at this path where its namespace takes none, word by word as
    /// the API server has it.
    pub(super) fn admit(&self, path: &str, name: &str) -> Option<Answer> {
        let (before, after) = path.split_once("/namespaces/")?;
        let (namespace, rest) = after.split_once('/')?;
        let plural = rest.split('/').next().unwrap_or_default();
        let status = |code: u16, reason: &str, message: String, details: Value| {
            let said = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": message, "reason": reason, "details": details, "code": code,
            });
            Some(whole(code, &said))
        };
        match self.ending.get(namespace)? {
            Ending::Terminating => {
                let group = before.split('/').nth(2).unwrap_or_default();
                let message = format!(
                    "{plural}.{group} \"{name}\" is forbidden: unable to create new content in namespace {namespace} \
                     because it is being terminated"
                );
                let cause = json!({
                    "reason": "NamespaceTerminating", "field": "metadata.namespace",
                    "message": format!("namespace {namespace} is being terminated"),
                });
                let details =
                    json!({"name": name, "group": group, "kind": plural, "causes": [cause]});
                status(403, "Forbidden", message, details)
            }
            Ending::Gone => {
                let message = format!("namespaces \"{namespace}\" not found");
                let details = json!({"name": namespace, "kind": "namespaces"});
                status(404, "NotFound", message, details)
            }
        }
    }

    fn uid(&mut self) -> String {
        self.uids += 1;
        format!("00000000-0000-0000-0000-{:012}", self.uids)
    }
}

impl super::State {
    /// The BehaviorProfile at this path, of those that are watched, where its status is asked for.
    fn status_of(&self, path: &str, is_status: bool) -> Option<Value> {
        let (namespace, name) = path
            .strip_prefix("/apis/lapwing.dev/v1alpha1/namespaces/")?
            .split_once("/behaviorprofiles/")?;
        let mut all = self.listed.values();
        let is_it = |one: &&Value| {
            one["kind"] == "BehaviorProfile"
                && one["metadata"]["namespace"] == *namespace
                && one["metadata"]["name"] == *name
        };
        all.find(is_it).filter(|_| is_status).cloned()
    }
}

impl Cluster {
    /// How much was written since it was asked this.
    pub fn written(&self) -> Written {
        std::mem::take(&mut self.state().writes.written)
    }

    /// How many objects of a kind are so.
    pub fn count_written(&self, plural: &str, is: impl Fn(&Value) -> bool) -> usize {
        let of = format!("/{plural}/");
        let state = self.state();
        let all = state.objects.iter();
        all.filter(|(path, object)| path.contains(&of) && is(object))
            .count()
    }

    /// How many pods, BehaviorProfiles and namespaces are so.
    pub fn count_there(&self, is: impl Fn(&Value) -> bool) -> usize {
        self.state().listed.values().filter(|one| is(one)).count()
    }

    /// Answers so many writes with this status.
    pub fn refuse_writes(&self, status: u16, many: usize) {
        self.state().writes.refusing = vec![status; many];
    }

    /// Answers each write in a namespace with this status.
    pub fn refuse_in(&self, namespace: &str, status: u16) {
        let one = (namespace.to_owned(), status);
        self.state().writes.refusing_in.push(one);
    }

    /// Writes in that namespace are taken again.
    pub fn allow_in(&self, namespace: &str) {
        let mut state = self.state();
        state.writes.refusing_in.retain(|(one, _)| one != namespace);
    }

    /// Takes so long for each object of a list of LearnedProfiles.
    pub fn slow_lists(&self, pause: Duration) {
        self.state().writes.list_pause = pause;
    }

    /// Remembers lists of LearnedProfiles for so long, and says where they go on then, or not.
    pub fn forget_lists(&self, after: Duration, goes_on: bool) {
        self.state().writes.list_memory = Some((after, goes_on));
    }

    /// Takes so long for each write.
    pub fn slow_writes(&self, pause: Duration) {
        self.state().writes.pause = pause;
    }

    /// All may be read and written again.
    pub fn allow(&self) {
        self.state().forbidden.clear();
    }

    /// There is no such namespace.
    pub fn without(&self, namespace: &str) {
        self.end_namespace(namespace, Some(Ending::Gone));
    }

    /// A namespace is so far deleted; or there is one again.
    pub fn end_namespace(&self, namespace: &str, how: Option<Ending>) {
        let mut state = self.state();
        if how == Some(Ending::Gone) {
            let below = format!("/namespaces/{namespace}/");
            state.objects.retain(|path, _| !path.contains(&below));
        }
        match how {
            Some(how) => state.writes.ending.insert(namespace.to_owned(), how),
            None => state.writes.ending.remove(namespace),
        };
    }

    /// All objects below the path of a kind, or below all paths of it.
    pub fn written_objects(&self, plural: &str) -> Vec<Value> {
        let state = self.state();
        let of = format!("/{plural}/");
        let mut all: Vec<_> = { state.objects.iter() }
            .filter(|(path, _)| path.contains(&of))
            .collect();
        all.sort_by_key(|(path, _)| (*path).clone());
        all.into_iter().map(|(_, object)| object.clone()).collect()
    }

    /// A list of LearnedProfiles of all namespaces, if that is asked for.
    pub(super) async fn list_written(
        &self,
        path: &str,
        query: &HashMap<&str, &str>,
    ) -> Option<Answer> {
        let plural = path.strip_prefix("/apis/lapwing.dev/v1alpha1/")?;
        if plural != "learnedprofiles" {
            return None;
        }
        if self
            .state()
            .forbidden
            .iter()
            .any(|one| format!("{path}/").contains(&**one))
        {
            return Some(refusal(403, None));
        }
        let all = self.written_objects(plural);
        let number =
            |key, default: usize| query.get(key).map_or(default, |text| text.parse().unwrap());
        let limit = number("limit", usize::MAX);
        // From which object, and when the list began, if it is not to begin with what is now.
        let token = query.get("continue").copied().unwrap_or("0");
        let (from, begun) = token.split_once('.').unwrap_or((token, ""));
        let from: usize = from.parse().unwrap();
        let now = self.begun.elapsed().as_millis();
        let begun: u128 = begun.parse().unwrap_or(now);
        let memory = self.state().writes.list_memory;
        if let Some((after, goes_on)) = memory
            && now - begun > after.as_millis()
        {
            // As the API server has it.
            let metadata = match goes_on {
                true => json!({"continue": from.to_string()}),
                false => json!({}),
            };
            return Some(whole(
                410,
                &json!({"kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": "Failure",
                    "message": "The provided continue parameter is too old to display a consistent list result.",
                    "reason": "Expired", "code": 410}),
            ));
        }
        let items: Vec<&Value> = all.iter().skip(from).take(limit).collect();
        let next = from + items.len();
        let pause = self.state().writes.list_pause;
        tokio::time::sleep(pause * items.len() as u32).await;
        let more = if next < all.len() {
            format!("{next}.{begun}")
        } else {
            String::new()
        };
        let metadata =
            json!({"resourceVersion": self.state().version.to_string(), "continue": more});
        Some(whole(
            200,
            &json!({"kind": "List", "metadata": metadata, "items": items}),
        ))
    }

    /// Has the status of a BehaviorProfile be as is said, which all hear of who watch.
    fn apply_status(&self, had: &Value, said: &Value, manager: &str, bytes: usize) -> Answer {
        let uid = &said["metadata"]["uid"];
        if !uid.is_null() && *uid != had["metadata"]["uid"] {
            return refusal(409, None);
        }
        let mut object = had.clone();
        object["status"] = said["status"].clone();
        let fields = json!({"manager": manager, "operation": "Apply", "subresource": "status"});
        let all = object["metadata"]["managedFields"].as_array();
        let others = all
            .into_iter()
            .flatten()
            .filter(|one| one["manager"] != *manager);
        let all: Vec<Value> = others.cloned().chain([fields]).collect();
        object["metadata"]["managedFields"] = json!(all);
        let mut state = self.state();
        let written = &mut state.writes.written;
        written.statuses += 1;
        written.standings += 1;
        written.standing_bytes += bytes;
        if object == *had {
            written.idle += 1;
            return whole(200, &object);
        }
        written.followed_bytes += object.to_string().len();
        drop(state);
        self.put(object.clone());
        whole(200, &object)
    }

    /// Has an object be as is said, or deletes it.
    pub(super) fn change(
        &self,
        method: &str,
        path: &str,
        query: &HashMap<String, String>,
        body: &[u8],
    ) -> Answer {
        let mut state = self.state();
        if state
            .forbidden
            .iter()
            .any(|plural| path.contains(&**plural))
        {
            return refusal(403, None);
        }
        if let Some(refused) = state.writes.note(path, body.len()) {
            return refused;
        }
        if method == "DELETE" {
            return match state.objects.remove(path) {
                Some(object) => whole(200, &object),
                None => refusal(404, None),
            };
        }
        let Ok(said) = serde_json::from_slice::<Value>(body) else {
            return refusal(400, None);
        };
        let of_status = path.strip_suffix("/status");
        let at = of_status.unwrap_or(path);
        let is_named = at.ends_with(&format!(
            "/{}",
            said["metadata"]["name"].as_str().unwrap_or("?")
        ));
        let Some(manager) = query.get("fieldManager").filter(|_| is_named) else {
            return refusal(400, None);
        };
        if let Some(object) = state.status_of(at, of_status.is_some()) {
            drop(state);
            return self.apply_status(&object, &said, manager, body.len());
        }
        let had = state.objects.get(at).cloned();
        let name = said["metadata"]["name"].as_str().unwrap_or_default();
        if had.is_none()
            && of_status.is_none()
            && let Some(refused) = state.writes.admit(at, name)
        {
            return refused;
        }
        let mut object = match (&had, of_status) {
            (None, Some(_)) => return refusal(404, None),
            (None, None) => {
                let uid = state.writes.uid();
                state.writes.written.made += 1;
                json!({
                    "apiVersion": said["apiVersion"], "kind": said["kind"],
                    "metadata": {"name": said["metadata"]["name"], "namespace": said["metadata"]["namespace"],
                        "uid": uid},
                })
            }
            (Some(had), _) => had.clone(),
        };
        let part = match of_status {
            Some(_) => "status",
            None => "spec",
        };
        let owner = object["metadata"]["managedFields"][part].clone();
        let is_anothers =
            owner.is_string() && owner != json!(manager) && object[part] != said[part];
        if is_anothers && query.get("force").map(String::as_str) != Some("true") {
            return refusal(409, None);
        }
        object["metadata"]["managedFields"][part] = json!(manager);
        object[part] = said[part].clone();
        state.writes.written.statuses += usize::from(of_status.is_some());
        // What changes nothing is no version.
        if had.as_ref() == Some(&object) {
            state.writes.written.idle += 1;
            return whole(200, &object);
        }
        state.version += 1;
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
        state.objects.insert(at.to_owned(), object.clone());
        whole(200, &object)
    }
}
