//! Lines of a budget that hang on what is known.

mod common;

use common::base::export;
use common::{Image, Layer};
use lapwing_image::budget::{Budget, Line, Verdict};
use lapwing_image::diff::Diff;
use lapwing_image::{Limits, Options, Wanted};
use lapwing_profile::entry::Entry;
use lapwing_profile::inventory::export::{Export, Learning};
use lapwing_profile::inventory::uses;
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;

fn profile() -> Profile {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    let mut profile = Profile::new(workload, Mode::Learning);
    profile.observe(&Sighting {
        entry: Entry::parse("exec: {path: /usr/bin/web, parent: runtime}").unwrap(),
        at: 1_790_000_000_000_000_000,
    });
    profile
}

fn image() -> Image {
    let elf = |size: usize| [b"\x7fELF", &vec![7; size - 4][..]].concat();
    let status = "Package: tools\nStatus: install ok installed\nVersion: 2\n\n";
    Image::of(vec![
        Layer::default()
            .program("usr/bin/web", elf(500))
            .program("usr/bin/tool", elf(200))
            .file("usr/lib/lib.so", vec![1; 1_000])
            .file("var/lib/dpkg/status", status)
            .file("var/lib/dpkg/info/tools.list", "/usr/bin/tool\n"),
    ])
}

fn open(image: &Image, profile: Option<&Profile>) -> lapwing_image::Image {
    open_used(image, profile, None)
}

fn open_used(
    image: &Image,
    profile: Option<&Profile>,
    export: Option<&Export>,
) -> lapwing_image::Image {
    let known = export.map(|export| export.inventory().unwrap());
    let options = Options {
        wanted: Wanted::default(),
        limits: Limits::default(),
        hide: &|_| 0,
        profile,
        inventory: export.zip(known.as_ref()),
        sbom: None,
    };
    lapwing_image::Image::read(image.path(), &options).unwrap()
}

fn judge(text: &str, diff: &Diff, new: &lapwing_image::Image) -> Line {
    let budget = Budget::parse(text.as_bytes()).unwrap();
    let judgement = budget.judge(diff, new.report());
    assert_eq!(judgement.lines.len(), 1);
    let line = judgement.lines[0].clone();
    assert_eq!(judgement.within, line.verdict == Verdict::Kept);
    line
}

#[test]
fn what_is_unused_is_exceeded_only_by_a_complete_profile_of_this_image() {
    let (image, profile) = (image(), profile());
    let new = open(&image, Some(&profile));
    let mut diff = Diff::of(&new, &new);
    let used = |diff: &mut Diff, complete, same_image| {
        let used = diff.new.used.as_mut().unwrap();
        used.basis.complete = complete;
        used.same_image = same_image;
    };
    let programs = "maxUnusedProgramsPercent: 20";
    let line = judge(programs, &diff, &new);
    assert_eq!(line.verdict, Verdict::CannotBeJudged, "{}", line.text);
    used(&mut diff, true, Some(true));
    let line = judge(programs, &diff, &new);
    assert_eq!(line.verdict, Verdict::Exceeded, "{}", line.text);
    assert!(
        line.text.starts_with(
            "maxUnusedProgramsPercent: 28.6 % of the bytes of programs are of those that were not seen to \
             run, of 20 % that are allowed; observed for "
        ),
        "{}",
        line.text
    );
    assert!(
        line.text.ends_with("; packages: tools 200 B"),
        "{}",
        line.text
    );
    assert_eq!(line.offenders.first, ["tools 200 B"]);
    // Between 200 and all but the 500 that ran of 1749 bytes.
    for (limit, verdict) in [
        (11, Verdict::Exceeded),
        (12, Verdict::CannotBeJudged),
        (71, Verdict::CannotBeJudged),
        (72, Verdict::Kept),
    ] {
        let line = judge(&format!("maxUnusedPercent: {limit}"), &diff, &new);
        assert_eq!(line.verdict, verdict, "{}", line.text);
    }
    // What ran of another image says nothing of this one.
    used(&mut diff, true, Some(false));
    let line = judge("maxUnusedPercent: 100", &diff, &new);
    assert_eq!(line.verdict, Verdict::CannotBeJudged, "{}", line.text);
    assert!(
        line.text.contains("learned of other images"),
        "{}",
        line.text
    );
}

#[test]
fn growth_of_nothing_has_no_percent() {
    let (empty, image) = (Image::of(vec![Layer::default()]), image());
    let (old, new) = (open(&empty, None), open(&image, None));
    let line = judge("maxGrowthPercent: 1000", &Diff::of(&old, &new), &new);
    assert_eq!(line.verdict, Verdict::CannotBeJudged, "{}", line.text);
    assert!(line.text.contains("set maxGrowthMB"), "{}", line.text);
    let back = judge("maxGrowthPercent: 0", &Diff::of(&new, &old), &old);
    assert_eq!((back.verdict, back.figure), (Verdict::Kept, Some(-100.0)));
    assert!(back.text.contains("shrank by 100.0 %"), "{}", back.text);
    let same = judge("maxGrowthPercent: 0", &Diff::of(&old, &old), &old);
    assert_eq!((same.verdict, same.figure), (Verdict::Kept, Some(0.0)));
}

#[test]
fn secrets_beyond_those_that_are_kept_are_not_taken_for_old_ones() {
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n";
    let many = (0..1_001).fold(Layer::default(), |layer, number| {
        layer.file(&format!("keys/{number:04}"), key)
    });
    let image = Image::of(vec![many]);
    let new = open(&image, None);
    let line = judge("forbidNew: [secret]", &Diff::of(&new, &new), &new);
    assert_eq!(line.verdict, Verdict::CannotBeJudged, "{}", line.text);
    let line = judge("forbid: [secret]", &Diff::of(&new, &new), &new);
    assert_eq!(
        (line.verdict, line.figure),
        (Verdict::Exceeded, Some(1_001.0))
    );
    assert_eq!(line.offenders.count(), 1_001);
    assert!(line.text.ends_with("and 998 more"), "{}", line.text);
}

#[test]
fn an_inventory_judges_the_share_of_files_without_bounds() {
    let image = image();
    let mut used = export(&[
        ("/usr/bin/web", uses::EXEC),
        ("/usr/lib/lib.so", uses::OPEN),
    ]);
    let judged = |text: &str, used: &Export| {
        let new = open_used(&image, None, Some(used));
        judge(text, &Diff::of(&new, &new), &new)
    };
    // Of 1,769 bytes the program of 200 and dpkg's of 69 were not seen.
    let kept = judged("maxUnusedPercent: 16", &used);
    assert_eq!(kept.verdict, Verdict::Kept, "{}", kept.text);
    let exceeded = judged("maxUnusedPercent: 10", &used);
    assert_eq!(exceeded.verdict, Verdict::Exceeded, "{}", exceeded.text);
    assert!(
        exceeded
            .text
            .contains("instances: 1, coverage unknown, nothing known to be lost; packages: tools "),
        "{}",
        exceeded.text
    );
    let programs = judged("maxUnusedProgramsPercent: 10", &used);
    assert_eq!(programs.verdict, Verdict::CannotBeJudged);
    // What lacks something, or is of another image, never shows that it is exceeded.
    used.missing.gaps = 1;
    let line = judged("maxUnusedPercent: 10", &used);
    assert_eq!(line.verdict, Verdict::CannotBeJudged, "{}", line.text);
    assert!(
        line.text
            .contains("some of it lost or not seen; incomplete: 1 times the agent"),
        "{}",
        line.text
    );
    // Where it is kept, what that rests on is told as well.
    used.learning = Some(Learning {
        mode: "learning".to_owned(),
        observed: "2 days".to_owned(),
        coverage: Some(0.999_9),
        incomplete: vec!["it still learns".to_owned()],
    });
    let kept = judged("maxUnusedPercent: 16", &used);
    assert_eq!(kept.verdict, Verdict::Kept);
    for part in [
        "by an inventory: first use ",
        "observed for 2 days, coverage at least 0.999, mode: learning, some of it lost or not seen; incomplete: 1 \
         times the agent",
        "; it still learns",
    ] {
        assert!(kept.text.contains(part), "no `{part}` in {}", kept.text);
    }
    used.learning = None;
    used.missing.gaps = 0;
    used.images = vec![format!("web@sha256:{}", "0".repeat(64))];
    let line = judged("maxUnusedPercent: 16", &used);
    assert_eq!(line.verdict, Verdict::CannotBeJudged, "{}", line.text);
}

#[test]
fn only_what_new_layers_hold_and_hide_is_told_of_growth() {
    let base = || Layer::default().file("old", vec![1; 3_000]);
    let grown = || Layer::default().file("new", vec![2; 9_000]);
    let gone = || Layer::default().file(".wh.old", "").file(".wh.new", "");
    let old = open(&Image::of(vec![base()]), None);
    // The growth is all of the new layer, which hides what both images have.
    let new = Image::of(vec![base(), Layer::default().file("old", vec![3; 9_000])]);
    let new = open(&new, None);
    let text = "maxGrowthMB: 0.001";
    let line = judge(text, &Diff::of(&old, &new), &new);
    assert_eq!(line.verdict, Verdict::Exceeded);
    assert!(!line.text.contains("hide"), "{}", line.text);
    let new = open(&Image::of(vec![base(), grown(), gone()]), None);
    for text in [text, "maxGrowthPercent: 1"] {
        let line = judge(text, &Diff::of(&old, &new), &new);
        assert!(
            line.text
                .contains("9.0 kB of the new layers in files that later ones hide"),
            "{}",
            line.text
        );
    }
}
