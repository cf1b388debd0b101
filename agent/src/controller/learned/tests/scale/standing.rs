//! What it costs that each BehaviorProfile says what all nodes make of it.

use super::super::events;
use super::super::simulated::{object_of, workload_of};
use super::process::Controller;
use super::{Stage, Written, add};
use serde_json::{Value, json};
use std::time::Instant;

/// Objects that are written in a second at most, as is promised.
const ONCE: usize = 32;

/// Whether it says that it is in force wherever it runs, as far as nodes told by then.
fn is_in_force(object: &Value) -> bool {
    let (status, generation) = (&object["status"], &object["metadata"]["generation"]);
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let mut of_force = conditions.filter(|one| one["type"] == "InForce");
    object["kind"] == "BehaviorProfile"
        && status["observedGeneration"] == *generation
        && of_force.any(|one| one["status"] == "True" && one["reason"] == "AllNodes")
}

/// It as it was made, for a workload that does this much.
fn made(number: usize, behaviours: usize) -> Value {
    let (name, uid) = object_of(number);
    let workload = workload_of(number);
    let entry = |n: usize| json!({"path": format!("/bin/{n}"), "parent": "runtime"});
    json!({
        "apiVersion": "lapwing.dev/v1alpha1", "kind": "BehaviorProfile",
        "metadata": {"name": name, "namespace": workload.namespace, "uid": uid, "generation": 0,
            "creationTimestamp": "2026-11-27T10:00:00Z"},
        "spec": {
            "workload": {"namespace": workload.namespace, "kind": workload.kind,
                "name": workload.name, "container": workload.container},
            "mode": "Monitoring",
            "exec": (0..behaviours).map(entry).collect::<Vec<_>>(),
        },
    })
}

impl Stage {
    /// People apply objects of these workloads, or others in place of what there is, which all nodes obey.
    fn apply(&self, generations: &mut [i64], numbers: std::ops::Range<usize>) {
        for number in numbers {
            generations[number] += 1;
            let (_, uid) = object_of(number);
            let before = self.cluster.there(&uid);
            let mut object = before.unwrap_or_else(|| made(number, self.size.behaviours));
            object["metadata"]["generation"] = json!(generations[number]);
            object["spec"]["exec"][0]["path"] = json!(format!("/opt/{}", generations[number]));
            self.cluster.put(object);
        }
        self.nodes.obey(generations.to_vec());
    }

    /// How many are in force; on all nodes that there are.
    fn in_force(&self) -> usize {
        self.cluster.count_there(is_in_force)
    }

    fn in_force_on_all(&self) -> usize {
        let all = (0..self.size.workloads()).filter(|number| {
            let (_, uid) = object_of(*number);
            let nodes = self.size.nodes_of(*number);
            let object = self.cluster.there(&uid).unwrap_or_default();
            let summary = &object["status"]["nodes"]["summary"];
            is_in_force(&object) && *summary == format!("{nodes}/{nodes}")
        });
        all.count()
    }

    /// Whether the controller heard all nodes, looked at all objects, and has nothing to write.
    pub fn rests(&self, controller: &Controller) -> bool {
        let is = |name: &str, wanted: usize| {
            let metric = format!("lapwing_controller_profiles{name} ");
            controller.metric(&metric) == Some(wanted as u64)
        };
        let many = self.size.workloads();
        is("_nodes", self.size.nodes) && is("{state=\"in_force\"}", many) && is("_unwritten", 0)
    }

    /// All workloads have objects, one of these becomes another, and then all do. Answers what was written.
    pub async fn stand(&self, controller: &Controller, is_large: bool) -> Written {
        let (many, last) = (self.size.workloads(), self.size.behaviours);
        let mut generations = vec![0; many];
        let (mut sum, mut parts) = (Written::default(), Vec::new());
        let begun = Instant::now();
        self.apply(&mut generations, 0..many);
        let is = || self.in_force() == many;
        let first = self.until("all are approved of", controller, 0, is);
        parts.push(first.await);
        // Those that were written before all nodes had told are written again, counts alone a minute later.
        let is = || self.in_force_on_all() == many && self.objects(last, "Promoted") == many;
        let counted = self.until("and all nodes are counted", controller, 0, is);
        parts.push(counted.await);
        self.apply(&mut generations, 0..1);
        let is = || self.in_force_on_all() == many;
        let one = self.until("one is another", controller, 0, is).await;
        // While nodes know the one before, and when none does.
        assert!((1..=3).contains(&one.standings), "{one:?}");
        parts.push(one);
        self.apply(&mut generations, 0..many);
        let others = self.until("all are others", controller, 0, is).await;
        parts.push(others);
        for part in &parts {
            add(&mut sum, part);
        }
        let seconds = begun.elapsed().as_secs() as usize;
        let interval = if is_large { 10 } else { 1 };
        let most = (ONCE * (seconds + 1)).min(many * (seconds / interval + 1));
        assert!(sum.standings <= most, "{sum:?}");
        // Twice at most for each change, as nodes do not know it at once.
        assert!(sum.standings <= 2 * (2 * many + 1), "{sum:?}");
        assert_eq!(events(&self.cluster, "InForce").len(), 2 * many + 1);
        assert!(events(&self.cluster, "Refused").is_empty());
        sum
    }
}
