use super::*;
use crate::decide::By;
use crate::entry::Entry;

const SPEC: &str = "\
spec:
  workload: {namespace: shop, kind: Deployment, name: web, container: app}
  mode: Monitoring
  exec:
    - {path: /bin/web}
";

/// As `kubectl get -o yaml` prints it, with all that a server adds.
fn printed(spec: &str) -> String {
    format!(
        "\
apiVersion: lapwing.dev/v1alpha1
kind: BehaviorProfile
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {{\"apiVersion\":\"lapwing.dev/v1alpha1\"}}
    lapwing.dev/actor: ann
    lapwing.dev/reason: 'release #4'
    lapwing.dev/signature: '{{\"signatures\":[]}}'
    team: it's
  creationTimestamp: \"2026-11-27T10:00:00Z\"
  finalizers: [a/b]
  generation: 3
  labels:
    app: web
    on: \"true\"
  managedFields:
    - apiVersion: lapwing.dev/v1alpha1
      fieldsType: FieldsV1
      fieldsV1: {{'f:spec': {{}}}}
      manager: kubectl
      operation: Apply
      time: \"2026-11-27T10:00:00Z\"
  name: deployment-web-app
  namespace: shop
  ownerReferences: []
  resourceVersion: \"4711\"
  uid: 8d3c
{spec}status:
  conditions: []
  observedGeneration: 3
"
    )
}

fn read(text: &str) -> Object {
    Object::from_yaml(text.as_bytes()).unwrap()
}

fn error(text: &str) -> String {
    Object::from_yaml(text.as_bytes()).unwrap_err().to_string()
}

fn approve(object: &mut Object, entry: &str) {
    let by = By {
        actor: "ann",
        reason: "seen",
        at: 7,
    };
    let entry = Entry::parse(entry).unwrap();
    object.profile.approve(&entry, by).unwrap();
}

#[test]
fn what_people_own_stays_and_what_the_server_owns_goes() {
    let object = read(&printed(SPEC));
    let expected = "\
apiVersion: lapwing.dev/v1alpha1
kind: BehaviorProfile
metadata:
  name: deployment-web-app
  namespace: shop
  labels:
    app: web
    \"on\": \"true\"
  annotations:
    lapwing.dev/actor: ann
    lapwing.dev/reason: \"release #4\"
    lapwing.dev/signature: '{\"signatures\":[]}'
    team: \"it's\"
spec:
";
    let text = object.to_yaml();
    assert!(text.starts_with(expected), "{text}");
    assert!(text.ends_with("  decisions: []\n"), "{text}");
    assert!(read(&text) == object, "{text}");
    assert_eq!(read(&text).to_yaml(), text);
    let plain = read(&format!(
        "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\n{SPEC}"
    ));
    assert_eq!(plain.profile, object.profile);
    assert_eq!(plain.metadata(), None);
    assert!(!plain.to_yaml().contains("metadata"));
}

/// Once it is written its status is the profile's own, with who decided.
#[test]
fn what_is_decided_is_kept_and_what_is_about_the_text_before_is_not() {
    let mut object = read(&printed(SPEC));
    approve(&mut object, "exec: {path: /bin/sh}");
    let again = read(&object.to_yaml());
    assert!(again == object);
    assert_eq!(again.profile.decisions().last().unwrap().actor, "ann");
    let metadata = again.metadata().unwrap();
    let kept: Vec<_> = metadata.annotations.keys().collect();
    assert_eq!(kept, ["team"]);
}

#[test]
fn a_learned_profile_is_what_it_proposes() {
    let inner = printed(SPEC).replace('\n', "\n    ");
    let text = format!(
        "apiVersion: lapwing.dev/v1alpha1\nkind: LearnedProfile\nmetadata:\n  name: deployment-web-app-1\n  uid: a\n\
         spec: {{workload: {{name: web}}}}\nstatus:\n  conditions: []\n  phase: Ready\n  profile: |\n    {inner}\n"
    );
    assert!(read(&text) == read(&printed(SPEC)));
    let without = error("kind: LearnedProfile\nstatus: {phase: Learning}\n");
    assert!(without.contains("without `status.profile`"), "{without}");
    let wrong = error(&text.replace("- {path: /bin/web}", "- {path: 1, mode: x}"));
    assert!(wrong.contains("`status.profile` of it: line "), "{wrong}");
}

#[test]
fn it_goes_with_its_workload() {
    let mut object = read(&printed(SPEC));
    object.profile.workload.namespace = "pay".into();
    object.profile.workload.name = "web-eu".into();
    let metadata = object.metadata().unwrap();
    assert_eq!(metadata.name, "deployment-web-eu-app");
    assert_eq!(metadata.namespace, "pay");
    // A name that somebody gave it stays.
    let mut named = read(&printed(SPEC).replace("name: deployment-web-app\n", "name: mine\n"));
    named.profile.workload.name = "web-eu".into();
    assert_eq!(named.metadata().unwrap().name, "mine");
    // One that says no namespace is of its own, as agents have it.
    let object = read(&printed(&SPEC.replace("namespace: shop, ", "")));
    assert_eq!(object.profile.workload.namespace, "shop");
}

#[test]
fn what_is_wrong_is_told_with_its_line_as_in_a_plain_file() {
    for (text, words) in [
        (
            printed(&SPEC.replace("mode:", "mood:")),
            "line 31, column 3: unknown key `mood`",
        ),
        (
            printed(SPEC).replace("  uid:", "  uuid:"),
            "line 28, column 3: unknown key `uuid`",
        ),
        (
            printed(SPEC).replace("metadata:", "metadate:"),
            "line 3, column 1: unknown key `metadate`",
        ),
        (
            printed(SPEC).replace("namespace: shop\n", "namespace: pay\n"),
            "line 4, column 3: it is in the namespace `pay`",
        ),
        (
            printed(SPEC).replace("/v1alpha1\nkind", "/v9\nkind"),
            "this version reads",
        ),
        (
            printed(SPEC).replace("  conditions: []\n  observedGeneration: 3", "  modus: 1"),
            "unknown key `modus`",
        ),
        (
            "apiVersion: v1\nitems: []\nkind: List\nmetadata: {resourceVersion: \"\"}\n".to_owned(),
            "list of objects",
        ),
        ("[]".to_owned(), "not a profile: "),
    ] {
        let told = error(&text);
        assert!(told.contains(words), "{words}: {told}");
        assert!(
            told.starts_with("not a profile: ") && !told.contains('\n'),
            "{told}"
        );
    }
    // What agents keep has none of it.
    assert!(Profile::from_yaml(printed(SPEC)).is_err());
}
