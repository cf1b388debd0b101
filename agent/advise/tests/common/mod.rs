//! Profiles as learning makes them, of a few lines each.
#![allow(dead_code, reason = "each test has its own part of this")]

use lapwing_advise::document::Target;
use lapwing_advise::manifest::{List, Shape};
use lapwing_advise::policy::Selects;
use lapwing_advise::{Advice, Given};
use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::provenance::Source;
use lapwing_profile::provenance::mounts::Mount;
use lapwing_profile::workload::Workload;
use lapwing_profile::written::Found;
use std::collections::BTreeSet;

/// A time, in nanoseconds since the Unix epoch.
pub const AT: i64 = 1_790_000_000_000_000_000;

/// A profile of `shop/Deployment/web/app` that knows nothing.
pub fn profile() -> Profile {
    let workload = Workload {
        namespace: "shop".into(),
        kind: "Deployment".into(),
        name: "web".into(),
        container: "app".into(),
        ..Workload::default()
    };
    Profile::new(workload, Mode::Learning)
}

/// Something was done, on this kind of mount, by this user.
pub fn see(profile: &mut Profile, line: &str, mount: Option<Mount>, uid: u32) {
    let entry = Entry::parse(line).unwrap();
    let sighting = Sighting {
        entry: entry.clone(),
        at: AT,
    };
    profile.observe(&sighting);
    let source = Source {
        executable: Some("/usr/sbin/web"),
        uids: [uid, uid],
        mount,
        ..Source::default()
    };
    profile.attribute(&entry, &source);
}

/// A person approves of an entry.
pub fn approve(profile: &mut Profile, line: &str) {
    let by = By {
        actor: "ann",
        reason: "reviewed",
        at: AT,
    };
    profile.approve(&Entry::parse(line).unwrap(), by).unwrap();
}

/// Files that were created on the image's root, by user 33.
pub fn created(paths: &[&str]) -> Profile {
    let mut profile = profile();
    for path in paths {
        let line = format!("file: {{operation: CREATE, path: {path:?}}}");
        see(&mut profile, &line, Some(Mount::Image), 33);
    }
    profile
}

/// Advice, by the default conditions and without a manifest.
pub fn advise(profile: &Profile) -> Advice {
    Advice::of(profile, &Given::default())
}

/// The folders that are to be mounts.
pub fn folders(advice: &Advice) -> Vec<&str> {
    let all = advice.root.folders.iter();
    all.map(|folder| &*folder.path).collect()
}

/// Advice where the sensor is known to see uses of capabilities.
pub fn advise_seeing(profile: &Profile) -> Advice {
    let given = Given {
        sees_capabilities: Some(true),
        ..Given::default()
    };
    Advice::of(profile, &given)
}

/// A web server that starts as root: the profile of the golden files.
pub fn web() -> Profile {
    let mut profile = profile();
    for (line, mount, uid) in [
        ("exec: {path: /usr/sbin/web, parent: runtime}", None, 0),
        (
            "file: {operation: CREATE, path: /run/web.pid}",
            Some(Mount::Image),
            0,
        ),
        (
            "file: {operation: CREATE, path: /var/cache/web/a}",
            Some(Mount::Image),
            33,
        ),
        (
            "file: {operation: CREATE, path: /data/x}",
            Some(Mount::Volume),
            33,
        ),
        (
            "egress: {protocol: TCP, domain: api.example.com, port: 443}",
            None,
            33,
        ),
        (
            "egress: {protocol: TCP, address: 192.0.2.7, port: 5432}",
            None,
            33,
        ),
        ("listen: {protocol: TCP, port: 80}", None, 0),
        ("dns: {name: api.example.com, type: A}", None, 33),
        (
            "privilege: {operation: CAPABILITY, detail: CAP_NET_BIND_SERVICE}",
            None,
            0,
        ),
        (
            "privilege: {operation: CAPABILITY, detail: CAP_SETGID}",
            None,
            0,
        ),
        (
            "privilege: {operation: CAPABILITY, detail: CAP_SETUID}",
            None,
            0,
        ),
    ] {
        see(&mut profile, line, mount, uid);
    }
    let found = Found {
        bytes: 9 << 20,
        files: 3,
        ..Found::default()
    };
    profile.written.take("/var/cache/web", found, AT);
    profile
}

/// A container of a Deployment.
pub fn target() -> Target {
    Target {
        shape: Shape::Template,
        container: "app".into(),
        list: List::Containers,
        keeps_seccomp: false,
        localhost: None,
        volumes: BTreeSet::new(),
    }
}

/// Its pods.
pub fn selects() -> Selects {
    Selects {
        name: "web-app-lapwing".into(),
        namespace: "shop".into(),
        labels: [("app".to_owned(), "web".to_owned())].into(),
    }
}

/// What there is of the server that [`web`] is the profile of, as a person writes it and as a server hands it out.
pub const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  uid: 2f6b1e0a-8a53-4d7f-9d3e-111111111111
  resourceVersion: '4711'
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{}'
    owner: ann
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostNetwork: no
      containers:
      - name: proxy
        image: proxy:1
      - name: app
        image: shop/web:1
        env: [{name: MODE, value: '0644'}]
        securityContext:
          privileged: true
          capabilities: {add: [SYS_ADMIN]}
          seccompProfile: {type: Unconfined}
        volumeMounts: [{name: keys, mountPath: /keys}]
      volumes:
      - name: keys
        secret: {secretName: keys, defaultMode: 0440}
status: {replicas: 2}
";
