//! Who did what stands in the profile, and known records do not tell it again.

use super::*;
use crate::process::{File, Image};
use lapwing_profile::provenance::told::Told;

const LINE: &str = "file: {operation: CREATE, path: /data/x}";

impl Bench {
    fn image(&mut self, id: u64, exe: &str, file: File) {
        let image = Image {
            exe: exe.into(),
            file,
            ..Image::default()
        };
        self.images.insert(id, image);
    }

    /// An image, under a user, makes `/data/x`, which the kernel side calls by a key.
    fn create(&mut self, key: u64, exec: u64, (uid, euid): (u32, u32)) {
        self.now += SECOND;
        let record = Record {
            header: Header {
                time: self.now,
                cgroup: HOME,
                key,
                exec,
                uid,
                euid,
                ..Header::default()
            },
            phase: Phase::Main,
            body: Body::File {
                operation: lapwing_abi::ids::Operation::Create,
                mount: lapwing_abi::ids::Mount::Image,
                path: Location {
                    components: b"x\0data\0",
                    passed: b"",
                },
                target: Location {
                    components: b"",
                    passed: b"",
                },
            },
        };
        self.take(&record);
    }

    fn told(&self) -> Option<Told> {
        let (_, yaml) = self.judge.profile(&self.name()).unwrap();
        let profile = Profile::from_yaml(yaml).unwrap();
        profile.provenance(&Entry::parse(LINE).unwrap())
    }

    fn text(&self) -> String {
        self.told().map(|told| told.to_string()).unwrap_or_default()
    }
}

#[test]
fn who_wrote_a_file_stands_in_the_profile() {
    let mut bench = Bench::new();
    bench.image(7, "/usr/sbin/nginx", File::Named);
    bench.image(8, "/tmp/x", File::Drifted);
    // Whose record came before what is known of the program: it is not remembered as told.
    bench.create(1, 9, (33, 33));
    assert_eq!(bench.text(), "uid 33");
    bench.image(9, "/usr/sbin/nginx", File::Named);
    bench.create(1, 9, (33, 33));
    assert_eq!(bench.text(), "by /usr/sbin/nginx, uid 33");
    // The same key under another user, and another program, whose key is another.
    bench.create(1, 9, (33, 0));
    assert_eq!(bench.text(), "by /usr/sbin/nginx, uid 0 33");
    bench.create(2, 8, (33, 33));
    let told = bench.told().unwrap();
    let mut executables = told.executables.all;
    executables.sort();
    assert_eq!(executables, ["/usr/sbin/nginx", "drifted:/tmp/x"]);
}

#[test]
fn what_was_told_is_not_told_again_until_somebody_decides() {
    let mut bench = Bench::new();
    bench.image(7, "/usr/sbin/nginx", File::Named);
    bench.create(1, 7, (0, 0));
    let before = bench.text();
    // Another program under the same key, which the kernel side never does: nobody looks at it.
    bench.image(8, "/bin/other", File::Named);
    bench.create(1, 8, (0, 0));
    assert_eq!(bench.text(), before, "the hot path asks the profile again");
    // Of what is deviated from and waits there is provenance too.
    bench.promote().unwrap();
    bench.create(1, 8, (0, 0));
    assert!(bench.text().contains("/bin/other"), "{}", bench.text());
}

#[test]
fn of_what_waits_for_a_decision_it_stands_there_too() {
    let mut bench = Bench::new();
    bench.exec("ls");
    bench.promote().unwrap();
    bench.image(7, "/usr/sbin/nginx", File::Named);
    bench.create(1, 7, (33, 33));
    assert_eq!(bench.text(), "by /usr/sbin/nginx, uid 33");
}
