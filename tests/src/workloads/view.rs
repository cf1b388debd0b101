//! What the kernel says of a container's first process, held against the patch that was applied: that runc
//! was told something does not mean that the process has it.

use anyhow::{Context, Result, bail, ensure};
use rustix::thread::CapabilitySet;
use serde_json::{Value, json};
use std::fs;

/// What `Seccomp` says of a process with a filter (Linux, include/uapi/linux/seccomp.h, SECCOMP_MODE_FILTER).
const FILTER: u32 = 2;

/// `/proc/PID/status` and `/proc/PID/mountinfo`, as far as advice decides them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Real, effective, saved and file system's.
    users: [u32; 4],
    effective: CapabilitySet,
    bounding: CapabilitySet,
    no_new_privs: u32,
    seccomp: u32,
    /// How many filters, which the kernel says since Linux 5.9.
    filters: Option<u32>,
    /// Whether nothing can be written to what is mounted at `/`.
    is_read_only: bool,
}

impl View {
    /// That of a process.
    pub fn of(pid: u32) -> Result<Self> {
        let read = |name: &str| {
            let path = format!("/proc/{pid}/{name}");
            fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        Self::parse(&read("status")?, &read("mountinfo")?).with_context(|| format!("/proc/{pid}"))
    }

    fn parse(status: &str, mounts: &str) -> Result<Self> {
        let field = |name: &str| {
            let mut lines = status.lines().filter_map(|line| line.split_once(':'));
            let found = lines.find_map(|(key, value)| (key == name).then_some(value.trim()));
            found.with_context(|| format!("no {name}"))
        };
        let number = |name: &str| {
            let text = field(name)?;
            text.parse::<u32>()
                .with_context(|| format!("{name}: {text}"))
        };
        let set = |name: &str| {
            let text = field(name)?;
            let bits = u64::from_str_radix(text, 16).with_context(|| format!("{name}: {text}"))?;
            anyhow::Ok(CapabilitySet::from_bits_retain(bits))
        };
        let users = field("Uid")?.split_whitespace().map(str::parse);
        let users: Vec<u32> = users.collect::<Result<_, _>>().context("Uid")?;
        let Ok(users) = users.try_into() else {
            bail!("Uid has not four numbers");
        };
        Ok(Self {
            users,
            effective: set("CapEff")?,
            bounding: set("CapBnd")?,
            no_new_privs: number("NoNewPrivs")?,
            seccomp: number("Seccomp")?,
            filters: field("Seccomp_filters")
                .is_ok()
                .then(|| number("Seccomp_filters"))
                .transpose()?,
            is_read_only: is_read_only(mounts)?,
        })
    }

    /// On one line, with the kernel's words.
    pub fn line(&self) -> String {
        let Self {
            users: [user, ..],
            effective,
            bounding,
            no_new_privs,
            seccomp,
            filters,
            is_read_only,
        } = self;
        let (effective, bounding) = (effective.bits(), bounding.bits());
        let filters = filters.map_or(String::new(), |count| format!(" ({count} filters)"));
        let root = if *is_read_only { "ro" } else { "rw" };
        format!(
            "Uid {user}, CapEff {effective:x}, CapBnd {bounding:x}, NoNewPrivs {no_new_privs}, Seccomp \
             {seccomp}{filters}, / {root}"
        )
    }
}

/// Whether the last mount at `/` is for reading alone: the mount, or what is mounted (proc_pid_mountinfo(5)).
fn is_read_only(mounts: &str) -> Result<bool> {
    let root = |line: &&str| line.split(' ').nth(4) == Some("/");
    let line = mounts.lines().rfind(root);
    let line = line.context("mountinfo has no mount at /")?;
    let mut options = [line.split(' ').nth(5), line.rsplit(' ').next()].into_iter();
    Ok(options.any(|all| all.is_some_and(|all| all.split(',').any(|one| one == "ro"))))
}

/// What a patch says of all that; `None` where it leaves a thing as it was.
#[derive(Debug, PartialEq, Eq)]
pub struct Wanted {
    user: u32,
    capabilities: Option<CapabilitySet>,
    forbids_escalation: bool,
    has_filter: bool,
    is_read_only: bool,
}

impl Wanted {
    /// From a patch of one container, beside the user that runs it without.
    ///
    /// # Errors
    ///
    /// A capability that there is not; a patch whose container is not where that of a Deployment is.
    pub fn of(patch: Option<&Value>, user: u32) -> Result<Self> {
        let mut wanted = Self {
            user,
            capabilities: None,
            forbids_escalation: false,
            has_filter: false,
            is_read_only: false,
        };
        let Some(patch) = patch else {
            return Ok(wanted);
        };
        let context = patch.pointer("/spec/template/spec/containers/0/securityContext");
        let context = context.with_context(|| format!("no securityContext in {patch}"))?;
        if let Some(user) = context["runAsUser"].as_u64() {
            wanted.user = u32::try_from(user)?;
        }
        let capabilities = &context["capabilities"];
        if capabilities["drop"] == json!(["ALL"]) {
            let mut all = CapabilitySet::empty();
            for name in capabilities["add"].as_array().into_iter().flatten() {
                let set = name.as_str().and_then(CapabilitySet::from_name);
                all |= set.with_context(|| format!("there is no capability {name}"))?;
            }
            wanted.capabilities = Some(all);
        }
        wanted.forbids_escalation = context["allowPrivilegeEscalation"] == false;
        wanted.has_filter = context["seccompProfile"]["type"] == "Localhost";
        wanted.is_read_only = context["readOnlyRootFilesystem"] == true;
        Ok(wanted)
    }

    /// Whether a process is confined so, beside what whoever starts containers has already and they inherit.
    ///
    /// # Errors
    ///
    /// It is not, with what the kernel says.
    pub fn check(&self, view: &View, own: &View) -> Result<()> {
        let mut is_so = view.users == [self.user; 4];
        if let Some(capabilities) = self.capabilities {
            // Who is not root has none after an exec: containers have no ambient ones.
            let effective = match self.user {
                0 => capabilities,
                _ => CapabilitySet::empty(),
            };
            is_so &= view.bounding == capabilities && view.effective == effective;
        }
        is_so &= view.no_new_privs == own.no_new_privs.max(self.forbids_escalation.into());
        let mode = if self.has_filter { FILTER } else { own.seccomp };
        is_so &= view.seccomp == mode;
        // With a filter of one's own the mode says nothing of that of the advice.
        is_so &= view.filters == own.filters.map(|count| count + u32::from(self.has_filter));
        is_so &= view.is_read_only || !self.is_read_only;
        ensure!(
            is_so,
            "the kernel has not confined it as advised: {}; wanted was {self:?}, beside what started it: {}",
            view.line(),
            own.line()
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tnginx\nUid:\t101\t101\t101\t101\nGid:\t0\t0\t0\t0\nCapInh:\t0000000000000000\n\
        CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t00000000000000c1\nNoNewPrivs:\t1\n\
        Seccomp:\t2\nSeccomp_filters:\t1\n";

    const READ_ONLY: &str = "700 600 0:50 / / rw,relatime - overlay overlay rw\n\
        701 700 0:51 / / ro,relatime - overlay overlay rw\n702 701 0:52 / /tmp rw,nosuid - tmpfs tmpfs rw\n";
    const OPEN: &str = "700 600 0:50 / / rw,relatime - overlay overlay rw\n";
    /// Who starts containers: root without anything.
    const OWN: &str = "Uid:\t0\t0\t0\t0\nCapEff:\t1\nCapBnd:\t1\nNoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n";

    fn parse(status: &str) -> Result<View> {
        View::parse(status, READ_ONLY)
    }

    fn own() -> View {
        View::parse(OWN, OPEN).unwrap()
    }

    fn patch(context: &Value) -> Value {
        json!({"spec": {"template": {"spec": {"containers": [{"securityContext": context}]}}}})
    }

    fn advised() -> Value {
        json!({
            "runAsUser": 101, "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"], "add": ["CHOWN", "SETGID", "SETUID"]},
            "seccompProfile": {"type": "Localhost", "localhostProfile": "lapwing/app.json"},
        })
    }

    #[test]
    fn the_kernel_s_words_are_read() {
        let view = parse(STATUS).unwrap();
        assert_eq!(
            view.line(),
            "Uid 101, CapEff 0, CapBnd c1, NoNewPrivs 1, Seccomp 2 (1 filters), / ro"
        );
        for name in ["Uid", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp"] {
            let without = STATUS.replace(&format!("\n{name}:"), "\nX:");
            let error = parse(&without).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        assert!(parse(&STATUS.replace("\t101\n", "\n")).is_err());
    }

    #[test]
    fn each_thing_that_is_not_as_advised_is_an_error() {
        let wanted = Wanted::of(Some(&patch(&advised())), 0).unwrap();
        let as_wanted = parse(STATUS).unwrap();
        wanted.check(&as_wanted, &own()).unwrap();
        for (from, to) in [
            ("101\t101\t101\t101", "101\t0\t101\t101"),
            ("CapEff:\t0000000000000000", "CapEff:\t0000000000000001"),
            ("00000000000000c1", "00000000000000c0"),
            ("00000000000000c1", "00000000000000c3"),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t0"),
            ("Seccomp:\t2", "Seccomp:\t0"),
            ("Seccomp_filters:\t1", "Seccomp_filters:\t0"),
            ("Seccomp_filters:\t1", "Seccomp_filters:\t2"),
        ] {
            let view = parse(&STATUS.replace(from, to)).unwrap();
            let error = wanted.check(&view, &own()).unwrap_err().to_string();
            assert!(error.contains(&view.line()), "{error}");
        }
        let others = parse(&STATUS.replace("101", "0")).unwrap();
        assert!(wanted.check(&others, &own()).is_err());
    }

    #[test]
    fn root_has_what_is_added_and_what_is_not_advised_stays() {
        let mut context = advised();
        context["runAsUser"] = json!(0);
        let wanted = Wanted::of(Some(&patch(&context)), 0).unwrap();
        let root = STATUS.replace("101", "0");
        assert!(wanted.check(&parse(&root).unwrap(), &own()).is_err());
        let root = root.replace("CapEff:\t0000000000000000", "CapEff:\t00000000000000c1");
        wanted.check(&parse(&root).unwrap(), &own()).unwrap();

        let nothing = Wanted::of(Some(&patch(&json!({"privileged": false}))), 101).unwrap();
        assert_eq!(nothing, Wanted::of(None, 101).unwrap());
        assert!(nothing.check(&parse(STATUS).unwrap(), &own()).is_err());
        let open = STATUS
            .replace("NoNewPrivs:\t1", "NoNewPrivs:\t0")
            .replace("Seccomp:\t2", "Seccomp:\t0")
            .replace("Seccomp_filters:\t1", "Seccomp_filters:\t0");
        nothing.check(&parse(&open).unwrap(), &own()).unwrap();
        let unknown = json!({"capabilities": {"drop": ["ALL"], "add": ["FLY"]}});
        assert!(Wanted::of(Some(&patch(&unknown)), 0).is_err());
        assert!(Wanted::of(Some(&json!({"spec": {}})), 0).is_err());
    }

    #[test]
    fn what_is_inherited_is_no_part_of_what_is_advised() {
        let wanted = Wanted::of(Some(&patch(&advised())), 0).unwrap();
        let text = OWN
            .replace("NoNewPrivs:\t0", "NoNewPrivs:\t1")
            .replace("Seccomp:\t0", "Seccomp:\t2")
            .replace("filters:\t0", "filters:\t3");
        let own = View::parse(&text, OPEN).unwrap();
        let with = |filters: &str| {
            let text = STATUS.replace("filters:\t1", &format!("filters:\t{filters}"));
            parse(&text).unwrap()
        };
        wanted.check(&with("4"), &own).unwrap();
        // The filter is one that it was started under, and that of the advice is not there.
        assert!(wanted.check(&with("3"), &own).is_err());
        let nothing = Wanted::of(None, 101).unwrap();
        nothing.check(&with("3"), &own).unwrap();
        assert!(nothing.check(&with("4"), &own).is_err());
        let old = |text: &str| text.replace("Seccomp_filters", "X");
        let view = parse(&old(STATUS)).unwrap();
        wanted
            .check(&view, &View::parse(&old(OWN), OPEN).unwrap())
            .unwrap();
    }

    #[test]
    fn the_root_is_what_was_mounted_last() {
        assert!(is_read_only(READ_ONLY).unwrap() && !is_read_only(OPEN).unwrap());
        assert!(is_read_only("1 0 0:1 / / rw - erofs /dev/vda ro,context=x\n").unwrap());
        assert!(is_read_only("1 0 0:1 / /tmp ro - tmpfs tmpfs ro\n").is_err());
        let wanted = Wanted::of(Some(&patch(&advised())), 0).unwrap();
        let open = View::parse(STATUS, OPEN).unwrap();
        let error = wanted.check(&open, &own()).unwrap_err().to_string();
        assert!(error.contains("/ rw; wanted"), "{error}");
        View::of(std::process::id()).unwrap();
    }
}
