use super::*;
use lapwing_image::report::{Duplicate, HiddenBy, HiddenFile, SCHEMA, Secret, Size};

/// With what hides in every text that is not canonical by itself.
fn report() -> Report {
    let hostile = || "/x\u{1b}[2J\u{202e}".to_owned();
    let first = |paths: Vec<String>| First {
        first: paths,
        more: 3,
    };
    Report {
        schema: SCHEMA,
        name: Some(hostile()),
        digest: None,
        id: "sha256:00".into(),
        platform: hostile(),
        system: Some(hostile()),
        size: Size::default(),
        layers: vec![Layer {
            number: 1,
            diff_id: None,
            packed: 1,
            bytes: 1_234_567,
            files: 1,
            deletions: 0,
            hidden: 999,
            command: Some(hostile()),
        }],
        waste: Waste {
            hidden: 999,
            by_layer: vec![HiddenBy {
                layer: 1,
                by: 2,
                how: How::Deleted,
                bytes: 999,
                files: 1,
            }],
            files: First {
                first: vec![HiddenFile {
                    path: hostile(),
                    bytes: 999,
                    times: 2,
                    layer: 1,
                    by: 2,
                    how: How::Deleted,
                }],
                more: 0,
            },
            duplicate: 5,
            duplicates: First {
                first: vec![Duplicate {
                    bytes: 5,
                    each: 5,
                    paths: first(vec![hostile(), hostile()]),
                }],
                more: 0,
            },
        },
        packages: Vec::new(),
        packages_not_read: vec![hostile()],
        notable: Notable {
            world_writable: first((0..12).map(|_| hostile()).collect()),
            ..Notable::default()
        },
        secrets: First {
            first: vec![Secret {
                place: hostile(),
                kind: "private key (PEM)",
                layer: Some(1),
                hidden_by: Some(2),
            }],
            more: 0,
        },
        not_searched: 1,
        savings: vec![Saving {
            bytes: 1_500_000_000,
            what: hostile(),
            remedy: "do".into(),
        }],
        ran: None,
        notes: vec![hostile()],
    }
}

#[test]
fn an_image_reads_well_and_hides_nothing() {
    let mut out = anstream::StripStream::new(Vec::new());
    write(&mut out, &report()).unwrap();
    let text = String::from_utf8(out.into_inner()).unwrap();
    let name = "/x\\x1b[2J\\xe2\\x80\\xae";
    for part in [
        &format!("{name}  {name}\nimage id sha256:00\n{name}\n"),
        &format!("what can be saved\n   1.50 GB  {name}\n            do\n"),
        &format!("\n1      1.2 MB  1      999 B   {name}\n"),
        "wasted  999 B in files that later layers hide\n  999 B of layer 1 in 1 file: deleted by layer 2\n",
        &format!("    999 B  {name}, 2 times (deleted)\n"),
        &format!("  5 B  5 of 5 B: {name}, {name} and 3 more\n"),
        "packages  none that is known\n",
        "sticky bit  15\n",
        "  and 5 more (-o json)\n",
        "none  shells; package managers; compilers; set-id programs; files with capabilities\n",
        &format!(
            "likely secrets  1\n  {name}: private key (PEM), layer 1; hidden by layer 2, and still in the image\n"
        ),
        "1 file not searched to the end, being larger than 1 MiB or full of what secrets begin with\n",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    let hidden = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
    assert!(!text.contains(hidden), "{text:?}");
}
