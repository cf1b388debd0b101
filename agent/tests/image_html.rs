//! `lapwing advise image -o html` in a real browser, with an image whose names are an attack.

mod beside;
mod picture;
mod saved;

use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};
use picture::Picture;
use saved::{Entity, lapwing, save, tar_of};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The browser, as `xtask/src/browser.rs` looks for it: without a screen, or with one as Debian has it, of
/// which the second is the program. One of a snap may not read what a test writes.
const BROWSER: &str = "chromium-headless-shell";
const WITH_SCREEN: [&str; 2] = ["/usr/bin/chromium", "/usr/lib/chromium/chromium"];
/// What a page says that had its way.
const OWNED: &str = "document.title='owned'";
/// Patience with the browser.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::var_os("LAPWING_CHROMIUM").map(PathBuf::from);
    let found = found.or_else(|| {
        std::env::split_paths(&path)
            .map(|folder| folder.join(BROWSER))
            .find(|program| program.is_file())
    });
    let [command, program] = WITH_SCREEN.map(PathBuf::from);
    let found = found.or_else(|| (command.is_file() && program.is_file()).then_some(command));
    let found = found.ok_or_else(|| format!("no {BROWSER} on the path"));
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
                let keep = keep.clone();
                // One that says nothing keeps nobody waiting.
                std::thread::spawn(move || {
                    let mut line = String::new();
                    let _ = stream.set_read_timeout(Some(PATIENCE));
                    let _ = BufReader::new(stream).read_line(&mut line);
                    keep.lock().unwrap().push(line);
                });
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
                "--hide-scrollbars",
                "--force-device-scale-factor=1",
                "--force-color-profile=srgb",
                // The light colours.
                "--blink-settings=preferredColorScheme=1",
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

    /// Hosts outside that it asked for and that a page names, and forgets them. What a page without scripts
    /// loads it names; others a browser asks for on its own.
    fn asked_for(&self, page: &str) -> Vec<String> {
        let lines = std::mem::take(&mut *self.asked.lock().unwrap());
        let hosts = lines.iter().filter_map(|line| {
            let target = line.split_whitespace().nth(1)?;
            let target = target.split_once("://").map_or(target, |(_, rest)| rest);
            target.split(['/', ':']).next().map(str::to_owned)
        });
        hosts
            .filter(|host| !host.is_empty() && page.contains(host))
            .collect()
    }

    /// A page as it is drawn.
    fn draws(&self, page: &str) -> Picture {
        self.run(page, &["--screenshot=page.png"]);
        let png = fs::read(self.folder.join("page.png")).unwrap();
        if let Some(target) = std::env::var_os("LAPWING_PICTURES") {
            fs::write(PathBuf::from(target).join(format!("{page}.png")), &png).unwrap();
        }
        Picture::read(&png)
    }

    /// Where the map of a page is drawn: left, top, width. A script says so, which the page's own policy
    /// would not let run.
    fn place(&self, page: &str) -> [f64; 3] {
        let policy = page.find("<meta http-equiv=").unwrap();
        let behind = policy + page[policy..].find('>').unwrap() + 1;
        let script = "<script>const box = document.querySelector('figure svg').getBoundingClientRect();\
                      document.title = [box.x, box.y, box.width].join(' ')</script></body>";
        let measured = [&page[..policy], &page[behind..]].concat();
        let measured = measured.replace("</body>", script);
        fs::write(self.folder.join("measured.html"), measured).unwrap();
        let dom = self.run("measured.html", &["--dump-dom"]);
        let title = dom.split_once("<title>").unwrap().1;
        let title = title.split_once("</title>").unwrap().0;
        let numbers: Vec<f64> = title.split(' ').map(|it| it.parse().unwrap()).collect();
        numbers.try_into().unwrap()
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
    let used = ["/usr/sbin/web", "/usr/lib/libweb.so", "/etc/os-release"].map(str::to_owned);
    let used = used.into_iter().chain([format!("/{}", names[0])]);
    write_use(folder, &format!("web<script>{OWNED}</script>"), used);
}

/// An inventory of use of a workload that opened these.
fn write_use(folder: &Path, workload: &str, paths: impl Iterator<Item = String>) {
    let mut known = Inventory::default();
    known.begin("c1", true);
    for path in paths {
        known.see(Sight {
            path: path.as_bytes(),
            how: uses::OPEN,
            changed: false,
            at: 1_790_000_000,
            image: 0,
        });
    }
    let export = Export::of(workload, &known);
    let json = serde_json::to_vec(&export).unwrap();
    fs::write(folder.join("use.json"), json).unwrap();
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

/// A box of a map, in its units.
struct Drawn<'t> {
    class: &'t str,
    bytes: u64,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl Drawn<'_> {
    fn area(&self) -> f64 {
        self.width * self.height
    }
}

/// The boxes of a document.
fn boxes(dom: &str) -> Vec<Drawn<'_>> {
    let tags = dom.split("<rect ").skip(1);
    let tags = tags.map(|rest| &rest[..rest.find('>').unwrap()]);
    tags.filter(|tag| tag.contains(" data-bytes="))
        .map(|tag| {
            let number = |name: &str| attribute(tag, name).parse().unwrap();
            let class = tag.strip_prefix("class=\"").unwrap();
            Drawn {
                class: &class[..1],
                bytes: attribute(tag, "data-bytes").parse().unwrap(),
                x: number("x"),
                y: number("y"),
                width: number("width"),
                height: number("height"),
            }
        })
        .collect()
}

/// The colour that a page's style sheet has first under a name, which is that of light.
fn colour(page: &str, name: &str) -> [u8; 3] {
    let digits = page.split_once(&format!("--{name}: #")).unwrap().1;
    [0, 2, 4].map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
}

/// Whether the boxes of a page have their colours where they are drawn, and the rest of it its own.
fn has_its_colours(picture: &Picture, page: &str, place: [f64; 3]) -> Result<(), String> {
    let [left, top, width] = place;
    let all = boxes(page);
    let around = |class: &str| -> Vec<[u8; 3]> {
        let of = all.iter().filter(|it| it.class == class);
        let of = of.max_by(|one, other| one.area().total_cmp(&other.area()));
        let of = of.unwrap_or_else(|| panic!("no {class}"));
        let scale = width / 1200.0;
        let x = left + (of.x + of.width / 2.0) * scale;
        let y = top + (of.y + of.height / 2.0) * scale;
        let pixels = (0..81).map(|at| (f64::from(at % 9) - 4.0, f64::from(at / 9) - 4.0));
        pixels
            .map(|(right, down)| picture.at(x + right, y + down))
            .collect()
    };
    let used = colour(page, "used");
    if let Some(other) = around("u").iter().find(|it| **it != used) {
        return Err(format!("a used box has {other:?}"));
    }
    let (ground, stripe) = (colour(page, "seen0"), colour(page, "seen1"));
    // Edges of stripes are between both.
    let is_between = |it: &[u8; 3]| {
        (0..3).all(|at| {
            let (one, other) = (ground[at], stripe[at]);
            (one.min(other)..=one.max(other)).contains(&it[at])
        })
    };
    let seen = around("n");
    if let Some(other) = seen.iter().find(|it| !is_between(it)) {
        return Err(format!("a box that was not seen has {other:?}"));
    }
    if !seen.contains(&ground) || seen.iter().all(|it| *it == ground) {
        return Err("a box that was not seen is not hatched".to_owned());
    }
    match picture.at(3.0, 3.0) {
        it if it == colour(page, "page") => Ok(()),
        other => Err(format!("the page has {other:?}")),
    }
}

fn check(program: &Path) {
    // `cargo xtask test` has it run as a user who may write nowhere else.
    let folder = tempfile::tempdir().unwrap();
    let browser = Browser::new(program, folder.path());
    // What this browser does with a page that nobody made safe: else the rest would prove nothing.
    let unsafe_page =
        format!("<img src=http://out.test/i onerror={OWNED}><script>{OWNED}</script>");
    fs::write(folder.path().join("unsafe.html"), &unsafe_page).unwrap();
    let dom = browser.run("unsafe.html", &["--dump-dom"]);
    assert!(dom.contains("<title>owned</title>"), "{dom}");
    assert!(!browser.asked_for(&unsafe_page).is_empty());

    image(folder.path());
    let (code, page, errors) = lapwing(
        folder.path(),
        "advise image image.tar --use use.json -o html",
    );
    assert_eq!(code, 0, "{errors}");
    fs::write(folder.path().join("page.html"), &page).unwrap();
    let dom = browser.run("page.html", &["--dump-dom"]);
    assert_eq!(browser.asked_for(&page), Vec::<String>::new());
    is_only_text(&dom);

    let (_, json, _) = lapwing(
        folder.path(),
        "advise image image.tar --use use.json -o json",
    );
    let report: Value = serde_json::from_str(&json).unwrap();
    is_in_proportion(&dom, &report);
    shows_what_it_rests_on(&dom);
    let place = browser.place(&page);
    has_its_colours(&browser.draws("page.html"), &page, place).unwrap();
    assert_eq!(browser.asked_for(&page), Vec::<String>::new());
    // A page whose policy keeps its style sheet out.
    let digest = page.find("'sha256-").unwrap() + "'sha256-".len();
    let mut broken = page.clone();
    let other = match broken[digest..].starts_with('A') {
        true => "B",
        false => "A",
    };
    broken.replace_range(digest..=digest, other);
    fs::write(folder.path().join("broken.html"), &broken).unwrap();
    let told = has_its_colours(&browser.draws("broken.html"), &page, place);
    assert!(told.is_err(), "nothing is wrong with a page without style");
    shows_each_layer(&browser);
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

/// Of many layers that are thin, each is drawn.
fn shows_each_layer(browser: &Browser<'_>) {
    let names: Vec<String> = (0..128).map(|number| format!("srv/{number}")).collect();
    let layers = names.iter().map(|name| {
        let file: Entity<'_> = (name.as_bytes(), 0o644, vec![1; 20_000]);
        tar_of(&[file])
    });
    let layers: Vec<_> = layers.collect();
    save(&browser.folder.join("many.tar"), &[("many:1", &layers)]);
    write_use(
        browser.folder,
        "many",
        names.iter().map(|it| format!("/{it}")),
    );
    let line = "advise image many.tar --use use.json -o html";
    let (code, page, errors) = lapwing(browser.folder, line);
    assert_eq!(code, 0, "{errors}");
    fs::write(browser.folder.join("many.html"), &page).unwrap();
    let all = boxes(&page);
    assert_eq!(all.len(), names.len());
    assert_eq!(page.matches("<rect class=\"g\" ").count(), names.len());
    for part in [
        "rows too thin for a name, from the top: layer 1 (20.0 kB), layer 2 (20.0 kB)",
        " and 88 more</li>",
    ] {
        assert!(page.contains(part), "no `{part}`");
    }
    let [left, top, width] = browser.place(&page);
    let (picture, used) = (browser.draws("many.html"), colour(&page, "used"));
    for of in &all {
        let scale = width / 1200.0;
        let (x, y) = (of.x + of.width / 2.0, of.y + of.height / 2.0);
        assert_eq!(picture.at(left + x * scale, top + y * scale), used, "{y}");
    }
}

fn is_in_proportion(dom: &str, report: &Value) {
    let all = boxes(dom);
    let bytes: u64 = all.iter().map(|it| it.bytes).sum();
    let area: f64 = all.iter().map(Drawn::area).sum();
    assert_eq!(bytes, report["size"]["visible"]);
    assert!((area - 1104.0 * 640.0).abs() < 1.0, "{area}");
    for one in &all {
        let share = one.bytes as f64 / bytes as f64;
        let wanted = share * 1104.0 * 640.0;
        // Sides are written in thousandths.
        assert!(
            (one.area() - wanted).abs() < 0.5 + wanted / 500.0,
            "{} {}: {}, {wanted}",
            one.class,
            one.bytes,
            one.area()
        );
    }
    for (class, name) in [("u", "used"), ("n", "notSeen"), ("k", "unknown")] {
        let of = all.iter().filter(|it| it.class == class);
        let sum: u64 = of.map(|it| it.bytes).sum();
        assert_eq!(sum, report["used"][name]["bytes"], "{name}");
    }
    let has = |class| all.iter().any(|it| it.class == class);
    assert!(has("u") && has("n"));
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
