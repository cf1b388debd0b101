//! Bundles as they are made, and as others may make them.

use super::*;
use std::io::Write;

/// Of RFC 8410, section 10.3 and 10.1.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

fn manifest() -> Manifest {
    Manifest {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        created: "2026-01-02T03:04:05Z".to_owned(),
        tool: "lapwing".to_owned(),
        agent: Agent::default(),
        subject: Subject::default(),
        incomplete: vec!["not there: \u{9b}2J\u{202e}".to_owned()],
        files: Vec::new(),
    }
}

fn made(to: &Path, key: Option<&Private>) -> Manifest {
    let files = [("a.json", b"{}\n".to_vec()), ("b.txt", Vec::new())];
    write(
        &Draft::begin(to).unwrap(),
        "folder",
        manifest(),
        &files,
        key,
    )
    .unwrap()
}

/// The files of a bundle, by their whole names.
fn contents(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = Archive::new(MultiGzDecoder::new(File::open(path).unwrap()));
    let entries = archive.entries().unwrap();
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (name, bytes)
    };
    entries.map(read).collect()
}

fn packed(path: &Path, files: &[(String, Vec<u8>)]) {
    let mut tar = Builder::new(GzEncoder::new(
        File::create(path).unwrap(),
        Compression::fast(),
    ));
    for (name, bytes) in files {
        let mut header = Header::new_gnu();
        // As it is, be it as it may.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(EntryType::Regular);
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        tar.append(&header, &bytes[..]).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
}

fn why(path: &Path, keys: &[Public]) -> String {
    format!("{:#}", check(path, keys).unwrap_err().error)
}

#[test]
fn what_was_made_is_found_to_be_so_and_by_whom() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, signed) = (folder.path().join("plain"), folder.path().join("signed"));
    let key = Private::from_pem(PRIVATE).unwrap();
    let public = [Public::from_pem(PUBLIC).unwrap()];
    let wanted = made(&plain, None);
    // The SHA-256 of nothing.
    let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(
        (wanted.files[1].size, &wanted.files[1].sha256[..]),
        (0, nothing)
    );
    let text = String::from_utf8(contents(&plain)[0].1.clone()).unwrap();
    assert!(text.contains("\\u009b2J\\u202e"), "{text}");
    let found = check(&plain, &[]).unwrap();
    assert_eq!(found.manifest, wanted);
    assert!(!found.has_signature);
    assert!(why(&plain, &public).contains("it is not signed"));
    assert_eq!(made(&signed, Some(&key)), wanted);
    let found = check(&signed, &public).unwrap();
    assert_eq!(found.signed_by, [public[0].id()]);
    assert!(check(&signed, &[]).unwrap().has_signature);
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&signed).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    // It is not written over, and nothing is left behind.
    let before = std::fs::read(&plain).unwrap();
    let Err(error) = Draft::begin(&plain) else {
        panic!("what is there is written over");
    };
    let late = folder.path().join("late");
    let draft = Draft::begin(&late).unwrap();
    std::fs::write(&late, "somebody else's").unwrap();
    assert!(write(&draft, "x", manifest(), &[], None).is_err());
    drop(draft);
    assert_eq!(std::fs::read(&late).unwrap(), b"somebody else's");
    std::fs::remove_file(&late).unwrap();
    assert!(
        error
            .to_string()
            .contains("it is there already: give another name with --to"),
        "{error}"
    );
    assert_eq!(std::fs::read(&plain).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn what_was_changed_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let key = Private::from_pem(PRIVATE).unwrap();
    let public = [Public::from_pem(PUBLIC).unwrap()];
    made(&from, Some(&key));
    type Files = Vec<(String, Vec<u8>)>;
    type Change<'a> = &'a dyn Fn(&mut Files);
    let at = |files: &Files, end: &str| {
        files
            .iter()
            .position(|(name, _)| name.ends_with(end))
            .unwrap()
    };
    let changes: [(&str, Change<'_>); 7] = [
        (
            "a.json in it is not what the manifest says: 3 bytes",
            &|files| {
                let index = at(files, "a.json");
                files[index].1 = b"[]\n".to_vec();
            },
        ),
        ("b.txt is missing in it", &|files| {
            files.remove(at(files, "b.txt"));
        }),
        ("c.txt in it is not in the manifest", &|files| {
            files.push(("folder/c.txt".to_owned(), Vec::new()));
        }),
        ("a.json is in it twice", &|files| {
            let again = files[at(files, "a.json")].clone();
            files.push(again);
        }),
        ("the signature is of another manifest", &|files| {
            let index = at(files, "manifest.json");
            files[index].1.push(b' ');
        }),
        ("no manifest.json is in it", &|files| {
            files.remove(at(files, "manifest.json"));
        }),
        ("../x in it does not lie", &|files| {
            files.push(("../../x".to_owned(), Vec::new()));
        }),
    ];
    for (wanted, change) in changes {
        let mut files = contents(&from);
        change(&mut files);
        packed(&to, &files);
        let why = why(&to, &public);
        assert!(why.contains(wanted), "{why}, not {wanted}");
    }
    // What an unpacker would take, and who only looks at the beginning would not see.
    let (from, to) = (std::fs::read(&from).unwrap(), &to);
    let zeros = |bytes: &[u8]| {
        let mut gz = GzEncoder::new(bytes.to_vec(), Compression::fast());
        Write::write_all(&mut gz, &[0; 512]).unwrap();
        gz.finish().unwrap()
    };
    std::fs::write(to, zeros(&from)).unwrap();
    assert!(check(to, &public).is_ok(), "zeros at the end");
    let twice = [&zeros(&from)[..], &from[..]].concat();
    std::fs::write(to, twice).unwrap();
    assert!(
        why(to, &public).contains("something follows the last file"),
        "{}",
        why(to, &public)
    );
    let mut tar = Builder::new(GzEncoder::new(
        File::create(to).unwrap(),
        Compression::fast(),
    ));
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_path("folder/long").unwrap();
    header.set_size(10);
    header.set_cksum();
    tar.append(&header, &[b'x'; 10][..]).unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    assert!(
        why(to, &public).contains("folder/long in it is no file"),
        "{}",
        why(to, &public)
    );
    std::fs::write(to, "no tar").unwrap();
    assert!(why(to, &[]).contains("no tar in gzip"), "{}", why(to, &[]));
    // Cut off in the middle.
    let mut file = File::create(to).unwrap();
    file.write_all(&from[..from.len() / 2]).unwrap();
    let why = why(to, &[]);
    assert!(why.contains("damaged"), "{why}");
}
