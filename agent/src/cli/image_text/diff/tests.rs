use super::*;
use crate::cli::image_text::tests::{basis, hostile, score};
use lapwing_image::budget::Line;
use lapwing_image::diff::{Files, Layers, Packages, SCHEMA};
use lapwing_image::report::{Size, Sum};

fn long() -> String {
    format!("/{}{}", "long/".repeat(60), hostile())
}

fn first<T>(first: Vec<T>) -> First<T> {
    First { first, more: 3 }
}

fn both<T: Clone>(one: T) -> Changes<T> {
    Changes {
        old: 1,
        new: 2,
        added: first(vec![one.clone(); 12]),
        removed: first(vec![one]),
    }
}

fn side(used: Option<Used>) -> Side {
    Side {
        name: Some(hostile()),
        digest: None,
        id: Some("sha256:00".into()),
        platform: hostile(),
        system: Some(long()),
        size: Size {
            packed: 10,
            bytes: 1_000_000,
            visible: 1,
            files: 1,
        },
        layers: 1,
        packages: 1,
        packages_not_read: vec![long()],
        hidden: 5,
        duplicate: 0,
        not_searched: 1,
        score: score(),
        used,
        in_use: None,
        notes: vec![long(), "a note ".repeat(30)],
    }
}

fn diff() -> Diff {
    let sum = Sum { count: 1, bytes: 2 };
    let program = Program {
        path: long(),
        target: Some(long()),
        bytes: 1,
        package: Some(long()),
    };
    let file = |before, after| File {
        path: long(),
        before,
        after,
        package: Some(long()),
    };
    let versions = || first(vec![long(); 4]);
    let package = || Package {
        kind: "python",
        name: long(),
        before: versions(),
        after: versions(),
        bytes_before: 10,
        bytes_after: 1_500_010,
    };
    let layer = Layer {
        number: 1,
        diff_id: None,
        folder: None,
        packed: 1,
        bytes: 1_234_567,
        files: 1,
        deletions: 0,
        hidden: 999,
        command: Some(long()),
    };
    let used = Used {
        workload: hostile(),
        basis: basis(),
        caution: "caution",
        says: false,
        same_image: Some(false),
        ran: sum,
        not_seen: sum,
        unknown: sum,
        ran_percent: 12.34,
        not_seen_percent: 3.0,
        unknown_percent: 84.66,
        programs_not_seen_percent: Some(19.6),
    };
    let mut new = side(Some(used));
    new.in_use = Some(OfInventory {
        workload: hostile(),
        since: Some(long()),
        until: Some(long()),
        instances: 2,
        learning: None,
        incomplete: vec![long()],
        losses: vec![long()],
        caution: "nobody",
        says: false,
        same_image: Some(false),
        used: sum,
        not_seen: sum,
        unknown: sum,
        used_percent: 20.0,
        not_seen_percent: 30.0,
        unknown_percent: 50.0,
    });
    new.platform = "linux/arm64".into();
    new.id = Some("sha256:01".into());
    new.name = Some("shop:2".into());
    new.size.bytes = 1_500_000;
    new.score.parts[1].is_met = true;
    new.score.points = 30;
    Diff {
        schema: SCHEMA,
        old: side(None),
        new,
        layers: Layers {
            shared: sum,
            added: first(vec![layer.clone()]),
            added_bytes: 7,
            added_hidden: 3,
            removed: first(vec![layer]),
            removed_bytes: 8,
        },
        files: Files {
            added: sum,
            removed: sum,
            changed: sum,
            changed_growth: -5,
            grown: first(vec![file(None, Some(9_900_000)), file(Some(1), Some(3))]),
            shrunk: first(vec![file(Some(999_999_999), None)]),
        },
        packages: Packages {
            added: first(vec![package()]),
            removed: first(vec![package()]),
            changed: first(vec![package()]),
        },
        shells: both(program.clone()),
        package_managers: both(program.clone()),
        compilers: both(program),
        set_id: both(SetId {
            path: long(),
            mode: "4755".into(),
            package: Some(long()),
        }),
        file_capabilities: both(Capable {
            path: long(),
            capabilities: vec!["CAP_CHOWN".into(); 41],
            package: Some(long()),
        }),
        world_writable: both(long()),
        secrets: both(Secret {
            place: long(),
            kind: "registry login (base64 in a Docker configuration)",
            layer: Some(100),
            hidden_by: Some(200),
        }),
        secrets_not_compared: 5,
    }
}

fn judgement() -> Judgement {
    let line = |verdict, text: String| Line {
        limit: "maxLayers".into(),
        verdict,
        figure: Some(1.0),
        allowed: 1.0,
        text,
        offenders: First::default(),
    };
    Judgement {
        within: false,
        lines: vec![
            line(Verdict::Kept, "maxLayers: fine".into()),
            line(Verdict::Exceeded, format!("maxLayers: {} x", long())),
            line(Verdict::CannotBeJudged, "maxLayers: cannot ".repeat(20)),
        ],
    }
}

fn text(diff: &Diff, judgement: Option<&Judgement>) -> String {
    let mut out = anstream::StripStream::new(Vec::new());
    write(&mut out, diff, judgement).unwrap();
    String::from_utf8(out.into_inner()).unwrap()
}

#[test]
fn a_difference_reads_well_fits_and_hides_nothing() {
    let text = text(&diff(), Some(&judgement()));
    let name = "/x\\x1b[2J\\xe2\\x80\\xae";
    for part in [
        &format!("{name} -> shop:2  linux/arm64\nold  image id sha256:00\n"),
        "! they are for different platforms, /x",
        "files of all layers      1.0 MB  1.5 MB  +500.0 kB (+50.0 %)\n",
        "hidden by later layers   5 B     5 B     same\n",
        "hardening score, of 100  15      30      +15\n",
        "used share\n  old  not known: no profile or inventory of it (--old-profile, --old-use)\n",
        "  new  used 20.0 %, not seen to be used 30.0 %, unknown 50.0 % of what a container sees\n",
        "! it was made under other images, not this one\n",
        "  new  ran 12.3 %, not seen to run 3.0 %, unknown 84.7 % of what a container sees\n",
        "       of the bytes of programs, 19.6 % were not seen to run\n",
        &format!("       incomplete: {name}\n"),
        "       ! it learned of other images, and not of this one\n",
        "layers  1 shared of 2 B, 4 added of 7 B, 4 removed of 8 B\n  +   1    1.2 MB  /long/",
        "files  1 added of 2 B, 1 removed of 2 B, 1 changed (-5 B)\n  largest growth:\n    +9.9 MB new   /long/",
        "  largest loss:\n  -1000.0 MB gone  /long/",
        "    and 3 more (-o json)\n",
        "packages  4 added, 4 removed, 4 of another version\n",
        "  ~   +1.5 MB  python /long/",
        "shells  1 -> 2\n  + /long/",
        "  + and 5 more (-o json)\n  - /long/",
        "  ! 5 more likely secrets were not compared\n",
        "hardening score  15 -> 30 of 30\n",
        "no shell  15      no   yes  /x",
        "notes\n  old  1 file not searched for secrets to the end\n",
        "budget  not within it, 1 of 3 kept\n  ok  maxLayers: fine\n  !!  maxLayers:\n",
        "  ??  maxLayers: cannot",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    // Lines break anywhere between words.
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.join(" ").contains(
        "instances: 1, coverage at least 0.999 (unknown for 2 classes), events were lost"
    ));
    let hidden = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!text.contains(hidden), "{text:?}");
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert!(!text.contains("unchanged"), "{text}");
}

#[test]
fn what_is_the_same_is_told_in_one_place() {
    let empty = |old: &Side| Diff {
        old: old.clone(),
        new: old.clone(),
        layers: Layers {
            added: First::default(),
            removed: First::default(),
            ..diff().layers
        },
        files: Files::default(),
        packages: Packages::default(),
        shells: Changes::default(),
        package_managers: Changes::default(),
        compilers: Changes::default(),
        set_id: Changes::default(),
        file_capabilities: Changes::default(),
        world_writable: Changes::default(),
        secrets: Changes::default(),
        secrets_not_compared: 0,
        ..diff()
    };
    let text = text(&empty(&side(None)), None);
    for part in [
        "both are the same image\n",
        "files of all layers      1.0 MB  1.0 MB  same\n",
        "unchanged\n  layers (1 shared of 2 B); files; packages; shells (0); package managers (0);",
        "hardening score (15 of 30)\n",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert!(
        !text.contains("budget") && !text.contains("platforms"),
        "{text}"
    );
}
