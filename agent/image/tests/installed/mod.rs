//! Roots in which packages were installed by RPM and dpkg themselves, without any rights.

pub mod berkeley;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What RPM is asked of a package.
const FORMAT: &str = "%{NAME}\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\t%{ARCH}\n";

/// A root, and what its package manager says of it.
pub struct Installed {
    pub root: PathBuf,
    /// Name, version and architecture of each package, sorted.
    pub all: Vec<String>,
    /// Where the database is.
    database: PathBuf,
}

/// A program that is not there, if any is not.
pub fn missing() -> Option<&'static str> {
    let all = [
        "rpm",
        "rpmbuild",
        "rpmdb",
        "db5.3_load",
        "dpkg",
        "dpkg-deb",
        "dpkg-query",
        "cc",
    ];
    let runs = |name: &str| Command::new(name).arg("--version").output().is_ok();
    all.into_iter().find(|name| !runs(name))
}

/// Runs a command to its end; answers what it printed.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A program that says of itself which package it is of (systemd's "Package Metadata for Executable Files").
fn program(path: &Path, note: &str) {
    let source = path.with_extension("c");
    let note = note.replace('"', "\\\"");
    let text = format!(
        "#define NOTE \"{note}\"\n\
         __attribute__((section(\".note.package\"), aligned(4), used)) static const struct {{\n\
             int name, text, type; char owner[4], note[(sizeof NOTE + 3) / 4 * 4];\n\
         }} note = {{4, (sizeof NOTE + 3) / 4 * 4, (int)0xcafe1a7e, \"FDO\", NOTE}};\n\
         int main(void) {{ return 0; }}\n"
    );
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&source, text).unwrap();
    run(Command::new("cc").arg("-o").arg(path).arg(&source));
    fs::remove_file(source).unwrap();
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn copy(from: &Path, to: &Path) {
    run(Command::new("cp").arg("-a").arg(from.join(".")).arg(to));
}

/// How many files these paths are, and of how many bytes.
pub fn sizes(root: &Path, paths: &[String]) -> (u64, u64) {
    let found = { paths.iter() }
        .filter_map(|path| fs::symlink_metadata(root.join(path.trim_start_matches('/'))).ok())
        .filter(fs::Metadata::is_file);
    found.fold((0, 0), |(count, bytes), it| (count + 1, bytes + it.len()))
}

impl Installed {
    /// As of Fedora: of an epoch, with links and a file that is not there; with odd names; and with no file at all.
    pub fn rpm(folder: &Path) -> Self {
        let root = folder.join("root");
        let os = "ID=fedora\nVERSION_ID=41\nPRETTY_NAME=\"Fedora Linux 41\"\n";
        write(&root.join("etc/os-release"), os);
        let database = root.join("var/lib/rpm");
        fs::create_dir_all(&database).unwrap();
        let hello = folder.join("hello");
        let note = r#"{"type":"rpm","name":"hello","version":"1.2-3","architecture":"x86_64","osCpe":"cpe:/o:fedoraproject:fedora:41"}"#;
        program(&hello.join("usr/bin/hello"), note);
        write(&hello.join("etc/hello.conf"), "x\n");
        std::os::unix::fs::symlink("hello", hello.join("usr/bin/hi")).unwrap();
        let words = folder.join("two-words");
        write(&words.join("usr/share/two words/one.txt"), "1\n");
        write(&words.join("usr/share/two words/zwei-\u{fc}.txt"), "22\n");
        fs::create_dir_all(folder.join("nothing")).unwrap();
        let specs = [
            (
                "hello",
                "1.2",
                "Epoch: 1\n",
                "/usr/bin/*\n%config /etc/hello.conf\n%ghost /etc/hello.cache\n",
            ),
            (
                "two-words",
                "2.0~rc1",
                "BuildArch: noarch\n",
                "\"/usr/share/two words\"\n",
            ),
            ("nothing", "3", "BuildArch: noarch\n", ""),
        ];
        for (name, version, more, files) in specs {
            let payload = folder.join(name);
            let spec = folder.join(format!("{name}.spec"));
            let text = format!(
                "Name: {name}\nVersion: {version}\nRelease: 3\n{more}Summary: x\nLicense: MIT\n%description\nx\n\
                 %install\ncp -a {payload}/. %{{buildroot}}\n%files\n{files}",
                payload = payload.display()
            );
            fs::write(&spec, text).unwrap();
            let mut build = Command::new("rpmbuild");
            build.args(["-bb", "--quiet"]).env("HOME", folder);
            for (name, value) in [
                ("_topdir", &*folder.join("top").display().to_string()),
                ("_tmppath", &folder.join("tmp").display().to_string()),
                ("debug_package", "%{nil}"),
                // What is installed is what is there.
                ("__os_install_post", "%{nil}"),
                ("_build_id_links", "none"),
            ] {
                build.arg("--define").arg(format!("{name} {value}"));
            }
            run(build.arg(&spec));
            copy(&payload, &root);
        }
        program(
            &root.join("usr/bin/stray"),
            &note.replace("hello", "stray").replace("1.2-3", "7-1"),
        );
        let mut installed = Self {
            root,
            all: Vec::new(),
            database,
        };
        let built = run(Command::new("find")
            .arg(folder.join("top/RPMS"))
            .args(["-name", "*.rpm"]));
        run(installed
            .rpm_command()
            .args(["--justdb", "--nodeps", "-i"])
            .args(built.lines()));
        let all = run(installed.rpm_command().args(["-qa", "--qf", FORMAT]));
        installed.all = sorted(&all);
        assert_eq!(installed.all.len(), specs.len(), "{all}");
        installed
    }

    fn rpm_command(&self) -> Command {
        let mut command = Command::new("rpm");
        // It chooses the kind of database by what is there, which is nothing yet.
        command
            .args(["--define", "_db_backend sqlite", "--dbpath"])
            .arg(&self.database);
        command
    }

    /// What RPM reads of a database in Berkeley DB, by its own reader of it.
    pub fn of_berkeley(&self, folder: &Path) -> Vec<String> {
        let mut command = Command::new("rpm");
        command.args(["--define", "_db_backend bdb_ro", "--dbpath"]);
        sorted(&run(command.arg(folder).args(["-qa", "--qf", FORMAT])))
    }

    /// Files of a package of RPM, by its database.
    pub fn files(&self, name: &str) -> Vec<String> {
        let all = run(self.rpm_command().args(["-ql", name]));
        all.lines().map(str::to_owned).collect()
    }

    /// Takes the database out of the root.
    pub fn move_database(&mut self, to: PathBuf) {
        fs::rename(&self.database, &to).unwrap();
        self.database = to;
    }

    /// Headers of all packages of RPM, as its database has them.
    pub fn headers(&self) -> Vec<Vec<u8>> {
        let mut command = Command::new("rpmdb");
        command.args(["--define", "_db_backend sqlite", "--exportdb", "--dbpath"]);
        let output = command.arg(&self.database).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let (mut all, mut rest) = (Vec::new(), &output.stdout[..]);
        // Before each stands what says that it is one, in eight bytes.
        while let Some((head, header)) = rest.split_at_checked(8) {
            assert_eq!(head, b"\x8e\xad\xe8\x01\0\0\0\0");
            let number = |at: usize| u32::from_be_bytes(*header[at..].first_chunk().unwrap());
            let size = 8 + number(0) as usize * 16 + number(4) as usize;
            all.push(header[..size].to_vec());
            rest = &header[size..];
        }
        assert!(rest.is_empty());
        all
    }

    /// As of Debian: a package with a program that names its source, and one of any architecture.
    pub fn dpkg(folder: &Path) -> Self {
        let root = folder.join("root");
        let os = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        write(&root.join("etc/os-release"), os);
        let database = root.join("var/lib/dpkg");
        write(&database.join("status"), "");
        for name in ["info", "updates", "triggers"] {
            fs::create_dir_all(database.join(name)).unwrap();
        }
        let architecture = run(Command::new("dpkg").arg("--print-architecture"));
        let architecture = architecture.trim();
        let known = folder.join("known");
        let note = r#"{"type":"deb","os":"Debian","name":"source-of-known","version":"2-3","architecture":"amd64"}"#;
        program(&known.join("usr/bin/known"), note);
        write(&folder.join("data/usr/share/data/one"), "1\n");
        for (name, version, architecture) in [
            ("known", "1:2-3+b1", architecture),
            ("data", "1.0~rc1", "all"),
        ] {
            let payload = folder.join(name);
            let control = format!(
                "Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n\
                 Maintainer: x <x@example.org>\nDescription: x\n"
            );
            write(&payload.join("DEBIAN/control"), &control);
            let package = folder.join(format!("{name}.deb"));
            run(Command::new("dpkg-deb")
                .args(["--root-owner-group", "-b"])
                .arg(&payload)
                .arg(&package));
            // It wants programs of the administrator's to be there.
            let path = std::env::var("PATH").unwrap_or_default();
            run(Command::new("dpkg")
                .arg(format!("--root={}", root.display()))
                .arg(format!("--log={}", folder.join("log").display()))
                .args(["--force-not-root", "-i"])
                .arg(&package)
                .env("PATH", format!("{path}:/usr/sbin:/sbin")));
        }
        let format = "${Package}\t${Version}\t${Architecture}\n";
        let query = format!("--admindir={}", database.display());
        let all = run(Command::new("dpkg-query").args([&query, "-W", "-f", format]));
        assert_eq!(all.lines().count(), 2, "{all}");
        Self {
            root,
            all: sorted(&all),
            database,
        }
    }
}

fn sorted(text: &str) -> Vec<String> {
    let mut all: Vec<String> = text.lines().map(str::to_owned).collect();
    all.sort();
    all
}
