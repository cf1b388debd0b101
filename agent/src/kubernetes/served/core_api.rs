//! As much of a core API as the server of custom resources asks for, to enforce admission policies: they, their
//! bindings, namespaces, and who may what. All of it is as the chart makes it with the controller, which promotes, and
//! a record that has to be there.

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;

/// Who may write all objects of Lapwing in the namespace `shop`, and neither approve nor loosen.
pub const WRITER: &str = "wanda";
/// Who may do there whatever there is to do, by a role with `*` for groups, resources and verbs.
pub const OWNER: &str = "olga";
/// Who has the ClusterRole of the chart there, for people who approve.
pub const APPROVER: &str = "ann";
/// The controller.
pub const CONTROLLER: &str = "system:serviceaccount:lapwing:lapwing-controller";
/// Agents.
pub const AGENT: &str = "system:serviceaccount:lapwing:lapwing-agent";
/// All of them.
pub const USERS: [&str; 5] = [WRITER, OWNER, APPROVER, CONTROLLER, AGENT];

/// Which of the sets of values of the chart's tests it is.
const SET: usize = 1;
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
/// What is listed, and watched: its path, version and kind.
const LISTS: [(&str, &str, &str); 3] = [
    ("/api/v1/namespaces", "v1", "Namespace"),
    (
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
    ),
    (
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
    ),
];

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// It listens until it is dropped.
pub struct CoreApi {
    /// Where.
    pub address: String,
    task: JoinHandle<()>,
}

impl Drop for CoreApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl CoreApi {
    /// One that has the objects of the chart.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let objects = Arc::new(objects());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let objects = Arc::clone(&objects);
                let service = service_fn(move |request| answer(Arc::clone(&objects), request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self { address, task }
    }
}

/// Those of the set, with what a server puts in when they are made, and the namespace.
fn objects() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../xtask/src/chart/policies/tests/rendered.json");
    let sets: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut objects = sets[SET].as_array().unwrap().clone();
    for (number, object) in objects.iter_mut().enumerate() {
        let metadata = &mut object["metadata"];
        metadata["uid"] = json!(format!("u{number}"));
        metadata["resourceVersion"] = json!("1");
        let matched = &mut object["spec"]["matchConstraints"];
        if let Some(matched) = matched.as_object_mut() {
            let mut default = |name: &str, value: Value| {
                matched.entry(name).or_insert(value);
            };
            default("matchPolicy", json!("Equivalent"));
            default("namespaceSelector", json!({}));
            default("objectSelector", json!({}));
            for rule in matched["resourceRules"].as_array_mut().unwrap() {
                let rule = rule.as_object_mut().unwrap();
                rule.entry("scope").or_insert(json!("*"));
            }
        }
    }
    objects.push(json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "shop", "uid": "n", "resourceVersion": "1"},
    }));
    objects
}

async fn answer(
    objects: Arc<Vec<Value>>,
    request: Request<Incoming>,
) -> Result<Answer, hyper::Error> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    if request.method() == Method::POST && path == REVIEWS {
        let body = request.into_body().collect().await?.to_bytes();
        let mut review: Value = serde_json::from_slice(&body).unwrap();
        review["status"] = json!({"allowed": may(&objects, &review["spec"])});
        return Ok(told(201, &review));
    }
    let Some((_, version, kind)) = LISTS.iter().find(|(list, ..)| *list == path) else {
        let refusal = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
            "reason": "NotFound", "message": format!("no {path} here"), "code": 404});
        return Ok(told(404, &refusal));
    };
    let listed = objects.iter().filter(|object| object["kind"] == *kind);
    if !query.contains("watch=") {
        let items: Vec<&Value> = listed.collect();
        let list = json!({"apiVersion": version, "kind": format!("{kind}List"),
            "metadata": {"resourceVersion": "1"}, "items": items});
        return Ok(told(200, &list));
    }
    let mut steps: Vec<Value> = Vec::new();
    if query.contains("sendInitialEvents=true") {
        steps.extend(listed.map(|object| json!({"type": "ADDED", "object": object})));
        let end = json!({"k8s.io/initial-events-end": "true"});
        steps.push(
            json!({"type": "BOOKMARK", "object": {"apiVersion": version, "kind": kind,
            "metadata": {"resourceVersion": "1", "annotations": end}}}),
        );
    }
    let frame = |step: Value| Ok(Frame::data(Bytes::from(format!("{step}\n"))));
    // Nothing happens after that.
    let steps = tokio_stream::iter(steps)
        .map(frame)
        .chain(tokio_stream::pending());
    let body = BodyExt::boxed(StreamBody::new(steps));
    Ok(head(200).body(body).unwrap())
}

fn head(status: u16) -> hyper::http::response::Builder {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
}

fn told(status: u16, object: &Value) -> Answer {
    let body = Full::from(object.to_string()).boxed();
    head(status).body(body).unwrap()
}

/// Whether somebody may, by what a review asks. What is no resource everybody may read.
fn may(objects: &[Value], asked: &Value) -> bool {
    let attributes = &asked["resourceAttributes"];
    if attributes.is_null() {
        return asked["nonResourceAttributes"]["verb"] == "get";
    }
    let user = asked["user"].as_str().unwrap();
    let text = |key: &str| attributes[key].as_str().unwrap_or_default();
    let mut resource = text("resource").to_owned();
    if let Some(part) = attributes["subresource"].as_str() {
        resource = format!("{resource}/{part}");
    }
    rules(objects, user, text("namespace")).iter().any(|rule| {
        // `*` is for all that there are, also for verbs that Kubernetes itself has none of.
        let has = |list: &str, what: &str| {
            let is_one = |one: &Value| *one == "*" || *one == what;
            { rule[list].as_array() }.is_some_and(|all| all.iter().any(is_one))
        };
        has("apiGroups", text("group")) && has("resources", &resource) && has("verbs", text("verb"))
    })
}

/// What somebody may in a namespace: by the bindings of the chart, or by one of the namespace `shop`.
fn rules(objects: &[Value], user: &str, namespace: &str) -> Vec<Value> {
    let of_role = |name: &str| -> Vec<Value> {
        let is_it = |one: &&Value| one["kind"] == "ClusterRole" && one["metadata"]["name"] == name;
        let role = objects.iter().find(is_it).unwrap();
        role["rules"].as_array().unwrap().clone()
    };
    match user {
        OWNER if namespace == "shop" => {
            vec![json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]})]
        }
        APPROVER if namespace == "shop" => of_role("lapwing-approver"),
        WRITER if namespace == "shop" => vec![json!({
            "apiGroups": ["lapwing.dev"],
            "resources": ["behaviorprofiles", "learnedprofiles", "learnedprofiles/status"],
            "verbs": ["get", "list", "create", "update", "patch", "delete", "deletecollection"],
        })],
        _ => {
            let bound = objects.iter().filter(|one| {
                one["kind"] == "ClusterRoleBinding" && {
                    let of = &one["subjects"][0];
                    let text = |key: &str| of[key].as_str().unwrap_or_default();
                    user == format!(
                        "system:serviceaccount:{}:{}",
                        text("namespace"),
                        text("name")
                    )
                }
            });
            bound
                .flat_map(|one| of_role(one["roleRef"]["name"].as_str().unwrap()))
                .collect()
        }
    }
}
