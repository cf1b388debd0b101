//! Files that are rotated, moved away, and cut.

use super::*;
use crate::config::Length;
use crate::config::sinks::{Encoding, Rotate};
use crate::sink::{Origin, record, sample};
use std::os::unix::fs::PermissionsExt;

fn rotated(path: &Path, rotate: Rotate) -> Rotated {
    Rotated::new(sinks::File {
        path: path.to_path_buf(),
        rotate,
    })
}

fn read(path: &Path, number: u32) -> String {
    let path = match number {
        0 => path.to_path_buf(),
        number => PathBuf::from(format!("{}.{number}", path.display())),
    };
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn it_is_rotated_by_size_and_so_many_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let rotate = Rotate {
        bytes: 10,
        files: 2,
        ..Rotate::default()
    };
    let file = rotated(&path, rotate);
    for number in 0..4 {
        file.append(format!("line {number}\n").as_bytes()).unwrap();
    }
    assert_eq!(
        [0, 1, 2, 3].map(|number| read(&path, number)),
        ["line 3\n", "line 2\n", "line 1\n", ""]
    );
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        MODE
    );
    // A batch that is longer than that stands alone, and whole.
    file.append(b"a long line\nand another\n").unwrap();
    assert_eq!(read(&path, 0), "a long line\nand another\n");
    assert_eq!(read(&path, 1), "line 3\n");
}

#[test]
fn it_is_rotated_by_age() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let rotate = Rotate {
        age: Length(1),
        ..Rotate::default()
    };
    let file = rotated(&path, rotate);
    file.append(b"one\n").unwrap();
    std::thread::sleep(Duration::from_millis(20));
    file.append(b"two\n").unwrap();
    assert_eq!(
        (read(&path, 0), read(&path, 1)),
        ("two\n".into(), "one\n".into())
    );
}

#[test]
fn it_is_opened_again_when_somebody_moves_it_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let file = rotated(&path, Rotate::default());
    file.append(b"one\n").unwrap();
    fs::rename(&path, folder.path().join("moved")).unwrap();
    file.append(b"two\n").unwrap();
    fs::remove_file(&path).unwrap();
    file.append(b"three\n").unwrap();
    assert_eq!(read(&path, 0), "three\n");
    assert_eq!(read(&folder.path().join("moved"), 0), "one\n");
}

#[test]
fn half_a_line_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let long = "x".repeat(2 * STEP as usize);
    for (left, kept) in [
        ("whole\nhal", "whole\n".to_owned()),
        ("half", String::new()),
        ("whole\n", "whole\n".to_owned()),
        (&format!("{long}\n{long}"), format!("{long}\n")),
    ] {
        fs::write(&path, left).unwrap();
        rotated(&path, Rotate::default()).append(b"new\n").unwrap();
        assert!(read(&path, 0) == format!("{kept}new\n"));
    }
}

#[test]
fn what_cannot_be_written_has_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    for (path, words) in [
        (folder.path().join("none/f"), "make its folder"),
        (link, "must not be a symbolic link"),
        (folder.path().to_path_buf(), "name a regular file"),
        ("/dev/full".into(), "name a regular file"),
    ] {
        let file = Arc::new(rotated(&path, Rotate::default()));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let origin = Origin {
            cluster: String::new(),
            node: "n".to_owned(),
        };
        let config = sinks::Sink {
            encoding: Encoding::Native,
            ..sinks::Sink::default()
        };
        let record = record::Encoder::new(&config, &origin)
            .record(sample::sample(&origin, 1))
            .unwrap();
        let Outcome::Not(problem) = runtime.block_on(file.send(&[record])) else {
            panic!("{} was written", path.display())
        };
        assert!(problem.remedy.contains(words), "{problem:?}");
    }
}
