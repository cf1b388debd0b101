//! A cluster that was restored from a backup: an object has a generation for the second time, with another `spec`.

use super::*;

fn approving(object: &Value, path: &str) -> Value {
    let mut object = object.clone();
    object["spec"]["exec"] = json!([{"path": path}]);
    object
}

/// In force on two nodes in generation 5.
async fn known() -> (Cluster, Leader, Value) {
    let cluster = Cluster::new();
    let web = approving(&object("shop", "web", 5), "/bin/ls");
    cluster.put(web.clone());
    let mut leader = Leader::begin(&cluster, &["shop-web"]).await;
    for node in ["n1", "n2"] {
        leader.tell(node, vec![state(&web, 1, None)]);
    }
    leader.pass(70).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("True", "AllNodes")
    );
    cluster.written();
    (cluster, leader, web)
}

#[tokio::test(start_paused = true)]
async fn a_node_that_has_another_spec_of_the_same_generation_does_not_count() {
    let (cluster, mut leader, web) = known().await;
    // Restored to generation 4, and changed again, of which the watch tells the last alone.
    let again = approving(&web, "/bin/id");
    leader.hear(&cluster, again.clone());
    leader.tell("n1", vec![state(&again, 1, None)]);
    leader.pass(15).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("False", "Behind")
    );
    assert_eq!(
        nodes(&cluster, "shop-web"),
        json!({"summary": "1/2", "running": 2, "inForce": 1, "behind": 1, "refused": 0})
    );
    let told = whole_condition(&cluster, "shop-web", "InForce");
    let text = "in force on 1 of 2 nodes, of which 1 know another `spec` of it alone";
    assert_eq!(told["message"], text);
    // A refusal of what it was is none of what it is.
    let why = Some(("BadSignature", "it is damaged"));
    leader.tell("n2", vec![state(&web, 1, why)]);
    leader.pass(15).await;
    assert_eq!(condition(&cluster, "shop-web", "Refused").0, "False");
    leader.tell("n2", vec![state(&again, 1, None)]);
    leader.pass(15).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("True", "AllNodes")
    );
    // It is another that came in force, and is told of.
    let told = events(&cluster);
    assert_eq!(told, [is("InForce", "Normal"), is("InForce", "Normal")]);
}

/// What a controller wrote of the one says nothing of the other, be it the same words.
#[tokio::test(start_paused = true)]
async fn what_all_obey_by_then_is_written_anew() {
    let (cluster, mut leader, web) = known().await;
    let mut again = approving(&web, "/bin/id");
    again["status"] = Value::Null;
    cluster.put(again.clone());
    leader.board.put(seen(&again));
    for node in ["n1", "n2"] {
        leader.tell(node, vec![state(&again, 1, None)]);
    }
    leader.pass(15).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("True", "AllNodes")
    );
    assert_eq!(nodes(&cluster, "shop-web")["summary"], "2/2");
}

/// Restored to an earlier generation, which the nodes do not have.
#[tokio::test(start_paused = true)]
async fn a_node_with_a_later_generation_does_not_count_either() {
    let (cluster, mut leader, web) = known().await;
    let mut before = approving(&web, "/bin/cat");
    before["metadata"]["generation"] = json!(4);
    leader.hear(&cluster, before.clone());
    leader.pass(15).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("False", "Behind")
    );
    for node in ["n1", "n2"] {
        leader.tell(node, vec![state(&before, 1, None)]);
    }
    leader.pass(15).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("True", "AllNodes")
    );
}

/// Agents of earlier versions say no digest, and count by what they say.
#[tokio::test(start_paused = true)]
async fn who_tells_no_digest_counts_by_its_generation() {
    let (cluster, mut leader, web) = known().await;
    let silent = |object: &Value| BehaviorProfileState {
        spec_digest: Vec::new(),
        ..state(object, 1, None)
    };
    let again = approving(&web, "/bin/id");
    leader.hear(&cluster, again.clone());
    for node in ["n1", "n2"] {
        leader.tell(node, vec![silent(&web)]);
    }
    leader.pass(15).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("True", "AllNodes")
    );
    let mut next = again.clone();
    next["metadata"]["generation"] = json!(6);
    leader.hear(&cluster, next.clone());
    leader.tell("n1", vec![silent(&next)]);
    leader.pass(15).await;
    assert_eq!(
        condition(&cluster, "shop-web", "InForce"),
        is("False", "Behind")
    );
}

/// The watch that the leader follows BehaviorProfiles by reads the same digest as an agent does.
#[test]
fn agents_and_the_controller_read_alike() {
    let terms = crate::cluster::Terms::default();
    let one = r#"{"metadata":{"name":"web","namespace":"shop","uid":"u","generation":5},"spec":
        {"workload":{"kind":"Deployment","name":"web","container":"app"},"mode":"Learning"}}"#;
    // As another server, or another way of asking, may give it.
    let other = r#"{"spec":{"mode":"Learning","workload":{"container":"app","name":"web","kind":"Deployment"}},
        "status":{},"metadata":{"generation":5,"uid":"u","namespace":"shop","name":"web"}}"#;
    let raw =
        |text: &str| -> Box<serde_json::value::RawValue> { serde_json::from_str(text).unwrap() };
    let of_agent = crate::cluster::object::read(&raw(one), &terms).unwrap();
    let of_controller = crate::controller::learned::seen(&raw(other)).unwrap();
    assert!(of_agent.said.is_ok(), "{:?}", of_agent.said);
    assert_eq!(of_controller.generation, of_agent.version.generation);
    assert_eq!(of_controller.spec, of_agent.version.spec);
    assert!(of_controller.spec.is_some());
}
