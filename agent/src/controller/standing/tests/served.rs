//! Agents that follow Kubernetes' own server of custom resources, and the controller that writes there what they make of
//! objects. Each has the rights of its ClusterRole and no others, and the chart's policies are in force; what that
//! server does not know is at the double.

use super::*;
use crate::cluster::tests::node::{self as real, applied};
use crate::config::Length;
use crate::controller::tests::stage::{Agent, Keys, Replica, node, pod, until};
use crate::kubernetes::api::Reach;
use crate::kubernetes::served::core_api::{AGENT, APPROVER, CONTROLLER};
use crate::kubernetes::served::{Served, has, value};
use tokio::task::AbortHandle;

const LIST: &str = "/apis/lapwing.dev/v1alpha1/namespaces/shop/behaviorprofiles";
/// How often an agent that is not simulated looks, in short.
const LOOK: Duration = Duration::from_millis(50);

/// What people do, by the chart's role for those who approve.
struct Ann(Api);

impl Ann {
    async fn at(served: &Served) -> Self {
        let api = Api::new(served.reach_as(APPROVER), Duration::from_secs(60));
        api.connect().await.unwrap();
        Self(api)
    }

    /// Applies what is approved of in an object; answers what is there.
    async fn approve(&self, name: &str, programs: &[&str], is_signed: bool) -> Value {
        let mut object = applied(name, programs, is_signed);
        let annotations = &mut object["metadata"]["annotations"];
        annotations["lapwing.dev/actor"] = json!(APPROVER);
        annotations["lapwing.dev/reason"] = json!(programs.join(" "));
        let target = format!("{LIST}/{name}?fieldManager=gitops&fieldValidation=Strict");
        value(self.0.apply(&target, object.to_string().into_bytes()).await).unwrap()
    }

    async fn object(&self, name: &str) -> Value {
        value(self.0.get(&format!("{LIST}/{name}")).await).unwrap()
    }

    /// Waits for what is said of an object, and answers with it.
    async fn until(&self, name: &str, is: impl Fn(&Value) -> bool) -> Value {
        let begun = std::time::Instant::now();
        loop {
            let object = self.object(name).await;
            if is(&object) {
                return object;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{object:#}");
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Has an agent say what a node makes of objects that follows them, and runs one container of `web`.
fn obeys(agent: &Agent, reach: Reach, requires: bool) -> AbortHandle {
    let states = Arc::clone(&agent.states);
    let mut node = real::Node::begin(reach, requires);
    let work = tokio::spawn(async move {
        loop {
            *states.lock().unwrap() = node.states(1);
            tokio::time::sleep(LOOK).await;
        }
    });
    work.abort_handle()
}

/// Writes of the status of these since this was asked, by the objects' names.
fn statuses(cluster: &Cluster) -> Vec<String> {
    let asked = cluster.asked().into_iter();
    let of_status = asked.filter_map(|target| {
        let rest = target.strip_prefix(LIST)?;
        let name = rest.split_once("/status?")?.0;
        Some(name.trim_start_matches('/').to_owned())
    });
    of_status.collect()
}

/// Who wrote which part of it.
fn managers(object: &Value) -> Vec<(String, String)> {
    let managed = object["metadata"]["managedFields"].as_array().unwrap();
    let mut all: Vec<(String, String)> = { managed.iter() }
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
            let fields = one["fieldsV1"].as_object().unwrap().keys();
            let parts: Vec<&str> = fields.map(|key| key.trim_start_matches("f:")).collect();
            assert_eq!(text("operation"), "Apply", "{one}");
            (text("manager"), parts.join(" "))
        })
        .collect();
    all.sort_unstable();
    all
}

/// What Events tell of what became of objects; others tell who decided.
fn told(cluster: &Cluster) -> Vec<(String, String)> {
    let mut all = events(cluster);
    all.retain(|(reason, _)| ["Refused", "InForce"].contains(&&**reason));
    all.sort_unstable();
    all
}

fn says(object: &Value, kind: &str, holds: &str, word: &str) -> bool {
    let all = object["status"]["conditions"].as_array();
    let mut all = all.into_iter().flatten();
    all.any(|one| one["type"] == kind && one["status"] == holds && one["reason"] == word)
}

fn quick(config: &mut crate::config::controller::Controller) {
    config.learned.interval = Length(1_000_000_000);
}

/// It leads, and heard what both agents make of all objects.
fn hears(replica: &Replica) -> bool {
    let fleet = replica.desk.status().fleet.unwrap_or_default();
    let nodes = fleet.profiles.map_or(0, |profiles| profiles.nodes);
    fleet.leads && nodes == 2
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Kubernetes' own server of custom resources: cargo xtask api-proof"]
async fn what_agents_make_of_profiles_is_written_beside_them() {
    let mut served = Served::guarded().await;
    served.define().await;
    let ann = Ann::at(&served).await;
    let made = ann.approve("web", &["/bin/ls"], false).await;
    let (cluster, keys) = (Cluster::new(), Keys::new());
    let one = Agent::start(&keys, "n1", "127.0.0.8:0");
    let port = one.address.port();
    let two = Agent::start(&keys, "n2", &format!("127.0.0.9:{port}"));
    for (name, address) in [("n1", "127.0.0.8"), ("n2", "127.0.0.9")] {
        cluster.put(pod(name, name, address, "Running"));
        cluster.own(&format!("/api/v1/nodes/{name}"), node(true));
    }
    // The second one wants signatures.
    let followed = [(&one, false), (&two, true)]
        .map(|(agent, requires)| obeys(agent, served.reach_as(AGENT), requires));
    let (client, _) = served.reach_as(CONTROLLER)().await.unwrap();
    let reach = cluster.reach_beside(&client);
    let begin = |name: &str| Replica::at(&keys, Arc::clone(&reach), name, port, quick);
    let first = begin("one");
    let refused = ann.until("web", |web| says(web, "Refused", "True", "Unsigned"));
    let refused = refused.await;
    assert!(says(&refused, "InForce", "False", "Unsigned"));
    let status = &refused["status"];
    assert_eq!(status["observedGeneration"], 1);
    assert_eq!(
        status["nodes"],
        json!({"summary": "1/2", "running": 2, "inForce": 1, "behind": 0, "refused": 1})
    );
    let why = status["conditions"][1]["message"].as_str().unwrap();
    assert!(why.starts_with("1 node (n2): "), "{why}");
    // Each part has one owner, and what people said is as it was.
    let owners = [
        ("gitops", "metadata spec"),
        ("lapwing-controller-status", "status"),
    ];
    let owners = owners.map(|(who, part)| (who.to_owned(), part.to_owned()));
    assert_eq!(managers(&refused), owners);
    assert_eq!(refused["spec"], made["spec"]);
    for key in ["generation", "annotations", "uid"] {
        assert_eq!(refused["metadata"][key], made["metadata"][key], "{key}");
    }
    let table = served.table(LIST).await;
    let shown = ["In force", "Reason", "Refused"].map(|column| table.cell("web", column));
    assert_eq!(shown, [json!("1/2"), json!("Unsigned"), json!(1)]);
    assert_eq!(told(&cluster), [is("Refused", "Warning")]);
    // Another object is news of that alone: it runs nowhere.
    statuses(&cluster);
    ann.approve("api", &["/bin/ls"], true).await;
    let api = ann.until("api", |api| !api["status"].is_null()).await;
    assert_eq!(statuses(&cluster), ["api"], "{api:#}");
    // The server goes, and so does who leads: what the next one hears is what the objects say.
    first.crash().await;
    served.restart().await;
    let second = begin("two");
    until("another hears all", || hears(&second)).await;
    let before = api["status"]["conditions"].clone();
    ann.approve("api", &["/bin/id"], true).await;
    let api = ann.until("api", |api| api["status"]["observedGeneration"] == 2);
    let api = api.await;
    assert_ne!(api["status"]["conditions"], before);
    assert_eq!(statuses(&cluster), ["api"], "{api:#}");
    let same = ann.object("web").await;
    assert_eq!(
        same["metadata"]["resourceVersion"],
        refused["metadata"]["resourceVersion"]
    );
    // Another generation, which both obey.
    let mended = ann.approve("web", &["/bin/ls", "/bin/id"], true).await;
    assert_eq!(mended["metadata"]["generation"], 2);
    // Until then what is said is of the one before.
    assert_eq!(mended["status"], refused["status"]);
    let now = ann.until("web", |web| says(web, "InForce", "True", "AllNodes"));
    let now = now.await;
    assert_eq!(now["status"]["observedGeneration"], 2);
    assert!(has(&now, "InForce") && !has(&now, "Refused"), "{now:#}");
    let of = |key: &str| now["status"]["conditions"][0][key].clone();
    assert_eq!(
        (of("type"), of("observedGeneration")),
        (json!("InForce"), json!(2))
    );
    assert_eq!(
        (managers(&now), &now["spec"]),
        (owners.to_vec(), &mended["spec"])
    );
    assert_eq!(now["metadata"]["generation"], 2);
    let table = served.table(LIST).await;
    let shown = ["In force", "Reason", "Refused"].map(|column| table.cell("web", column));
    assert_eq!(shown, [json!("2/2"), json!("AllNodes"), json!(0)]);
    let all = [is("InForce", "Normal"), is("Refused", "Warning")];
    assert_eq!(told(&cluster), all);
    for work in followed {
        work.abort();
    }
    second.end().await;
}
