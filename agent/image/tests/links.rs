//! Links that lead out of an image, in the build that copies what was used.

mod common;

use common::base::report;
use common::{Image, Layer};
use lapwing_image::inventory::copy::Copy;
use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};

/// A server that logs as nginx's official image does, on a base as Debian's.
fn server() -> Layer {
    Layer::default()
        .program("usr/sbin/nginx", "\x7fELF")
        .file("etc/nginx/nginx.conf", "http {}")
        .symlink("etc/mtab", "/proc/mounts")
        .folder("run", 0o755)
        .symlink("var/run", "../run")
        .symlink("var/log/nginx/access.log", "/dev/stdout")
        .symlink("var/log/nginx/error.log", "/dev/stderr")
}

fn copy(layer: Layer) -> Copy {
    let mut known = Inventory::default();
    known.begin("c1", true);
    for path in ["/usr/sbin/nginx", "/etc/nginx/nginx.conf"] {
        known.see(Sight {
            path: path.as_bytes(),
            how: uses::OPEN,
            changed: false,
            at: 1_790_000_000,
            image: 0,
        });
    }
    let image = Image::of(vec![layer]);
    let report = report(&image, Some(&Export::of("web", &known)));
    report.used.unwrap().copy
}

fn links(copy: &Copy) -> Vec<(&str, &str)> {
    (copy.links.iter())
        .map(|it| (&*it.path, &*it.target))
        .collect()
}

/// Whether a link is there in what is built: made anew, or in a folder that is copied as a whole.
fn has(copy: &Copy, path: &str) -> bool {
    let is_in = |folder: &String| path.starts_with(&format!("{folder}/"));
    copy.links.iter().any(|it| it.path == path) || copy.folders.iter().any(is_in)
}

#[test]
fn links_to_what_a_container_is_given_are_kept_with_their_folders() {
    let copy = copy(server());
    for path in [
        "/etc/mtab",
        "/var/run",
        "/var/log/nginx/access.log",
        "/var/log/nginx/error.log",
    ] {
        assert!(has(&copy, path), "no {path} in {copy:?}");
    }
    // What the link leads to is there as well.
    assert!(copy.made.iter().any(|it| it.path == "/run"), "{copy:?}");
    let text = copy.dockerfile("shop:1", &[]);
    let said = text.lines().next().unwrap();
    assert!(
        said.starts_with("# WARNING: logs go to the container's output by links")
            && said.contains("hides (an emptyDir")
            && said.ends_with(": /var/log/nginx/access.log, /var/log/nginx/error.log"),
        "{said}"
    );
}

#[test]
fn a_link_is_kept_with_those_it_leads_over() {
    // As images do that have one place for logs, and devices of their own.
    let layer = Layer::default()
        .program("usr/sbin/nginx", "\x7fELF")
        .file("etc/nginx/nginx.conf", "http {}")
        .symlink("var/log/app/app.log", "/logs/app.log")
        .symlink("logs", "/srv/logs")
        .symlink("srv/logs/app.log", "/dev/stdout")
        .symlink("dev/stdout", "/proc/self/fd/1");
    let copy = copy(layer);
    for path in ["/var/log/app/app.log", "/logs", "/srv/logs/app.log"] {
        assert!(has(&copy, path), "no {path} in {copy:?}");
    }
    assert!(!has(&copy, "/dev/stdout"), "{copy:?}");
    let said = copy.warnings.join("\n");
    assert!(
        said.ends_with(": /srv/logs/app.log, /var/log/app/app.log"),
        "{said}"
    );
}

#[test]
fn links_to_nothing_are_kept_where_their_folder_is_and_told_of_elsewhere() {
    let layer = server()
        .symlink("etc/nginx/tls", "/secrets/tls")
        .symlink("etc/nginx/here", "nowhere")
        .symlink("opt/unused/link", "/data/x")
        .symlink("opt/unused/a", "b")
        .symlink("opt/unused/b", "a")
        .file("opt/unused/file", "x")
        .symlink("opt/unused/to", "file");
    let copy = copy(layer);
    assert!(has(&copy, "/etc/nginx/tls") && has(&copy, "/etc/nginx/here"));
    let told = copy.warnings.first().unwrap();
    assert!(
        told.starts_with("1 links that lead to nothing") && told.ends_with(": /opt/unused/link"),
        "{told}"
    );
    let kept = links(&copy);
    assert!(
        kept.iter().all(|(path, _)| !path.starts_with("/opt")),
        "{kept:?}"
    );
}
