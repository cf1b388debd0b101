//! `lapwing profile`, the real binary, with each form in which people have a profile in a file: the plain one, the
//! object as `lapwing profile object` writes it and as `kubectl get -o yaml` prints it, and a LearnedProfile.

mod receiver;
mod served;

use serde_json::Value;
use served::{Pair, Served, client};
use std::path::{Path, PathBuf};

const OPERATOR: &str = "spiffe://test/ops/ann";
const CLIENTS: &str =
    "clients: [{identity: 'spiffe://test/ops/*', verbs: [read, operate], namespaces: ['*']}]";

/// Of RFC 8410, section 10.3 and 10.1.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

const SPEC: &str = "\
spec:
  workload: {namespace: shop, kind: Deployment, name: web, container: app}
  mode: Monitoring
  exec:
    - {path: /usr/sbin/nginx, parent: runtime}
";

/// What a server has of an object besides.
const SERVERS: &str = "  creationTimestamp: \"2026-11-27T10:00:00Z\"
  generation: 3
  managedFields:
  - {apiVersion: lapwing.dev/v1alpha1, fieldsType: FieldsV1, fieldsV1: {'f:spec': {}}, manager: kubectl, operation: Apply}
  resourceVersion: \"4711\"
  uid: 8d3c
";
const OWN: &str = "  annotations: {lapwing.dev/actor: ann, team: a}
  labels: {app: web}
  name: of-ann
  namespace: shop
";

struct Ground {
    served: Served,
    operator: Pair,
    folder: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let served = Served::start(CLIENTS);
        let operator = client(&served.authority, OPERATOR);
        let this = Self {
            served,
            operator,
            folder: tempfile::tempdir().unwrap(),
        };
        this.write("key.pem", PRIVATE);
        this.write("key.pub", PUBLIC);
        this
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.at(name), text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.at(name)).unwrap()
    }

    /// Runs `lapwing profile`; words that begin with `@` are files. It has to end with this code.
    async fn run(&self, code: i32, line: &str) -> String {
        let word = |word: &str| match word.strip_prefix('@') {
            Some(name) => self.at(name).display().to_string(),
            None => word.replace('_', " "),
        };
        let words: Vec<String> = line.split(' ').map(word).collect();
        let words: Vec<&str> = ["profile"]
            .into_iter()
            .chain(words.iter().map(String::as_str))
            .collect();
        let ca = self.served.authority.ca();
        let files: [&Path; 3] = [&ca, &self.operator.0, &self.operator.1];
        let (found, said) = self.served.run("https", &files, &words).await;
        assert_eq!(found, code, "{line}: {said}");
        said
    }

    /// All forms of one profile, by their names.
    async fn forms(&self) -> Vec<(&'static str, String)> {
        let head = "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\n";
        let plain = format!("{head}{SPEC}");
        self.write("made.yaml", &plain);
        let object = self.run(0, "object @made.yaml").await;
        self.run(0, "sign @made.yaml --key @key.pem").await;
        let signed = self.run(0, "object @made.yaml").await;
        let proposed = object.replace('\n', "\n    ");
        vec![
            ("plain", plain),
            ("object", object),
            ("signed", signed),
            (
                "kubectl get bp",
                format!("{head}metadata:\n{OWN}{SERVERS}{SPEC}status:\n  conditions: []\n"),
            ),
            (
                "kubectl get lp",
                format!(
                    "apiVersion: lapwing.dev/v1alpha1\nkind: LearnedProfile\nmetadata:\n  name: deployment-web-app-1\n\
                     {SERVERS}spec: {{workload: {{name: web}}}}\nstatus:\n  phase: Ready\n  profile: |\n    {proposed}\n"
                ),
            ),
        ]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_command_takes_each_form() {
    let ground = Ground::new();
    for (form, text) in ground.forms().await {
        ground.write("plain.yaml", &ground.text("made.yaml"));
        let fresh = || ground.write("web.yaml", &text);
        fresh();
        let said = ground.run(0, "list @web.yaml").await;
        assert!(said.contains("shop/Deployment/web/app"), "{form}: {said}");
        let said = ground.run(0, "show @web.yaml").await;
        assert!(said.contains("/usr/sbin/nginx"), "{form}: {said}");
        ground.run(0, "diff @plain.yaml @web.yaml").await;
        ground.run(0, "diff @web.yaml @plain.yaml").await;
        assert_eq!(
            ground.run(0, "lint @web.yaml").await,
            "nothing found\n",
            "{form}"
        );
        ground.run(0, "replay @web.yaml").await;
        let said = ground.run(0, "import @web.yaml --reason r").await;
        assert!(said.contains("is monitoring now"), "{form}: {said}");
        // None of these saw an image.
        let said = ground.run(1, "attest @web.yaml --key @key.pem").await;
        assert!(!said.contains("not a profile"), "{form}: {said}");

        let said = ground.run(0, "export @web.yaml -o json").await;
        let value: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(value["metadata"].is_object(), form != "plain", "{form}");
        let to = "--to-namespace pay --to-name web-eu";
        ground
            .run(0, &format!("export @web.yaml @other.yaml {to}"))
            .await;
        let said = ground.run(0, "object @other.yaml").await;
        assert!(said.contains("\n  namespace: pay\n"), "{form}: {said}");
        let name = if form == "kubectl get bp" {
            "of-ann"
        } else {
            "deployment-web-eu-app"
        };
        assert!(
            said.contains(&format!("\n  name: {name}\n")),
            "{form}: {said}"
        );

        for (line, words) in [
            (
                "approve exec:_{path:_/bin/a} --profile @web.yaml --reason new",
                "/bin/a",
            ),
            (
                "refuse exec:_{path:_/bin/b} --profile @web.yaml --reason odd",
                "/bin/b",
            ),
            ("demote @web.yaml --reason again", "mode: Learning"),
            ("promote @web.yaml --reason done", "mode: Monitoring"),
        ] {
            ground.run(0, line).await;
            let text = ground.text("web.yaml");
            assert!(text.contains(words), "{form} {line}: {text}");
        }
        let text = ground.text("web.yaml");
        assert!(text.contains("reason: done"), "{form}: {text}");
        for gone in [
            "  uid: 8d3c",
            "managedFields",
            "  generation: 3",
            "conditions",
            "/signature",
            "LearnedProfile",
            "/actor",
        ] {
            assert!(!text.contains(gone), "{form}: {gone}: {text}");
        }
        let kept: &[&str] = match form {
            "plain" => &[],
            "kubectl get bp" => &["name: of-ann", "namespace: shop", "app: web", "team: a"],
            _ => &["name: deployment-web-app", "namespace: shop"],
        };
        for kept in kept {
            assert!(text.contains(kept), "{form}: {kept}: {text}");
        }
        let said = ground.run(1, "diff @plain.yaml @web.yaml").await;
        assert!(said.contains("/bin/a"), "{form}: {said}");

        ground.run(0, "sign @web.yaml --key @key.pem").await;
        ground.run(0, "verify @web.yaml --key @key.pub").await;
        let said = ground
            .run(0, "object @web.yaml --actor bob --reason release_1.4")
            .await;
        for words in [
            "/signature: '{",
            "/actor: bob\n",
            "/reason: \"release 1.4\"\n",
        ] {
            assert!(said.contains(words), "{form}: {words}: {said}");
        }
        assert!(!said.contains("status:"), "{form}: {said}");
        std::fs::remove_file(ground.at("web.yaml.sig.json")).unwrap();
        // What is applied can be taken again, without the file of the signature.
        ground.write("web.yaml", &said);
        ground.run(0, "verify @web.yaml --key @key.pub").await;
        let again = ground.run(0, "object @web.yaml").await;
        assert!(again.contains("/signature: '{"), "{form}: {again}");
        assert!(
            !again.contains("/actor") && !again.contains("/reason"),
            "{form}: {again}"
        );
        ground
            .run(0, "approve exec:_{path:_/bin/c} --profile @web.yaml")
            .await;
        let said = ground.run(1, "verify @web.yaml --key @key.pub").await;
        assert!(said.contains("web.yaml.sig.json"), "{form}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_signed_as_an_annotation_is_checked() {
    let ground = Ground::new();
    let forms = ground.forms().await;
    let signed = &forms.iter().find(|(form, _)| *form == "signed").unwrap().1;
    ground.write("web.yaml", signed);
    let said = ground.run(0, "verify @web.yaml --key @key.pub").await;
    assert!(said.contains("is as signed by"), "{said}");
    ground.run(0, "import @web.yaml --reason r").await;
    ground.write(
        "web.yaml",
        &signed.replace("/usr/sbin/nginx", "/usr/sbin/other"),
    );
    let said = ground.run(1, "verify @web.yaml --key @key.pub").await;
    assert!(
        said.contains("its annotation lapwing.dev/signature"),
        "{said}"
    );
    ground.write(
        "web.yaml",
        &signed.replace("namespace: shop\n", "namespace: pay\n"),
    );
    let said = ground.run(2, "show @web.yaml").await;
    assert!(said.contains("it is in the namespace `pay`"), "{said}");
    ground.write("web.yaml", &signed.replace("  mode:", "  mood:"));
    let said = ground.run(2, "lint @web.yaml").await;
    assert!(said.contains("column 3: unknown key `mood`"), "{said}");
}
