//! What the kernel says of a container's first process, held against the patch that was applied: that runc
//! was told something does not mean that the process has it.

use anyhow::{Context, Result, bail, ensure};
use rustix::thread::CapabilitySet;
use serde_json::{Value, json};
use std::fs;

/// What `Seccomp` says of a process with a filter (Linux, include/uapi/linux/seccomp.h, SECCOMP_MODE_FILTER).
const FILTER: u32 = 2;

/// `/proc/PID/status`, as far as advice decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Real, effective, saved and file system's.
    users: [u32; 4],
    effective: CapabilitySet,
    bounding: CapabilitySet,
    no_new_privs: u32,
    seccomp: u32,
}

impl View {
    /// That of a process.
    pub fn of(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/status");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        Self::parse(&text).context(path)
    }

    fn parse(status: &str) -> Result<Self> {
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
        } = self;
        let (effective, bounding) = (effective.bits(), bounding.bits());
        format!(
            "Uid {user}, CapEff {effective:x}, CapBnd {bounding:x}, NoNewPrivs {no_new_privs}, Seccomp {seccomp}"
        )
    }
}

/// What a patch says of all that; `None` where it leaves a thing as it was.
#[derive(Debug, PartialEq, Eq)]
pub struct Wanted {
    user: u32,
    capabilities: Option<CapabilitySet>,
    forbids_escalation: bool,
    has_filter: bool,
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
        Ok(wanted)
    }

    /// Whether a process is confined so.
    ///
    /// # Errors
    ///
    /// It is not, with what the kernel says.
    pub fn check(&self, view: &View) -> Result<()> {
        let mut is_so = view.users == [self.user; 4];
        if let Some(capabilities) = self.capabilities {
            // Who is not root has none after an exec: containers have no ambient ones.
            let effective = match self.user {
                0 => capabilities,
                _ => CapabilitySet::empty(),
            };
            is_so &= view.bounding == capabilities && view.effective == effective;
        }
        is_so &= view.no_new_privs == u32::from(self.forbids_escalation);
        is_so &= (view.seccomp == FILTER) == self.has_filter;
        ensure!(
            is_so,
            "the kernel has not confined it as advised: {}; wanted was {self:?}",
            view.line()
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

    fn patch(context: &Value) -> Value {
        json!({"spec": {"template": {"spec": {"containers": [{"securityContext": context}]}}}})
    }

    fn advised() -> Value {
        json!({
            "runAsUser": 101, "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"], "add": ["CHOWN", "SETGID", "SETUID"]},
            "seccompProfile": {"type": "Localhost", "localhostProfile": "lapwing/app.json"},
        })
    }

    #[test]
    fn the_kernel_s_words_are_read() {
        let view = View::parse(STATUS).unwrap();
        assert_eq!(
            view.line(),
            "Uid 101, CapEff 0, CapBnd c1, NoNewPrivs 1, Seccomp 2"
        );
        for name in ["Uid", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp"] {
            let without = STATUS.replace(&format!("\n{name}:"), "\nX:");
            let error = View::parse(&without).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        assert!(View::parse(&STATUS.replace("\t101\n", "\n")).is_err());
    }

    #[test]
    fn each_thing_that_is_not_as_advised_is_an_error() {
        let wanted = Wanted::of(Some(&patch(&advised())), 0).unwrap();
        let as_wanted = View::parse(STATUS).unwrap();
        wanted.check(&as_wanted).unwrap();
        for (from, to) in [
            ("101\t101\t101\t101", "101\t0\t101\t101"),
            ("CapEff:\t0000000000000000", "CapEff:\t0000000000000001"),
            ("00000000000000c1", "00000000000000c0"),
            ("00000000000000c1", "00000000000000c3"),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t0"),
            ("Seccomp:\t2", "Seccomp:\t0"),
        ] {
            let view = View::parse(&STATUS.replace(from, to)).unwrap();
            let error = wanted.check(&view).unwrap_err().to_string();
            assert!(error.contains(&view.line()), "{error}");
        }
        let others = View::parse(&STATUS.replace("101", "0")).unwrap();
        assert!(wanted.check(&others).is_err());
    }

    #[test]
    fn root_has_what_is_added_and_what_is_not_advised_stays() {
        let mut context = advised();
        context["runAsUser"] = json!(0);
        let wanted = Wanted::of(Some(&patch(&context)), 0).unwrap();
        let root = STATUS.replace("101", "0");
        assert!(wanted.check(&View::parse(&root).unwrap()).is_err());
        let root = root.replace("CapEff:\t0000000000000000", "CapEff:\t00000000000000c1");
        wanted.check(&View::parse(&root).unwrap()).unwrap();

        let nothing = Wanted::of(Some(&patch(&json!({"privileged": false}))), 101).unwrap();
        assert_eq!(nothing, Wanted::of(None, 101).unwrap());
        assert!(nothing.check(&View::parse(STATUS).unwrap()).is_err());
        let open = STATUS
            .replace("NoNewPrivs:\t1", "NoNewPrivs:\t0")
            .replace("Seccomp:\t2", "Seccomp:\t0");
        nothing.check(&View::parse(&open).unwrap()).unwrap();
        let unknown = json!({"capabilities": {"drop": ["ALL"], "add": ["FLY"]}});
        assert!(Wanted::of(Some(&patch(&unknown)), 0).is_err());
        assert!(Wanted::of(Some(&json!({"spec": {}})), 0).is_err());
    }
}
