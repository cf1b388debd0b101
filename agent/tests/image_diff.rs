//! `lapwing image diff` as a pipeline runs it: the real binary, tars of `docker save` and OCI layouts,
//! budgets, and how it ends.

mod saved;

use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;
use saved::{digits, save, tar_of};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const KEY: &str =
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n";

fn base() -> Vec<u8> {
    let elf = |size: usize| [b"\x7fELF", &vec![7; size - 4][..]].concat();
    let status = "Package: web\nStatus: install ok installed\nVersion: 1.0\n\n\
                  Package: tools\nStatus: install ok installed\nVersion: 2\n\n";
    tar_of(&[
        (b"usr/bin/web", 0o755, elf(60_000)),
        (b"usr/bin/tool", 0o755, elf(30_000)),
        (b"usr/lib/libweb.so.1", 0o644, vec![1; 10_000]),
        (b"var/lib/dpkg/status", 0o644, status.into()),
        (
            b"var/lib/dpkg/info/tools.list",
            0o644,
            b"/usr/bin/tool\n".to_vec(),
        ),
    ])
}

/// What the new image has besides, with names that would reach into a terminal.
fn more() -> Vec<u8> {
    let status = "Package: web\nStatus: install ok installed\nVersion: 1.1\n\n\
                  Package: \x1b[31mevil\nStatus: install ok installed\nVersion: \x1b]0;x\x07\n\n";
    tar_of(&[
        (b"bin/sh", 0o755, vec![2; 100]),
        (b"usr/bin/\x1b[2J\xe2\x80\xaesudo", 0o4755, vec![3; 200]),
        (b"data/\x1b]0;title\x07", 0o644, vec![4; 250_000]),
        (b"srv/key.pem", 0o600, KEY.into()),
        (b"usr/lib/.wh.libweb.so.1", 0o644, Vec::new()),
        (b"var/lib/dpkg/status", 0o644, status.into()),
    ])
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        save(&folder.path("old.tar"), &[("shop:1", &[base()])]);
        save(&folder.path("new.tar"), &[("shop:2", &[base(), more()])]);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn budget(&self, text: impl AsRef<[u8]>) {
        fs::write(self.path("budget.yaml"), text).unwrap();
    }

    /// Exit code, output and errors.
    fn run(&self, line: &str) -> (i32, String, String) {
        saved::lapwing(self.0.path(), &format!("image diff {line}"))
    }

    fn json(&self, line: &str) -> (i32, Value) {
        let (code, out, errors) = self.run(&format!("{line} -o json"));
        let value = serde_json::from_str(&out);
        (
            code,
            value.unwrap_or_else(|error| panic!("{error}: {out}{errors}")),
        )
    }
}

fn profile(lines: &[&str]) -> Profile {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    let mut profile = Profile::new(workload, Mode::Learning);
    for line in lines {
        let entry = Entry::parse(line).unwrap();
        profile.observe(&Sighting {
            entry,
            at: 1_790_000_000_000_000_000,
        });
    }
    let by = By {
        actor: "ann",
        reason: "reviewed",
        at: 1_790_000_000_000_000_000,
    };
    profile.promote(by).unwrap();
    profile
}

#[test]
fn what_came_is_told_and_nothing_hostile_reaches_a_terminal() {
    let folder = Folder::new();
    let (code, out, errors) = folder.run("old.tar new.tar");
    assert_eq!((code, &*errors), (0, ""));
    for part in [
        "shop:1 -> shop:2  linux/amd64\n",
        "layers  1 shared of 100.1 kB, 1 added of 250.5 kB, 0 removed of 0 B\n",
        "  +250.0 kB new   /data/\\x1b]0;title\\x07\n",
        "   -10.0 kB gone  /usr/lib/libweb.so.1\n",
        "deb    \\x1b[31mevil  \\x1b]0;x\\x07\n",
        "deb    web  1.0 -> 1.1\n",
        "deb    tools  2\n",
        "shells  0 -> 1\n  + /bin/sh\n",
        "set-id programs  0 -> 1\n  + 4755  /usr/bin/\\x1b[2J\\xe2\\x80\\xaesudo\n",
        "likely secrets  0 -> 1\n  + /srv/key.pem: private key (PEM), layer 2\n",
        "hardening score  85 -> 35 of 100\n",
        "  new  not known: no profile or inventory of it (--new-profile, --new-use)\n",
    ] {
        assert!(out.contains(part), "no `{part}` in {out}");
    }
    let (code, whole) = folder.json("old.tar new.tar");
    assert_eq!(code, 0);
    assert_eq!(whole["schema"], 1);
    assert_eq!(whole["budget"], Value::Null);
    assert_eq!(whole["new"]["used"], Value::Null);
    assert_eq!(
        whole["files"]["grown"]["first"][0]["path"],
        "/data/\\x1b]0;title\\x07"
    );
    assert_eq!(
        whole["secrets"]["added"]["first"][0]["place"],
        "/srv/key.pem"
    );
    assert_eq!(whole["old"]["score"]["points"], 85);
    for text in [out, whole.to_string()] {
        let hidden = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!text.contains(hidden), "{text:?}");
        assert!(!text.contains("MIIE"), "{text}");
    }
}

#[test]
fn equal_images_differ_in_nothing_and_keep_any_budget_of_growth() {
    let folder = Folder::new();
    folder.budget(
        "maxGrowthMB: 0\nmaxGrowthPercent: 0\n\
         forbidNew: [shell, packageManager, compiler, setId, capability, secret]\n",
    );
    // The same image by another way: a folder with an OCI layout.
    let layout = folder.path("layout");
    fs::create_dir_all(layout.join("blobs/sha256")).unwrap();
    let put = |bytes: &[u8]| {
        fs::write(layout.join("blobs/sha256").join(digits(bytes)), bytes).unwrap();
        format!("sha256:{}", digits(bytes))
    };
    let (base, more) = (put(&base()), put(&more()));
    let config =
        json!({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [base, more]}});
    let config = put(config.to_string().as_bytes());
    let manifest =
        json!({"config": {"digest": config}, "layers": [{"digest": base}, {"digest": more}]});
    let manifest = put(manifest.to_string().as_bytes());
    let index = json!({"manifests": [{"digest": manifest}]});
    fs::write(layout.join("index.json"), index.to_string()).unwrap();
    for line in ["new.tar new.tar", "new.tar layout", "layout new.tar"] {
        let (code, out, errors) = folder.run(&format!("{line} --budget budget.yaml"));
        assert_eq!((code, &*errors), (0, ""), "{out}");
        assert!(out.contains("both are the same image\n"), "{out}");
        assert!(!out.contains("\n  + ") && !out.contains("\n  - "), "{out}");
        assert!(out.contains("budget  within it\n"), "{out}");
        let (code, whole) = folder.json(&format!("{line} --budget budget.yaml"));
        assert_eq!((code, &whole["budget"]["within"]), (0, &json!(true)));
        assert_eq!(whole["files"]["grown"], json!({"first": [], "more": 0}));
        assert_eq!(whole["layers"]["shared"]["count"], 2);
        assert_eq!(whole["budget"]["lines"].as_array().unwrap().len(), 8);
    }
}

#[test]
fn each_line_beyond_the_budget_is_a_sentence_with_figure_limit_and_offender() {
    let folder = Folder::new();
    for (line, sentence) in [
        (
            "maxSizeMB: 0.35",
            "maxSizeMB: the layers hold 0.351 MB, of 0.35 MB that are allowed: layer 2 of 250.5 kB, layer \
             1 of 100.1 kB",
        ),
        (
            "maxGrowthMB: 0.2",
            "maxGrowthMB: the layers grew by 0.251 MB, of 0.2 MB that are allowed: /data/\\x1b]0;title\\x07 +250.0 kB, /usr/bin/\\x1b[2J\\xe2\\x80\\xaesudo +200 B, \
             /bin/sh +100 B and 2 more",
        ),
        (
            "maxGrowthPercent: 100",
            "maxGrowthPercent: the layers grew by 250.2 %, of 100 % that are allowed",
        ),
        (
            "maxLayers: 1",
            "maxLayers: there are 2 layers, of 1 that are allowed: new is layer 2 of 250.5 kB",
        ),
        (
            "maxWastedMB: 0.005",
            "maxWastedMB: 0.010 MB are wasted, of 0.005 MB that are allowed; 10.1 kB in files that later layers \
             hide, 0 B in copies: /usr/lib/libweb.so.1 hidden 10.0 kB",
        ),
        (
            "minHardeningScore: 36",
            "minHardeningScore: the score is 35 of 100, and 36 is wanted: no likely secret (20 points; 1: \
             /srv/key.pem",
        ),
        (
            "forbid: [shell]",
            "forbid: shell: shells found: 1, of 0 that are allowed: /bin/sh",
        ),
        (
            "forbidNew: [setId]",
            "forbidNew: setId: new set-id programs: 1, of 0 that are allowed: 4755 /usr/bin/\\x1b[2J\\xe2\\x80\\xaesudo",
        ),
        (
            "forbidNew: [secret]",
            "forbidNew: secret: new likely secrets: 1, of 0 that are allowed: /srv/key.pem (private key (PEM))",
        ),
        (
            "maxUnusedPercent: 90",
            "maxUnusedPercent: cannot be judged: no profile says what of the new image runs: give one that \
             was learned of it with --new-profile FILE",
        ),
    ] {
        folder.budget(
            format!("maxLayers: 100\n{line}\n").replace("maxLayers: 100\nmaxLayers", "maxLayers"),
        );
        let (code, whole) = folder.json("old.tar new.tar --budget budget.yaml");
        assert_eq!(code, 1, "{line}");
        let lines = whole["budget"]["lines"].as_array().unwrap();
        let bad: Vec<&Value> = lines
            .iter()
            .filter(|line| line["verdict"] != "kept")
            .collect();
        assert_eq!(bad.len(), 1, "{line}: {lines:?}");
        let text = bad[0]["text"].as_str().unwrap();
        assert!(text.starts_with(sentence), "{text}");
        let (code, out, errors) = folder.run("old.tar new.tar --budget budget.yaml");
        assert_eq!(code, 1, "{line}");
        assert!(
            errors.contains("not within the budget budget.yaml: "),
            "{errors}"
        );
        let words: Vec<&str> = out.split_whitespace().collect();
        assert!(words.join(" ").contains(sentence), "{out}");
    }
    // Each limit of what both images are exactly is kept.
    folder.budget("maxLayers: 2");
    let (_, whole) = folder.json("old.tar new.tar --budget budget.yaml");
    let bytes = whole["new"]["size"]["bytes"].as_u64().unwrap();
    folder.budget(format!(
        "maxSizeMB: {}\nmaxLayers: 2\nminHardeningScore: 35\nforbid: [compiler, capability]\n",
        bytes as f64 / 1e6
    ));
    let (code, out, errors) = folder.run("old.tar new.tar --budget budget.yaml");
    assert_eq!((code, &*errors), (0, ""), "{out}");
}

#[test]
fn the_used_share_stands_beside_its_coverage_and_is_judged_only_where_it_is_known() {
    let folder = Folder::new();
    let learned = profile(&["exec: {path: /usr/bin/web, parent: runtime}"]);
    fs::write(folder.path("web.yaml"), learned.to_yaml()).unwrap();
    let (code, out, errors) = folder.run("old.tar old.tar --new-profile web.yaml");
    assert_eq!((code, &*errors), (0, ""));
    for part in [
        "  old  not known: no profile or inventory of it (--old-profile, --old-use)\n",
        "  new  ran 59.9 %, not seen to run 30.0 %, unknown 10.1 % of what a container sees\n",
        "       of the bytes of programs, 33.3 % were not seen to run\n",
        "       by the profile of /Workload/web: observed for",
        "incomplete: ",
    ] {
        let part = part.replace("/Workload/web", &learned.workload.to_string());
        assert!(out.contains(&part), "no `{part}` in {out}");
    }
    for (line, code, verdict, part) in [
        // All that is unknown may be unused, and that is within it.
        (
            "maxUnusedPercent: 45",
            0,
            "kept",
            "at most 40.1 % of the bytes",
        ),
        (
            "maxUnusedPercent: 35",
            1,
            "cannotBeJudged",
            "10.1 % are unknown",
        ),
        (
            "maxUnusedPercent: 35",
            1,
            "cannotBeJudged",
            "set maxUnusedProgramsPercent",
        ),
        (
            "maxUnusedProgramsPercent: 34",
            0,
            "kept",
            "at most 33.3 % of the bytes of programs",
        ),
        // More might run if it were observed for longer.
        (
            "maxUnusedProgramsPercent: 33",
            1,
            "cannotBeJudged",
            "a profile that is incomplete (",
        ),
        (
            "maxUnusedPercent: 20",
            1,
            "cannotBeJudged",
            "learned for longer",
        ),
    ] {
        folder.budget(line);
        let (found, whole) =
            folder.json("old.tar old.tar --new-profile web.yaml --budget budget.yaml");
        let judged = &whole["budget"]["lines"][0];
        assert_eq!(
            (found, judged["verdict"].as_str().unwrap()),
            (code, verdict),
            "{line}: {judged}"
        );
        let text = judged["text"].as_str().unwrap();
        assert!(text.contains(part) && text.contains("coverage "), "{text}");
        assert!(!text.contains("unused by"), "{text}");
    }
    // One that saw other programs says nothing of this image.
    let other = profile(&["exec: {path: /usr/bin/other, parent: runtime}"]);
    fs::write(folder.path("other.yaml"), other.to_yaml()).unwrap();
    folder.budget("maxUnusedPercent: 100");
    let (code, whole) =
        folder.json("old.tar old.tar --new-profile other.yaml --budget budget.yaml");
    let judged = &whole["budget"]["lines"][0];
    assert_eq!(
        (code, judged["verdict"].as_str().unwrap()),
        (1, "cannotBeJudged"),
        "{judged}"
    );
    assert!(
        judged["text"]
            .as_str()
            .unwrap()
            .contains("too few of the programs"),
        "{judged}"
    );
}

#[test]
fn bad_budgets_and_bad_usage_end_with_2_and_bad_images_with_1() {
    let folder = Folder::new();
    for (text, part) in [
        (
            &b"maxLayers: 1\nmaxLayer: 1\n"[..],
            "budget.yaml: line 2, column 1: unknown key `maxLayer`",
        ),
        (b"forbid: [shells]\n", "budget.yaml: line 1, column 10:"),
        (
            b"maxSizeMB: big\n",
            "budget.yaml: line 1, column 12: a number is wanted here",
        ),
        (b"# later\n", "budget.yaml: it sets no limit"),
        (
            b"maxLayers: 1\n\xff",
            "budget.yaml: line 2, byte 1: not UTF-8",
        ),
        (b"\x1b[2J: 1\n", "budget.yaml: line 1"),
    ] {
        folder.budget(text);
        let (code, out, errors) = folder.run("old.tar new.tar --budget budget.yaml");
        assert_eq!((code, &*out), (2, ""), "{errors}");
        assert!(errors.contains(part), "no `{part}` in {errors}");
        assert!(
            !errors
                .trim_end()
                .contains(|c: char| c.is_control() && c != '\n'),
            "{errors:?}"
        );
    }
    folder.budget("maxLayers: 1\n# ".to_owned() + &"x".repeat(70_000));
    let (code, _, errors) = folder.run("old.tar new.tar --budget budget.yaml");
    assert!(
        code == 2 && errors.contains("more than the 65536"),
        "{errors}"
    );
    save(
        &folder.path("both.tar"),
        &[("shop:1", &[base()]), ("shop:2", &[base(), more()])],
    );
    for (line, code, part) in [
        (
            "old.tar new.tar --budget none.yaml",
            2,
            "cannot read none.yaml",
        ),
        ("old.tar", 2, "<NEW>"),
        (
            "both.tar both.tar --old-image shop:1",
            2,
            "the new image, both.tar",
        ),
        (
            "both.tar both.tar --old-image shop:3 --new-image shop:1",
            2,
            "the old image, both.tar",
        ),
        ("none.tar new.tar", 1, "the old image, none.tar"),
        ("old.tar budget.yaml", 1, "the new image, budget.yaml"),
        ("old.tar new.tar --new-profile none.yaml", 1, "none.yaml"),
        (
            "old.tar new.tar --max-entries 3",
            1,
            "raise it with --max-entries",
        ),
    ] {
        let (found, out, errors) = folder.run(line);
        assert_eq!((found, &*out), (code, ""), "{line}: {errors}");
        assert!(errors.contains(part), "no `{part}` in {errors}");
    }
    let (code, out, errors) = folder.run("both.tar both.tar --old-image shop:1 --new-image shop:2");
    assert_eq!((code, &*errors), (0, ""));
    assert!(
        out.contains("1 shared of 100.1 kB, 1 added of 250.5 kB"),
        "{out}"
    );
}
