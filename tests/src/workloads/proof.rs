//! Advice on a program, applied to it: does it still work, and is anything reported?
//!
//! The program was learned on an image of its own, and ran once more without any advice: what that run is
//! reported for the advice has no part in. Then `lapwing advise pod` is asked as a person asks it, beside a manifest
//! of what the container has, and its patch is applied to a fresh container that does the same
//! work under the same agent.

use super::once::Setting;
use super::report::FalsePositive;
use super::roots::{self, Contents, contents};
use super::run::{Compared, Lesson};
use super::user;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The container in the manifest.
const CONTAINER: &str = "app";
/// The namespace of manifests, and so the folder of seccomp profiles.
const NAMESPACE: &str = "proof";

/// A run with the advice applied.
pub enum Trial {
    /// It did its work.
    Worked(Compared),
    /// It did not, and why.
    Failed(String),
}

/// What came of the advice on a program.
pub struct Proof {
    /// Its name.
    pub name: &'static str,
    /// The hardening score of what the container has, with the advice, and of all there is.
    pub score: [u64; 3],
    /// Advice that cannot be given or applied, and why.
    pub left: Vec<String>,
    /// What the run without the advice was reported for.
    pub without: Vec<FalsePositive>,
    /// What its image has.
    pub before: Contents,
    /// The run with the advice.
    pub with: Trial,
    /// The same as another user, where root did all and used no capability that it would need.
    pub other: Option<Trial>,
    /// The same on a root of what was in use; `None` where the advice alone made it fail.
    pub slim: Option<Slim>,
}

/// A root of the files that were seen in use, and the run on it.
pub struct Slim {
    /// What it has.
    pub after: Contents,
    /// Why more may be in use than was seen.
    pub incomplete: Vec<String>,
    /// Files of the list that the image does not have.
    pub missing: Vec<PathBuf>,
    /// Sources of compiled Python modules, beside the list.
    pub sources: usize,
    /// Whether it is of the Dockerfile of the advice, built.
    pub is_built: bool,
    /// The run.
    pub run: Trial,
}

impl Trial {
    fn of(run: Result<Compared>) -> Self {
        match run {
            Ok(compared) => Self::Worked(compared),
            Err(error) => Self::Failed(format!("{error:#}")),
        }
    }

    /// What it was reported for, and the same program without the advice was not.
    pub fn news<'a>(&'a self, without: &'a [FalsePositive]) -> Vec<&'a FalsePositive> {
        let known = |one: &FalsePositive| without.iter().any(|other| other.is_like(one));
        match self {
            Self::Worked(run) => run.reported.iter().filter(|one| !known(one)).collect(),
            Self::Failed(_) => Vec::new(),
        }
    }

    /// Whether it worked, and was reported for nothing new.
    fn holds(&self, without: &[FalsePositive]) -> bool {
        matches!(self, Self::Worked(_)) && self.news(without).is_empty()
    }
}

impl Proof {
    /// Asks for advice, applies it, and has the program do its work again. `without` is the run
    /// without it.
    ///
    /// # Errors
    ///
    /// No advice, or one that cannot be read. A program that does not work is none: see
    /// [`Trial::Failed`].
    pub fn of(lesson: &Lesson<'_>, image: &Path, without: &Compared) -> Result<Self> {
        let folder = lesson.session.folder("advice")?;
        let file = folder.join("manifest.yaml");
        // JSON is YAML.
        fs::write(
            &file,
            manifest(lesson.program.name, lesson.program.user).to_string(),
        )?;
        let file = file.to_str().context("a path that is no text")?;
        let advise = ["advise", "pod", lesson.program.name, "--pod", file];
        let advice = lesson.agent.home.json(&advise)?;
        let advice = advice.into_iter().next().context("no advice")?;
        let filter = [&advise[..], &["-o", "seccomp", "--seccomp"]].concat();
        let filter = lesson.agent.home.call(&filter)?;
        let filter = serde_json::from_str(&filter).context("the seccomp profile")?;
        let patch = [&advise[..], &["-o", "patch", "--seccomp"]].concat();
        let text = lesson.agent.home.call(&patch)?;
        let patch: Value =
            serde_saphyr::from_str(&text).with_context(|| format!("the patch: {text}"))?;
        let folder = format!("localhostProfile: lapwing/{NAMESPACE}/");
        ensure!(text.contains(&folder), "no `{folder}` in {text}");
        let mut setting = Setting {
            layers: vec![image.to_path_buf()],
            patch: Some(patch),
            seccomp: Some(filter),
            user: None,
        };
        let with = Trial::of(lesson.compare(&setting));
        let other = match (&with, user::is_worth_a_try(&advice)) {
            (Trial::Worked(_), true) => {
                let other = user::other(&setting).context("another user")?;
                Some(Trial::of(lesson.compare(&other)))
            }
            _ => None,
        };
        let slim = match &with {
            Trial::Worked(_) => Some(Slim::of(lesson, image, &mut setting)?),
            Trial::Failed(_) => None,
        };
        let mut left = left(&advice)?;
        if let Trial::Worked(run) = &with {
            left.extend(run.applied.left.iter().cloned());
        }
        let points = |key: &str| {
            let points = advice["score"][key].as_u64();
            points.with_context(|| format!("no score: {}", advice["score"]))
        };
        Ok(Self {
            name: lesson.program.name,
            score: [points("applied")?, points("advised")?, points("of")?],
            left,
            without: without.reported.clone(),
            before: contents(image, image)?,
            with,
            other,
            slim,
        })
    }

    /// Whether it works with the advice, also on the root of what was in use, and is reported for
    /// nothing that it is not reported for without.
    pub fn holds(&self) -> bool {
        let runs = [Some(&self.with), self.slim.as_ref().map(|slim| &slim.run)];
        (runs.iter()).all(|run| run.is_some_and(|run| run.holds(&self.without)))
    }
}

impl Slim {
    /// Makes the root, and runs the program on it.
    fn of(lesson: &Lesson<'_>, image: &Path, setting: &mut Setting) -> Result<Self> {
        let inventory = lesson
            .agent
            .home
            .json(&["inventory", lesson.program.name])?;
        let inventory = inventory.into_iter().next().context("no inventory")?;
        let mut root = lesson.session.folder("slim")?;
        let names = names(&inventory)?;
        let all: Vec<_> = names.iter().map(|(name, _)| name.clone()).collect();
        let slimmed = roots::slim(image, &all, &root)?;
        let mut missing = slimmed.missing;
        // What the container made is none of the image's.
        let is_made = |path: &PathBuf| {
            let bytes = path.as_os_str().as_bytes();
            names.iter().any(|(name, made)| *made && name == bytes)
        };
        missing.retain(|path| !is_made(path));
        let reasons = inventory["incomplete"].as_array();
        let reasons = reasons.context("an inventory that does not say whether it is complete")?;
        if let Some(buildah) = &lesson.args.buildah {
            root = lesson.session.folder("built")?;
            let (home, of) = (&lesson.agent.home, (image, &inventory));
            let user = lesson.program.user;
            roots::built(lesson.session, home, buildah, of, user, &root)
                .context("the Dockerfile of `lapwing advise image`")?;
        }
        setting.layers = vec![root.clone()];
        Ok(Self {
            after: contents(&root, image)?,
            incomplete: (reasons.iter())
                .filter_map(|reason| reason.as_str().map(str::to_owned))
                .collect(),
            missing,
            sources: slimmed.sources,
            is_built: lesson.args.buildah.is_some(),
            run: Trial::of(lesson.compare(setting)),
        })
    }
}

/// The files of an inventory, and whether the container had made or changed each.
fn names(inventory: &Value) -> Result<Vec<(Vec<u8>, bool)>> {
    ensure!(
        inventory["schema"] == 1,
        "an inventory of another schema: {}",
        inventory["schema"]
    );
    let files = inventory["files"].as_array().context("no files")?;
    ensure!(!files.is_empty(), "nothing was seen in use");
    (files.iter())
        .map(|file| {
            let path = file["path"].as_str().and_then(lapwing_profile::text::bytes);
            let path = path.with_context(|| format!("no path in {file}"))?;
            Ok((path, file["changed"] == true))
        })
        .collect()
}

/// The manifest of a container as the runs without advice have it.
fn manifest(name: &str, user: u32) -> Value {
    let mut container = json!({"name": CONTAINER, "image": name});
    if user > 0 {
        container["securityContext"] = json!({"runAsUser": user});
    }
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}},
    })
}

/// What is not advised, in words.
fn left(advice: &Value) -> Result<Vec<String>> {
    let word = |value: &Value| {
        let text = value.as_str().map(str::to_owned);
        text.with_context(|| format!("no reason in {advice}"))
    };
    let mut left = Vec::new();
    let (root, user) = (&advice["root"], &advice["user"]);
    if root["readOnly"] != true {
        let blocked = root["blocked"].as_array().context("nothing is blocked")?;
        let first = blocked.first().context("nothing is blocked")?;
        let more = match blocked.len() {
            1 => String::new(),
            all => format!(" (and {} more)", all - 1),
        };
        let (path, why) = (word(&first["path"])?, word(&first["why"])?);
        left.push(format!("read-only root: {path}: {why}{more}"));
    }
    if user["nonRoot"] != true {
        left.push(format!("another user: {}", word(&user["why"])?));
    }
    if advice["capabilities"]["dropAll"] != true {
        let note = word(&advice["capabilities"]["note"])?;
        left.push(format!("drop capabilities: {note}"));
    }
    if advice["escalation"]["forbid"] != true {
        let why = word(&advice["escalation"]["why"])?;
        left.push(format!("no_new_privs: {why}"));
    }
    ensure!(left.iter().all(|one| !one.contains('\n')), "{left:?}");
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_advised_is_told_with_its_reason() {
        let all = json!({"root": {"readOnly": true}, "user": {"nonRoot": true},
            "capabilities": {"dropAll": true}, "escalation": {"forbid": true}});
        assert_eq!(left(&all).unwrap(), [""; 0]);
        let none = json!({
            "root": {"readOnly": false, "blocked": [{"path": "/etc/x", "why": "it hides"}, {}]},
            "user": {"nonRoot": false, "why": "root was seen"},
            "capabilities": {"dropAll": false, "note": "unseen"},
            "escalation": {"forbid": false, "why": "sudo"},
        });
        assert_eq!(
            left(&none).unwrap(),
            [
                "read-only root: /etc/x: it hides (and 1 more)",
                "another user: root was seen",
                "drop capabilities: unseen",
                "no_new_privs: sudo"
            ]
        );
        assert!(left(&json!({"root": {"readOnly": false}})).is_err());
    }
}
