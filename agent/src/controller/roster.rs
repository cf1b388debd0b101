//! The names of the nodes that have an agent, for the next leader.
//!
//! A pod that goes while nobody leads, or just before another replica does, leaves nothing by which that one could miss
//! its agent. The note in the Lease goes with each renewal, and the names of ten thousand nodes have no place in it. So
//! they are in a Lease of their own, compressed, which is written where nodes came or went and at no other time. It is
//! as much worth as the leader that wrote it is young: a node whose pod went long ago is meant to have none.

use super::fleet::AGENTS_MAX;
use super::lease::Terms;
use crate::container::identity::pods::is_name;
use crate::kubernetes::api::{Api, Failure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Where the names are.
const NODES: &str = "lapwing.dev/nodes";
/// Longest text of them, in bytes: all annotations together may have 256 KiB.
const TEXT_MAX: usize = 200 << 10;
/// The same once it is decompressed: a name has 253 at the most.
const NAMES_MAX: usize = AGENTS_MAX * 254;
/// How much time is spent on making it small, from 0 to 10.
const LEVEL: u8 = 6;

/// The Lease that has them.
#[derive(Debug)]
pub struct Roster {
    api: Arc<Api>,
    folder: String,
    name: String,
    namespace: String,
    /// As it is there, and the names in it; none where it has to be read anew.
    there: Option<(Value, BTreeSet<String>)>,
}

fn encode(names: &BTreeSet<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let text = names.join("\n");
    STANDARD.encode(miniz_oxide::deflate::compress_to_vec_zlib(
        text.as_bytes(),
        LEVEL,
    ))
}

/// Anybody may have written it who may write Leases there.
fn decode(text: &str) -> Option<BTreeSet<String>> {
    let bytes = STANDARD.decode(text).ok()?;
    let text = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&bytes, NAMES_MAX).ok()?;
    let text = String::from_utf8(text).ok()?;
    let names = text.lines().filter(|name| is_name(name)).take(AGENTS_MAX);
    Some(names.map(str::to_owned).collect())
}

impl Roster {
    /// Beside the Lease of these terms; not looked at yet.
    #[must_use]
    pub fn new(api: Arc<Api>, terms: &Terms) -> Self {
        let namespace = &terms.namespace;
        Self {
            api,
            folder: format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"),
            name: format!("{}-nodes", terms.name),
            namespace: namespace.clone(),
            there: None,
        }
    }

    fn path(&self) -> String {
        format!("{}/{}", self.folder, self.name)
    }

    /// The names that are there.
    ///
    /// # Errors
    /// When the API does not give them.
    pub async fn read(&mut self) -> Result<BTreeSet<String>, Failure> {
        let object = match self.api.get(&self.path()).await {
            Ok(body) => serde_json::from_slice(&body)
                .map_err(|error| Failure::new(format!("the Lease of nodes: {error}")))?,
            Err(failure) if failure.is_missing() => Value::Null,
            Err(failure) => return Err(failure),
        };
        let text = object["metadata"]["annotations"][NODES].as_str();
        let names = text.and_then(decode).unwrap_or_default();
        self.there = Some((object, names.clone()));
        Ok(names)
    }

    /// Has these there. Writes nothing where they are. Answers how many are left out, for want of room.
    ///
    /// # Errors
    /// When the API does not take it. It is read anew the next time.
    pub async fn write(&mut self, names: &BTreeSet<String>) -> Result<usize, Failure> {
        if self.there.is_none() {
            self.read().await?;
        }
        let Some((object, there)) = self.there.take() else {
            return Ok(0);
        };
        if there == *names {
            self.there = Some((object, there));
            return Ok(0);
        }
        let (mut kept, mut text) = (names.clone(), encode(names));
        while text.len() > TEXT_MAX {
            let many = (kept.len() * TEXT_MAX / text.len()).min(kept.len() - 1);
            kept = kept.into_iter().take(many).collect();
            text = encode(&kept);
        }
        let is_new = object.is_null();
        // Whatever else is there is somebody's, and stays.
        let mut object = match is_new {
            true => json!({
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"name": self.name, "namespace": self.namespace}, "spec": {},
            }),
            false => object,
        };
        let annotations = &mut object["metadata"]["annotations"];
        if !annotations.is_object() {
            *annotations = json!({});
        }
        annotations[NODES] = json!(text);
        let body = object.to_string().into_bytes();
        let answer = match is_new {
            true => self.api.create(&self.folder, body).await?,
            false => self.api.replace(&self.path(), body).await?,
        };
        let object = serde_json::from_slice(&answer)
            .map_err(|error| Failure::new(format!("the Lease of nodes: {error}")))?;
        // What is left out is there as far as it can be.
        self.there = Some((object, names.clone()));
        Ok(names.len() - kept.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::double::Cluster;
    use std::time::Duration;

    const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/lapwing/leases/leader-nodes";

    fn roster(cluster: &Cluster) -> Roster {
        let api = Arc::new(Api::new(cluster.reach(), Duration::from_secs(5)));
        let terms = Terms {
            namespace: "lapwing".to_owned(),
            name: "leader".to_owned(),
            duration: Duration::from_secs(15),
            deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        };
        Roster::new(api, &terms)
    }

    fn text(cluster: &Cluster) -> String {
        let object = cluster.object(PATH).unwrap();
        let text = object["metadata"]["annotations"][NODES].as_str();
        text.unwrap().to_owned()
    }

    #[tokio::test]
    async fn ten_thousand_nodes_fit_and_are_written_where_they_change() {
        let cluster = Cluster::new();
        let (mut roster, mut next) = (roster(&cluster), roster(&cluster));
        roster.api.connect().await.unwrap();
        assert!(roster.read().await.unwrap().is_empty());
        // As clouds name them.
        let name = |number: u32| {
            let address = number.wrapping_mul(2_654_435_761);
            let [_, b, c, d] = address.to_be_bytes();
            format!("ip-10-{b}-{c}-{d}.eu-central-1.compute.internal")
        };
        let mut names: BTreeSet<String> = (0..10_000).map(name).collect();
        assert!(names.len() > 9_900);
        for _ in 0..3 {
            assert_eq!(roster.write(&names).await.unwrap(), 0);
        }
        assert_eq!(cluster.written().leases, 1);
        assert!(text(&cluster).len() < 100 << 10, "{}", text(&cluster).len());
        names.pop_first();
        assert_eq!(roster.write(&names).await.unwrap(), 0);
        // Another wrote meanwhile, or deleted it.
        next.api.connect().await.unwrap();
        assert_eq!(next.read().await.unwrap(), names);
        names.pop_first();
        next.write(&names).await.unwrap();
        names.pop_first();
        assert!(roster.write(&names).await.unwrap_err().is_conflict());
        roster.write(&names).await.unwrap();
        cluster.disown(PATH);
        names.pop_first();
        assert!(roster.write(&names).await.unwrap_err().is_missing());
        roster.write(&names).await.unwrap();
        assert_eq!(roster.read().await.unwrap(), names);
        assert_eq!(decode(&text(&cluster)).unwrap(), names);
    }

    #[tokio::test]
    async fn what_finds_no_room_is_counted_and_what_makes_no_sense_is_nobody() {
        let cluster = Cluster::new();
        let mut roster = roster(&cluster);
        roster.api.connect().await.unwrap();
        // Nothing compresses these.
        let names: BTreeSet<String> = (0..AGENTS_MAX as u64)
            .map(|number| lapwing_profile::fingerprint::hex(&[&number.to_be_bytes()]))
            .collect();
        let left_out = roster.write(&names).await.unwrap();
        assert!((1..AGENTS_MAX).contains(&left_out), "{left_out}");
        assert!(text(&cluster).len() <= TEXT_MAX);
        assert_eq!(roster.read().await.unwrap().len(), AGENTS_MAX - left_out);
        // The next look finds another text than its own, and mends it.
        for bad in ["", "&", "AAAA"] {
            let annotations = json!({NODES: bad, "kept": "yes"});
            cluster.own(
                PATH,
                json!({"metadata": {"name": "leader-nodes", "annotations": annotations}}),
            );
            assert!(roster.read().await.unwrap().is_empty(), "{bad}");
        }
        let few = BTreeSet::from(["n1".to_owned()]);
        roster.write(&few).await.unwrap();
        let object = cluster.object(PATH).unwrap();
        assert_eq!(object["metadata"]["annotations"]["kept"], "yes");
        let hostile = BTreeSet::from(["n1", "../../x", "UPPER", "a b"].map(str::to_owned));
        assert_eq!(decode(&encode(&hostile)).unwrap(), few);
    }
}
