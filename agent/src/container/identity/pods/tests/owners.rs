//! Whose pods are, and whose they only say that they are.

use super::*;

#[tokio::test(start_paused = true)]
async fn forged_owners_do_not_join() {
    // Whoever makes a pod writes its references and labels.
    let true_labels = json!({"app": "web", "pod-template-hash": "6d5f7c"});
    for (why, reference, labels) in [
        (
            "another's uid",
            owner("apps/v1", "ReplicaSet", "web-6d5f7c", "other"),
            &true_labels,
        ),
        (
            "one that is not there",
            owner("apps/v1", "ReplicaSet", "db-6d5f7c", "rs"),
            &true_labels,
        ),
        (
            "labels that it does not select",
            replica_set(),
            &json!({"app": "evil"}),
        ),
        (
            "a hash that it does not have",
            replica_set(),
            &json!({"app": "web", "pod-template-hash": "x"}),
        ),
        (
            "the Deployment itself",
            owner("apps/v1", "Deployment", "web", "d"),
            &true_labels,
        ),
        (
            "a Deployment of another group",
            owner("evil.example/v1", "Deployment", "web", "d"),
            &true_labels,
        ),
        (
            "a ReplicaSet of another group",
            owner("v1", "ReplicaSet", "web-6d5f7c", "rs"),
            &true_labels,
        ),
        (
            "a kind of the agent's own",
            owner("evil.example/v1", "Image", "team/web", "d"),
            &true_labels,
        ),
        (
            "a way elsewhere",
            owner("apps/v1", "ReplicaSet", "../replicasets/web-6d5f7c", "rs"),
            &true_labels,
        ),
        (
            "another node's disk",
            owner("v1", "Node", NODE, "n"),
            &true_labels,
        ),
    ] {
        let cluster = with_deployment();
        let mut forged = pod("evil", ID, &reference);
        forged["metadata"]["labels"] = labels.clone();
        cluster.put(forged.clone());
        // Whose name a machine made, it does not stand for itself either.
        forged["metadata"]["uid"] = json!("made");
        forged["metadata"]["generateName"] = json!("ev");
        forged["status"]["containerStatuses"][0]["containerID"] =
            json!(format!("containerd://{}", id(2)));
        cluster.put(forged);
        let mut watched = begin(&cluster);
        let found = watched.owner(ID).await;
        assert_eq!(found, ("Pod/evil".to_owned(), Evidence::Refuted), "{why}");
        let told = watched.known(&id(2)).await.in_pod.unwrap();
        assert_eq!(told.owner, None, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_set_that_forges_its_owner_stays_itself() {
    let labels = json!({"app": "web", "pod-template-hash": "6d5f7c"});
    let set = |above: Value, labels: &Value| {
        json!({
            "metadata": {"name": "web-6d5f7c", "uid": "rs", "labels": labels,
                "ownerReferences": [above]},
            "spec": {"selector": {"matchLabels": {"app": "web"}}},
        })
    };
    let true_owner = owner("apps/v1", "Deployment", "web", "d");
    for (why, above, labels) in [
        (
            "another's uid",
            owner("apps/v1", "Deployment", "web", "other"),
            &labels,
        ),
        (
            "one that is not there",
            owner("apps/v1", "Deployment", "db", "d"),
            &labels,
        ),
        (
            "one that does not select it",
            true_owner,
            &json!({"app": "other"}),
        ),
        (
            "one that owns no ReplicaSets",
            owner("batch/v1", "CronJob", "web", "d"),
            &labels,
        ),
    ] {
        let cluster = with_pod();
        cluster.own(REPLICA_SET, set(above, labels));
        let mut watched = begin(&cluster);
        let found = watched.owner(ID).await;
        let expected = ("ReplicaSet/web-6d5f7c".to_owned(), Evidence::Refuted);
        assert_eq!(found, expected, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn owners_of_all_kinds_are_found() {
    let cluster = with_pod();
    let mut expected = vec![(ID.to_owned(), "Deployment/web", Evidence::Verified)];
    let mut number = 10;
    let mut add = |pod_of: &dyn Fn(&str) -> Value, named, evidence| {
        number += 1;
        cluster.put(pod_of(&id(number)));
        expected.push((id(number), named, evidence));
    };
    let object = |uid: &str, name: &str, owners: Value| {
        json!({"metadata": {"name": name, "uid": uid, "ownerReferences": owners},
            "spec": {"selector": {"matchLabels": {"app": "web"}}}})
    };
    let batch = "/apis/batch/v1/namespaces/shop";
    let apps = "/apis/apps/v1/namespaces/shop";
    let above = json!([owner("batch/v1", "CronJob", "backup", "c")]);
    cluster.own(
        &format!("{batch}/jobs/backup-29345678"),
        object("j", "backup-29345678", above),
    );
    // Of which a CronJob has none.
    let cron =
        json!({"metadata": {"name": "backup", "uid": "c"}, "spec": {"schedule": "* * * * *"}});
    cluster.own(&format!("{batch}/cronjobs/backup"), cron);
    cluster.own(
        &format!("{batch}/jobs/once"),
        object("o", "once", json!([])),
    );
    cluster.own(
        &format!("{apps}/statefulsets/db"),
        object("s", "db", json!([])),
    );
    cluster.own(
        &format!("{apps}/daemonsets/log"),
        object("l", "log", json!([])),
    );
    let rollout = json!([owner("argoproj.io/v1alpha1", "Rollout", "new", "r")]);
    cluster.own(
        &format!("{apps}/replicasets/new-1"),
        object("n", "new-1", rollout),
    );
    for (api, kind, name, uid, named, evidence) in [
        (
            "batch/v1",
            "Job",
            "backup-29345678",
            "j",
            "CronJob/backup",
            Evidence::Verified,
        ),
        (
            "batch/v1",
            "Job",
            "once",
            "o",
            "Job/once",
            Evidence::Verified,
        ),
        (
            "apps/v1",
            "StatefulSet",
            "db",
            "s",
            "StatefulSet/db",
            Evidence::Verified,
        ),
        (
            "apps/v1",
            "DaemonSet",
            "log",
            "l",
            "DaemonSet/log",
            Evidence::Verified,
        ),
        (
            "apps/v1",
            "ReplicaSet",
            "new-1",
            "n",
            "Rollout/new",
            Evidence::Unverified,
        ),
    ] {
        let reference = owner(api, kind, name, uid);
        add(
            &|id| pod(&format!("{name}-x"), id, &reference),
            named,
            evidence,
        );
    }
    add(
        &|id| pod("alone", id, &Value::Null),
        "Pod/alone",
        Evidence::Unowned,
    );
    let on_disk = |id: &str| {
        let mut mirror = pod(&format!("etcd-{NODE}"), id, &owner("v1", "Node", NODE, "n"));
        mirror["metadata"]["annotations"] =
            json!({"kubernetes.io/config.mirror": "h", "kubernetes.io/config.hash": "h"});
        mirror
    };
    add(&on_disk, "StaticPod/etcd", Evidence::Verified);
    let mut watched = begin(&cluster);
    for (id, named, evidence) in expected {
        let found = watched.owner(&id).await;
        assert_eq!(found, (named.to_owned(), evidence));
    }
    // The runtime knows that one by the uid that its kubelet gave it.
    let fact = watched
        .pods
        .fact(&id(99), Some(&said(&format!("etcd-{NODE}"), "h")));
    assert!(matches!(fact, Fact::Known(..)), "{fact:?}");
}

/// Names that machines made name nothing: their label or image does.
#[tokio::test(start_paused = true)]
async fn generated_names_name_nothing() {
    let cluster = Cluster::new();
    let mut bare = pod("run-x7k2p", &id(1), &Value::Null);
    bare["metadata"]["generateName"] = json!("run-");
    cluster.put(bare);
    cluster.put(pod(
        "import-x-y",
        &id(2),
        &owner("batch/v1", "Job", "import-x", "j"),
    ));
    let job = json!({"metadata": {"name": "import-x", "uid": "j", "generateName": "import-"}});
    cluster.own("/apis/batch/v1/namespaces/shop/jobs/import-x", job);
    let mut watched = begin(&cluster);
    for number in [1, 2] {
        let told = watched.known(&id(number)).await.in_pod.unwrap();
        assert_eq!((told.kind, told.owner), (Some(Kind::Main), None));
    }
}

/// A kind of somebody else's is not looked up: what a pod alone says of it would join those that a
/// ReplicaSet has by it. Nor is its name one if it was made for one run.
#[tokio::test(start_paused = true)]
async fn owners_of_foreign_kinds_need_more_than_a_pod_s_word() {
    let cluster = Cluster::new();
    let rollout = owner("argoproj.io/v1alpha1", "Rollout", "web", "r");
    let set = json!({
        "metadata": {"name": "web-6d5f7c", "uid": "rs", "ownerReferences": [rollout]},
        "spec": {"selector": {"matchLabels": {"app": "web"}}},
    });
    cluster.own(REPLICA_SET, set);
    cluster.put(pod("web-6d5f7c-x", &id(1), &replica_set()));
    for (number, api, kind, name) in [
        (2, "argoproj.io/v1alpha1", "Rollout", "web"),
        (3, "evil/v1", "Rollout", "web"),
        (4, "tekton.dev/v1", "TaskRun", "build-run-8k2lp"),
    ] {
        let reference = owner(api, kind, name, "r");
        cluster.put(pod(&format!("p-{number}"), &id(number), &reference));
    }
    // Above a Job: by the end that Kubernetes would make, and as its own name was made.
    for (number, name, made, above) in [
        (5, "train-x7k2p-0", "", "train-x7k2p"),
        (6, "wf-17-step", "wf-", "wf-17"),
        (7, "night-1", "", "night"),
    ] {
        let above = owner("x.example/v1", "Flow", above, "f");
        let job = json!({"metadata": {"name": name, "uid": name, "generateName": made,
            "ownerReferences": [above]}});
        cluster.own(&format!("/apis/batch/v1/namespaces/shop/jobs/{name}"), job);
        let job = owner("batch/v1", "Job", name, name);
        cluster.put(pod(&format!("p-{number}"), &id(number), &job));
    }
    let mut watched = begin(&cluster);
    for (number, named) in [(1, "Rollout/web"), (7, "Flow/night")] {
        let found = watched.owner(&id(number)).await;
        assert_eq!(found, (named.to_owned(), Evidence::Unverified));
    }
    for number in 2..=6 {
        let told = watched.known(&id(number)).await.in_pod.unwrap();
        assert_eq!(told.owner, None, "{number}");
    }
}

/// What the API would not have without one has none for another to be its own.
#[tokio::test(start_paused = true)]
async fn owners_that_select_nothing_have_nothing() {
    for bare in [REPLICA_SET, DEPLOYMENT] {
        let cluster = with_pod();
        let (name, uid, expected) = match bare {
            REPLICA_SET => ("web-6d5f7c", "rs", "Pod/web-6d5f7c-x"),
            _ => ("web", "d", "ReplicaSet/web-6d5f7c"),
        };
        cluster.own(bare, json!({"metadata": {"name": name, "uid": uid}}));
        let mut watched = begin(&cluster);
        let found = watched.owner(ID).await;
        assert_eq!(found, (expected.to_owned(), Evidence::Refuted));
    }
}

/// By the hash in its annotations a kubelet knows a pod from its own disk; anybody else's says nothing.
#[tokio::test(start_paused = true)]
async fn no_annotation_takes_a_pod_s_owner_away() {
    let cluster = with_pod();
    let mirror = |uid: &str, hash: &str, namespace: &str| {
        let mut mirror = pod(
            &format!("etcd-{NODE}"),
            &id(2),
            &owner("v1", "Node", NODE, "n"),
        );
        mirror["metadata"]["uid"] = json!(uid);
        mirror["metadata"]["namespace"] = json!(namespace);
        mirror["metadata"]["annotations"] =
            json!({"kubernetes.io/config.mirror": "h", "kubernetes.io/config.hash": hash});
        mirror
    };
    cluster.put(mirror("real", "h", "shop"));
    let mut watched = begin(&cluster);
    watched.owner(ID).await;
    watched.owner(&id(2)).await;
    // Of the uid of another; without a kubelet; and of the same hash, elsewhere.
    let mut forged = pod("evil", &id(3), &Value::Null);
    forged["metadata"]["annotations"] = json!({"kubernetes.io/config.hash": "uid-web-6d5f7c-x"});
    cluster.put(forged);
    let mut bare = pod(&format!("etcd-{NODE}"), &id(4), &Value::Null);
    bare["metadata"]["uid"] = json!("bare");
    bare["metadata"]["annotations"] = json!({"kubernetes.io/config.hash": "h"});
    cluster.put(bare);
    cluster.put(mirror("on another", "uid-web-6d5f7c-x", "shop"));
    cluster.put(mirror("elsewhere", "h", "evil"));
    watched
        .until("all of them", |pods| pods.status().pods == 6)
        .await;
    let owner_of = |pod: &str, uid: &str| match watched.pods.fact(&id(99), Some(&said(pod, uid))) {
        Fact::Known(details, _) => details.in_pod.unwrap().owner.map(|owner| owner.kind),
        fact => panic!("{pod}: {fact:?}"),
    };
    let web = owner_of("web-6d5f7c-x", "uid-web-6d5f7c-x");
    assert_eq!(web.as_deref(), Some("Deployment"));
    let etcd = owner_of(&format!("etcd-{NODE}"), "h");
    assert_eq!(etcd.as_deref(), Some("StaticPod"));
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_is_believed_and_said_to_be() {
    let cluster = with_pod();
    for number in 2..20 {
        cluster.put(pod(
            &format!("web-6d5f7c-{number}"),
            &id(number),
            &replica_set(),
        ));
    }
    let job = owner("batch/v1", "Job", "backup-29345678", "j");
    cluster.put(pod("backup-29345678-x", &id(30), &job));
    let foreign = owner("apps/v1", "ReplicaSet", "other-5c", "o");
    cluster.put(pod("other-5c-x", &id(31), &foreign));
    cluster.forbid("replicasets");
    cluster.forbid("jobs");
    let mut watched = begin(&cluster);
    for (number, named) in [
        (2, "Deployment/web"),
        (19, "Deployment/web"),
        (30, "CronJob/backup"),
        // Its name does not end with the hash that the pod has.
        (31, "ReplicaSet/other-5c"),
    ] {
        let found = watched.owner(&id(number)).await;
        assert_eq!(found, (named.to_owned(), Evidence::Unverified));
    }
    // Asked for once for all of a kind.
    let asked = cluster.asked();
    let of = |plural: &str| {
        asked
            .iter()
            .filter(|target| target.contains(plural))
            .count()
    };
    assert_eq!((of("/replicasets/"), of("/jobs/")), (1, 1), "{asked:?}");
    // Where the ReplicaSet alone may be read, the Deployment is its word.
    let cluster = with_pod();
    cluster.forbid("deployments");
    let mut watched = begin(&cluster);
    let found = watched.owner(ID).await;
    assert_eq!(found, ("Deployment/web".to_owned(), Evidence::Unverified));
}

/// Rights that are given later count, and owners that could not be found are looked for again.
#[tokio::test(start_paused = true)]
async fn what_was_not_found_is_asked_for_again_at_leisure() {
    let cluster = Cluster::new();
    cluster.put(pod("web-6d5f7c-x", ID, &replica_set()));
    let mut watched = begin(&cluster);
    assert_eq!(watched.owner(ID).await.1, Evidence::Refuted);
    tokio::time::sleep(LONG).await;
    let asked = cluster.asked();
    let asked = asked
        .iter()
        .filter(|target| target.contains("/replicasets/"))
        .count();
    assert!((6..=8).contains(&asked), "{asked}");
    let set = json!({"metadata": {"name": "web-6d5f7c", "uid": "rs"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}}});
    cluster.own(REPLICA_SET, set);
    tokio::time::sleep(LONG).await;
    let found = watched.owner(ID).await;
    assert_eq!(
        found,
        ("ReplicaSet/web-6d5f7c".to_owned(), Evidence::Verified)
    );
}

/// One whose answer makes no sense keeps nobody from the others, and does not make a flood.
#[tokio::test(start_paused = true)]
async fn an_owner_that_cannot_be_read_keeps_no_other() {
    let cluster = with_pod();
    cluster.own(
        "/apis/apps/v1/namespaces/shop/replicasets/odd",
        json!("odd"),
    );
    let odd = owner("apps/v1", "ReplicaSet", "odd", "o");
    for number in 2..12 {
        cluster.put(pod(&format!("odd-{number}"), &id(number), &odd));
    }
    let mut watched = begin(&cluster);
    assert_eq!(watched.owner(ID).await, of_deployment());
    cluster.asked();
    tokio::time::sleep(LONG).await;
    let asked = cluster
        .asked()
        .iter()
        .filter(|target| target.contains("/odd"))
        .count() as u64;
    assert!((60..=LONG.as_secs() / 30 + 16).contains(&asked), "{asked}");
    // It is not known whose they are, so they join nobody.
    assert!(matches!(watched.pods.fact(&id(2), None), Fact::Open(_)));
}
