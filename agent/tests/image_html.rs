//! `lapwing advise image -o html` in a real browser, with an image whose names are an attack.

mod beside;
mod saved;

use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};
use saved::{Entity, lapwing, save, tar_of};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Names of the browser, in Debian's packages.
const BROWSERS: &[&str] = &["chromium-headless-shell", "chromium"];
/// What a page says that had its way.
const OWNED: &str = "document.title='owned'";
/// Patience with the browser.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::var_os("LAPWING_CHROMIUM").map(PathBuf::from);
    let found = found.or_else(|| {
        let all = BROWSERS
            .iter()
            .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)));
        all.into_iter().find(|program| program.is_file())
    });
    let found = found.ok_or_else(|| "no chromium on the path".to_owned());
    beside::test(
        "a_browser_draws_what_an_image_has",
        found,
        async |browser| {
            check(&browser);
        },
    )
}

/// A browser whose every request would come to a proxy that keeps them.
struct Browser<'a> {
    program: &'a Path,
    folder: &'a Path,
    proxy: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl<'a> Browser<'a> {
    fn new(program: &'a Path, folder: &'a Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let keep = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut line = String::new();
                let _ = BufReader::new(stream).read_line(&mut line);
                keep.lock().unwrap().push(line.trim().to_owned());
            }
        });
        Self {
            program,
            folder,
            proxy,
            asked,
        }
    }

    /// Runs it on a page, and answers what it prints.
    fn run(&self, page: &str, more: &[&str]) -> String {
        let profile = tempfile::tempdir_in(self.folder).unwrap();
        let output = fs::File::create(profile.path().join("output")).unwrap();
        let mut command = Command::new(self.program);
        command
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--window-size=1280,1800",
            ])
            .arg(format!("--proxy-server={}", self.proxy))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(more)
            .arg(format!("file://{}", self.folder.join(page).display()))
            .env("HOME", profile.path())
            .current_dir(self.folder)
            .stdout(output)
            .stderr(fs::File::create(profile.path().join("errors")).unwrap());
        let start = Instant::now();
        let mut child = command.spawn().unwrap();
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if start.elapsed() > PATIENCE => {
                    child.kill().unwrap();
                    break child.wait().unwrap();
                }
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        };
        let read = |name| fs::read_to_string(profile.path().join(name)).unwrap();
        assert!(status.success(), "{status}: {}", read("errors"));
        read("output")
    }

    /// What it was asked for outside, and forgets it.
    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// A name of at most 100 bytes, as tar has it, that has its way if it is taken for markup.
fn hostile() -> Vec<String> {
    vec![
        format!("srv/<script>{OWNED}<!--x/f"),
        format!("srv/<img src=http:out.test onerror={OWNED}>/f"),
        format!("srv/\"><svg onload={OWNED}>/f"),
        format!("srv/' onmouseover={OWNED} x='/f"),
        format!("srv/]]></title></svg><style>*{{display:none}}/{OWNED}"),
        "srv/line\nbreak\u{202e}gpj&amp;lt;/f".to_owned(),
    ]
}

fn image(folder: &Path) {
    let elf = |size: usize| [b"\x7fELF", &vec![1; size][..]].concat();
    let owner = format!(
        "Package: web<img onerror={OWNED}>\nStatus: install ok installed\nVersion: \"><b onclick={OWNED}>\n\n"
    );
    let status = format!("{owner}Package: tools\nStatus: install ok installed\nVersion: 1\n\n");
    let list = format!("var/lib/dpkg/info/web<img onerror={OWNED}>.list");
    let system = format!("PRETTY_NAME=\"<script>{OWNED}</script>\"\n");
    let base: Vec<Entity<'_>> = vec![
        (b"etc/os-release", 0o644, system.into_bytes()),
        (b"usr/bin/tool", 0o755, elf(300_000)),
        (b"usr/share/doc/tool", 0o644, vec![2; 120_000]),
        (b"var/lib/dpkg/status", 0o644, status.into_bytes()),
        (
            b"var/lib/dpkg/info/tools.list",
            0o644,
            b"/usr/bin/tool\n/usr/share/doc/tool\n".to_vec(),
        ),
        (
            list.as_bytes(),
            0o644,
            b"/usr/sbin/web\n/usr/lib/libweb.so\n".to_vec(),
        ),
        (b"usr/sbin/web", 0o755, elf(200_000)),
        (b"usr/lib/libweb.so", 0o644, elf(90_000)),
        (b"tiny", 0o644, vec![3; 7]),
    ];
    let names = hostile();
    let mut upper: Vec<Entity<'_>> = { names.iter().enumerate() }
        .map(|(number, name)| {
            (
                name.as_bytes(),
                0o644,
                vec![number as u8; 40_000 + 9_000 * number],
            )
        })
        .collect();
    upper.push((b"srv/data", 0o644, vec![9; 1_200_000]));
    let layers = [tar_of(&base), tar_of(&upper)];
    let name = format!("shop<script>{OWNED}</script>:1");
    save(&folder.join("image.tar"), &[(&name, &layers)]);
    let mut known = Inventory::default();
    known.begin("c1", true);
    let used = [
        "/usr/sbin/web",
        "/usr/lib/libweb.so",
        "/etc/os-release",
        &format!("/{}", names[0]),
    ];
    for path in used {
        known.see(Sight {
            path: path.as_bytes(),
            how: uses::OPEN,
            changed: false,
            at: 1_790_000_000,
            image: 0,
        });
    }
    let export = Export::of(&format!("web<script>{OWNED}</script>"), &known);
    fs::write(
        folder.join("use.json"),
        serde_json::to_vec(&export).unwrap(),
    )
    .unwrap();
}

/// The value of an attribute in the beginning of an element.
fn attribute<'t>(tag: &'t str, name: &str) -> &'t str {
    let start = format!(" {name}=\"");
    let at = tag
        .find(&start)
        .unwrap_or_else(|| panic!("no {name} in {tag}"));
    let rest = &tag[at + start.len()..];
    &rest[..rest.find('"').unwrap()]
}

/// The boxes of a document: class, bytes, area.
fn boxes(dom: &str) -> Vec<(&str, u64, f64)> {
    let tags = dom.split("<rect ").skip(1);
    let tags = tags.map(|rest| &rest[..rest.find('>').unwrap()]);
    let number = |tag: &str, name: &str| attribute(tag, name).parse::<f64>().unwrap();
    tags.filter(|tag| tag.contains(" data-bytes="))
        .map(|tag| {
            let class = tag.strip_prefix("class=\"").unwrap();
            let bytes = attribute(tag, "data-bytes").parse().unwrap();
            (
                &class[..1],
                bytes,
                number(tag, "width") * number(tag, "height"),
            )
        })
        .collect()
}

fn check(program: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let browser = Browser::new(program, folder.path());
    // What this browser does with a page that nobody made safe: else the rest would prove nothing.
    let unsafe_page =
        format!("<img src=http://out.test/i onerror={OWNED}><script>{OWNED}</script>");
    fs::write(folder.path().join("unsafe.html"), unsafe_page).unwrap();
    let dom = browser.run("unsafe.html", &["--dump-dom"]);
    assert!(dom.contains("<title>owned</title>"), "{dom}");
    let asked = browser.requests();
    assert!(
        asked.iter().any(|it| it.contains("out.test/i")),
        "{asked:?}"
    );

    image(folder.path());
    let (code, page, errors) = lapwing(
        folder.path(),
        "advise image image.tar --use use.json -o html",
    );
    assert_eq!(code, 0, "{errors}");
    fs::write(folder.path().join("page.html"), &page).unwrap();
    let dom = browser.run("page.html", &["--dump-dom"]);
    assert_eq!(browser.requests(), Vec::<String>::new());
    is_only_text(&dom);

    let (_, json, _) = lapwing(
        folder.path(),
        "advise image image.tar --use use.json -o json",
    );
    let report: Value = serde_json::from_str(&json).unwrap();
    is_in_proportion(&dom, &report);
    shows_what_it_rests_on(&dom);
    browser.run("page.html", &["--screenshot=page.png"]);
    let picture = fs::read(folder.path().join("page.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 20_000);
    assert_eq!(browser.requests(), Vec::<String>::new());
    if let Some(target) = std::env::var_os("LAPWING_PICTURE") {
        fs::write(target, picture).unwrap();
    }
}

/// No element and no attribute is the image's, and all names are shown.
fn is_only_text(dom: &str) {
    assert!(dom.contains("what of it is used</title>"));
    assert!(!dom.contains("<title>owned"), "a script of the image ran");
    for element in [
        "<script",
        "<img",
        "<iframe",
        "<b onclick",
        "<svg onload",
        "<link",
        "<object",
    ] {
        assert!(!dom.contains(element), "{element} came to be");
    }
    assert_eq!(dom.matches("<style>").count(), 1);
    let mut rest = dom;
    while let Some(at) = rest.find('<') {
        // Attributes' values are in quotes, in which the browser escapes what would end a tag.
        let tag = &rest[at..at + rest[at..].find('>').unwrap()];
        let outside: String = tag.split('"').step_by(2).collect();
        assert!(!outside.contains(" on"), "{tag}");
        rest = &rest[at + tag.len()..];
    }
    for shown in [
        "&lt;script&gt;document.title='owned'&lt;!--x",
        "onerror=document.title",
        "line\\x0abreak\\xe2\\x80\\xaegpj",
        "&amp;amp;lt;",
    ] {
        assert!(dom.contains(shown), "no {shown}");
    }
    assert!(!dom.contains('\u{202e}'));
}

fn is_in_proportion(dom: &str, report: &Value) {
    let all = boxes(dom);
    let (mut bytes, mut area) = (0, 0.0);
    for (_, one, of) in &all {
        bytes += one;
        area += of;
    }
    assert_eq!(bytes, report["size"]["visible"]);
    assert!((area - 1104.0 * 640.0).abs() < 1.0, "{area}");
    for (class, one, of) in &all {
        let share = *one as f64 / bytes as f64;
        let wanted = share * 1104.0 * 640.0;
        // Sides are written in thousandths.
        assert!(
            (of - wanted).abs() < 0.5 + wanted / 500.0,
            "{class} {one}: {of}, {wanted}"
        );
    }
    for (class, name) in [("u", "used"), ("n", "notSeen"), ("k", "unknown")] {
        let sum: u64 = { all.iter() }
            .filter(|(of, ..)| *of == class)
            .map(|(_, bytes, _)| bytes)
            .sum();
        assert_eq!(sum, report["used"][name]["bytes"], "{name}");
    }
    assert!(
        all.iter().any(|(class, ..)| *class == "u") && all.iter().any(|(class, ..)| *class == "n")
    );
}

fn shows_what_it_rests_on(dom: &str) {
    for part in [
        "instances: 1",
        "coverage unknown",
        "What can be saved",
        "They overlap",
        "layer 2",
        "hardening score",
    ] {
        assert!(dom.contains(part), "no {part}");
    }
}
