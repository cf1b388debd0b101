use super::*;
use crate::cli::image_text::tests::{first, hostile};
use lapwing_image::base::{BaseLayers, Brought, By, Language, Linked, Need, Requirement};
use lapwing_image::inventory::Split;
use lapwing_image::report::{First, Sum};

pub(in crate::cli) fn base() -> Base {
    let sum = Sum {
        count: 3,
        bytes: 4_000,
    };
    let need = |requirement, base, decides| Need {
        requirement,
        base,
        decides,
        what: hostile(),
        by: first(vec![hostile()]),
    };
    Base {
        kind: Kind::Slim,
        contains: Kind::Slim.contains(),
        known: hostile(),
        languages: vec![Language::Python],
        by: "inventory",
        why_unknown: None,
        incomplete: vec![hostile()],
        requirements: vec![
            need(Requirement::Shell, Kind::Slim, true),
            need(Requirement::Glibc, Kind::Glibc, false),
        ],
        next_smaller: Some(Kind::Glibc),
        layers: BaseLayers {
            count: 2,
            by: By::History,
            why: "the history says so",
        },
        files: Split {
            used: sum,
            ..Split::default()
        },
        saves: Some(sum),
        bring: first(vec![Brought {
            path: hostile(),
            bytes: 5,
            package: Some(hostile()),
        }]),
        check: vec![hostile()],
        program: Some(hostile()),
        linked: Linked {
            statically: 1,
            glibc: 2,
            ..Linked::default()
        },
        caution: "it is no promise",
    }
}

pub(in crate::cli) fn unknown() -> Base {
    Base {
        kind: Kind::Unknown,
        why_unknown: Some("nothing was given"),
        check: Vec::new(),
        requirements: Vec::new(),
        next_smaller: None,
        saves: None,
        bring: First::default(),
        ..base()
    }
}

fn text(base: &Base) -> String {
    let mut out = anstream::StripStream::new(Vec::new());
    write(&mut out, base).unwrap();
    String::from_utf8(out.into_inner()).unwrap()
}

#[test]
fn what_decides_stands_before_what_is_needed_besides_and_what_to_check() {
    let name = "/x\\x1b[2J\\xe2\\x80\\xae";
    let text = text(&base());
    let mut at = 0;
    for part in [
        &format!(
            "a smaller base  one of the kind `slim` has what programs and libraries in use ask for\n  it has {}\n  as {name}\n  by the \
             inventory of use\n  INCOMPLETE: {name}\n  its base now: the first 2 layers; the history says so\n",
            Kind::Slim.contains()
        ),
        "  of that used 4.0 kB in 3 files, not seen to be used 0 B in 0 files, unknown 0 B in 0 files\n  at least 4.0 kB in \
         3 files of that would go",
        &format!(
            "  what keeps it from the kind `glibc`:\n    {name}, by {name} and 3 more\n  needed besides:\n    {name}, by \
             {name} and 3 more (glibc)\n"
        ),
        &format!(
            "brought along, as such a base may lack it:\n           5 B  {name}  ({name})\n    and 3 more"
        ),
        &format!(
            "  its program: {name}\n  programs in it: 1 static, 2 linked with glibc\n  to be checked:\n    {name}\n  it is no \
             promise\n"
        ),
    ] {
        let found = text[at..].find(part);
        at += found.unwrap_or_else(|| panic!("no `{part}` after {at} in {text}"));
    }
    let hidden = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!text.contains(hidden), "{text:?}");
}

#[test]
fn what_is_not_known_is_told_without_a_kind() {
    let text = text(&unknown());
    for part in [
        "a smaller base  unknown\n  nothing was given\n",
        "  how much of that would go is not known\n",
        "  programs in it: 1 static, 2 linked with glibc\n",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    for absent in ["slim", "to be checked", "keeps it", "no promise"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
}
