//! A real Docker Compose, which `cargo xtask setup` fetches, lays the service that is advised over users' files, and each
//! setting of the outcome is compared. Merging needs no daemon, so what Docker makes of a setting is not tried. Without
//! Compose the test says so as a skipped one.

mod common;

use common::{advise_seeing, created, web};
use lapwing_advise::Advice;
use lapwing_advise::document::compose_text;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use tempfile::TempDir;

const NAME: &str = "compose_merges_what_is_advised";
/// The one of the documentation (`docs/advise.md`), without Debian's part.
const VERSION: &str = "2.26.1";
/// Settings that advice is of, and those of the same things that a service may have.
const SETTINGS: [&str; 8] = [
    "cap_add",
    "cap_drop",
    "privileged",
    "read_only",
    "security_opt",
    "tmpfs",
    "user",
    "volumes",
];

fn main() -> ExitCode {
    let folder = std::env::var_os("LAPWING_COMPOSE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/compose"),
        PathBuf::from,
    );
    // Lists of tests are asked for by other runners.
    if std::env::args().any(|arg| arg == "--list") {
        println!("{NAME}: test");
        return ExitCode::SUCCESS;
    }
    println!("\nrunning 1 test");
    let compose = Compose(folder.join("docker-compose"));
    let (passed, ignored) = match compose.0.is_file() {
        true => {
            check(&compose);
            println!("test {NAME} ... ok");
            (1, 0)
        }
        false => {
            let place = compose.0.display();
            println!("test {NAME} ... ignored, no {place}: run cargo xtask setup");
            (0, 1)
        }
    };
    println!(
        "\ntest result: ok. {passed} passed; 0 failed; {ignored} ignored; 0 measured; 0 filtered out\n"
    );
    ExitCode::SUCCESS
}

fn check(compose: &Compose) {
    let said = compose.run(Path::new("/"), &["version"]).unwrap();
    assert!(
        said.contains(VERSION),
        "docs/advise.md says what was tried with {VERSION}, and this is {said}"
    );
    lists_of_a_service(compose);
    single_settings(compose);
    what_compose_refuses(compose);
    several_files(compose);
    hostile_names(compose);
}

/// The program.
struct Compose(PathBuf);

impl Compose {
    /// What it says, or its error.
    fn run(&self, folder: &Path, args: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.0);
        // Nothing of whoever runs the test may become part of a file.
        command.env_clear().env("HOME", folder).current_dir(folder);
        let output = command.args(args).output().unwrap();
        let [out, err] =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        match output.status.success() {
            true => Ok(out),
            false => Err(err),
        }
    }

    /// The configuration of files, a later one laid over those before.
    fn merge(&self, files: &[&str]) -> Result<Value, String> {
        let folder = TempDir::new().unwrap();
        let names: Vec<String> = (0..files.len()).map(|it| format!("{it}.yaml")).collect();
        let mut args = Vec::new();
        for (name, text) in names.iter().zip(files) {
            fs::write(folder.path().join(name), text).unwrap();
            args.extend(["-f", name]);
        }
        args.extend(["config", "--format", "json"]);
        let text = self.run(folder.path(), &args)?;
        Ok(serde_json::from_str(&text).unwrap())
    }

    /// Settings of a service `web` that has these, with the advice laid over it: all that there are of [`SETTINGS`].
    fn laid_over(&self, has: &str, advice: &str) -> Result<BTreeMap<&'static str, Value>, String> {
        let lines = has.lines().map(|line| format!("    {line}\n"));
        let service: String = lines.collect();
        let file =
            format!("services:\n  web:\n    image: shop:1\n{service}volumes: {{data: {{}}}}\n");
        let merged = self.merge(&[&file, advice])?;
        let service = &merged["services"]["web"];
        assert_eq!(service["image"], "shop:1");
        let settings = SETTINGS.into_iter();
        let settings = settings.filter_map(|key| Some((key, service.get(key)?.clone())));
        Ok(settings.collect())
    }
}

/// A server that begins as root: `cap_add`, two folders, one with a limit.
fn root() -> Advice {
    advise_seeing(&web())
}

/// Of one user, and no capability is needed.
fn single() -> Advice {
    advise_seeing(&created(&["/tmp/x", "/run/web/y"]))
}

fn settings(all: &Value) -> BTreeMap<&'static str, Value> {
    let all = SETTINGS.map(|key| (key, all[key].clone()));
    all.into_iter().filter(|(_, it)| !it.is_null()).collect()
}

const MANY: &str = "privileged: true
user: '0:0'
read_only: false
cap_add: [SYS_ADMIN, NET_ADMIN, SETUID]
cap_drop: [MKNOD]
security_opt: ['seccomp=unconfined', 'apparmor=docker-default', 'no-new-privileges:false', 'label:user:USER']
tmpfs: ['/run:mode=755', /var/cache/web, '/scratch:size=1m']
volumes:
- data:/data
- {type: tmpfs, target: /tmp, tmpfs: {size: 1000000}}
";

/// What is instead of a list, and what is put behind one.
fn lists_of_a_service(compose: &Compose) {
    let advice = compose_text(&root(), "web", None);
    let plain = json!({
        "cap_add": ["NET_BIND_SERVICE", "SETGID", "SETUID"],
        "cap_drop": ["ALL"],
        "read_only": true,
        "security_opt": ["no-new-privileges=1"],
        "tmpfs": ["/run", "/var/cache/web:size=32m"],
    });
    assert_eq!(compose.laid_over("", &advice).unwrap(), settings(&plain));
    // Where a service has the same already, as it is mostly written.
    for same in [
        "cap_add: [ALL]",
        "cap_drop: [ALL]",
        "privileged: true",
        "read_only: true",
        "tmpfs: /run",
        "tmpfs: [/run]",
        "tmpfs: ['/run', '/var/cache/web:size=32m']",
    ] {
        let merged = compose.laid_over(same, &advice).unwrap();
        assert_eq!(merged, settings(&plain), "{same}");
    }
    for same in [
        "no-new-privileges:true",
        "no-new-privileges=true",
        "no-new-privileges",
    ] {
        let merged = compose.laid_over(&format!("security_opt: ['{same}']"), &advice);
        assert_eq!(
            merged.unwrap()["security_opt"],
            json!([same, "no-new-privileges=1"])
        );
    }
    let merged = compose.laid_over(MANY, &advice).unwrap();
    // Not privileged: Compose leaves out what is false.
    assert_eq!(
        merged,
        settings(&json!({
            "cap_add": ["NET_BIND_SERVICE", "SETGID", "SETUID"],
            "cap_drop": ["MKNOD", "ALL"],
            "read_only": true,
            "security_opt": [
                "seccomp=unconfined", "apparmor=docker-default", "no-new-privileges:false", "label:user:USER",
                "no-new-privileges=1",
            ],
            "tmpfs": ["/run:mode=755", "/var/cache/web", "/scratch:size=1m", "/run", "/var/cache/web:size=32m"],
            // Root was seen, and so another user is not advised.
            "user": "0:0",
            "volumes": [
                {"type": "volume", "source": "data", "target": "/data", "volume": {}},
                {"type": "tmpfs", "target": "/tmp", "tmpfs": {"size": "1000000"}},
            ],
        }))
    );
}

/// What takes the place of a single value, with a seccomp profile and without any capability.
fn single_settings(compose: &Compose) {
    let advice = single();
    let text = compose_text(&advice, "web", Some("lapwing/web.json"));
    for user in ["", "user: '1000:1000'", "user: root", "user: '33:33'"] {
        let has = format!("{user}\ncap_add: [SYS_PTRACE]\nsecurity_opt: ['seccomp=unconfined']");
        let merged = compose.laid_over(&has, &text).unwrap();
        let expected = json!({
            // `cap_add` is gone.
            "cap_drop": ["ALL"],
            "read_only": true,
            "security_opt": ["seccomp=unconfined", "no-new-privileges=1", "seccomp=lapwing/web.json"],
            "tmpfs": ["/run/web:uid=33", "/tmp:uid=33"],
            "user": "33",
        });
        assert_eq!(merged, settings(&expected), "{user}");
    }
    assert!(text.contains("# user: it is instead of"), "{text}");
    // A service that adds no capability has none taken back.
    let merged = compose.laid_over("", &text).unwrap();
    assert_eq!(merged.get("cap_add"), None);
    // A mount of a volume's place stays beside it: Docker refuses that, and the text says so.
    for volume in ["/tmp", "{type: tmpfs, target: /tmp}", "'data:/tmp'"] {
        let merged = compose.laid_over(&format!("volumes: [{volume}]"), &text);
        let merged = merged.unwrap();
        assert_eq!(merged["volumes"][0]["target"], "/tmp", "{volume}");
        assert_eq!(
            merged["tmpfs"],
            json!(["/run/web:uid=33", "/tmp:uid=33"]),
            "{volume}"
        );
    }
    assert!(text.contains("# tmpfs: of two lines"), "{text}");
    // What is blocked changes nothing.
    let blocked = compose_text(&advise_seeing(&created(&["/etc/x"])), "web", None);
    let merged = compose.laid_over(MANY, &blocked).unwrap();
    assert_eq!(merged.get("read_only"), None);
    assert_eq!(merged["tmpfs"].as_array().map(Vec::len), Some(3));
    assert!(!blocked.contains("# tmpfs:"), "{blocked}");
}

/// Why an option is written as it is, and what has no service to be laid over.
fn what_compose_refuses(compose: &Compose) {
    let text = compose_text(&root(), "web", None);
    let usual = text.replace("no-new-privileges=1", "no-new-privileges:true");
    let refused = compose.laid_over("security_opt: ['no-new-privileges:true']", &usual);
    let why = refused.unwrap_err();
    assert!(
        why.contains("security_opt array items[0,1] must be unique"),
        "{why}"
    );
    let why = compose.merge(&[&text]).unwrap_err();
    assert!(
        why.contains("service \"web\" has neither an image"),
        "{why}"
    );
}

/// Over what is itself made of several files, with anchors, extensions and other services.
fn several_files(compose: &Compose) {
    let base = "x-hard: &hard\n  cap_drop: [ALL]\n  tmpfs: [/run]\n\
        services:\n  db: {image: db, cap_add: [SYS_NICE], tmpfs: /run}\n  web:\n    <<: *hard\n    build: .\n";
    let more = "services:\n  web:\n    extends: {service: base}\n    image: shop:1\n  base:\n    image: base\n    \
        cap_add: [CHOWN, SYS_ADMIN]\n    security_opt: ['label:disable']\n";
    let advice = compose_text(&root(), "web", None);
    let merged = compose.merge(&[base, more, &advice]).unwrap();
    let services = &merged["services"];
    for (service, key, expected) in [
        (
            "web",
            "cap_add",
            json!(["NET_BIND_SERVICE", "SETGID", "SETUID"]),
        ),
        ("web", "cap_drop", json!(["ALL"])),
        ("web", "tmpfs", json!(["/run", "/var/cache/web:size=32m"])),
        (
            "web",
            "security_opt",
            json!(["label:disable", "no-new-privileges=1"]),
        ),
        ("web", "read_only", json!(true)),
        ("db", "cap_add", json!(["SYS_NICE"])),
        ("db", "tmpfs", json!(["/run"])),
        ("db", "read_only", Value::Null),
        ("base", "cap_add", json!(["CHOWN", "SYS_ADMIN"])),
    ] {
        assert_eq!(
            services[service][key], expected,
            "{service}.{key}: {merged}"
        );
    }
}

/// Names that YAML and Compose take for something else.
fn hostile_names(compose: &Compose) {
    let names = [
        "$x", "${HOME}", "$$", "~", "a b", "#", "'", "\"", "- x", "yes", "017", "*a", "&a", "!!x",
        "|", "\u{e9}", "{}", "%", "@", "`", "[", "?", "!reset",
    ];
    let paths: Vec<String> = names.iter().map(|name| format!("/data/{name}/x")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let advice = advise_seeing(&created(&paths));
    let folders = advice.root.folders.iter().map(|it| &*it.path);
    let folders: Vec<String> = folders.map(|path| format!("{path}:uid=33")).collect();
    assert_eq!(folders.len(), names.len(), "{folders:?}");
    for service in [
        "web", "yes", "017", "1e3", "null", "1.5", "a.b_c-d", "0x1f", "-",
    ] {
        let text = compose_text(&advice, service, Some("lapwing/a$b.json"));
        let file = json!({"services": {service: {"image": "shop:1"}}}).to_string();
        let merged = compose.merge(&[&file, &text]).unwrap();
        assert_eq!(
            merged["services"].as_object().map(serde_json::Map::len),
            Some(1)
        );
        let merged = &merged["services"][service];
        let list = |key: &str| -> Vec<String> {
            let list = merged[key]
                .as_array()
                .unwrap_or_else(|| panic!("{key}: {merged}"));
            // What it prints could be read again, so it doubles each dollar.
            let texts = list
                .iter()
                .map(|it| it.as_str().unwrap().replace("$$", "$"));
            texts.collect()
        };
        assert_eq!(list("tmpfs"), folders, "{service}");
        assert_eq!(list("security_opt")[1], "seccomp=lapwing/a$b.json");
        assert_eq!(merged["user"], "33");
    }
}
