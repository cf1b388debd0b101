//! Does the acts of a tier, row by row, and accounts for every report.

use super::act::{Act, Actor, Report};
use super::{acts, name};
use crate::agent::Mode;
use crate::cases::common::{about_since, by, hits_of, hook_of, once, open_up, violation};
use crate::container::Spec;
use crate::expect::{Expect, Want, lookup};
use crate::lost;
use crate::puppet::{self, Held, Lacking, Puppet, TRIGGER};
use crate::runner::{Context, Outcome, Tier, Verdict};
use crate::session::{Session, check_interrupt, wait_for};
use crate::watch::Mark;
use anyhow::{Context as _, Result, anyhow, ensure};
use lapwing_abi::hooks::Row;
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// How long a report may come after one of something that was done later.
const STRAGGLER: Duration = Duration::from_secs(2);

/// Does every act of a tier whose test is `selected`, and tells `judge` how each ended.
pub fn run(
    context: &mut Context<'_>,
    selected: impl Fn(&str) -> bool,
    mut judge: impl FnMut(&str, f64, Result<Outcome>) -> Verdict,
) -> Result<()> {
    let tier = context.tier;
    let rows: Vec<(Row, Vec<&Act>)> = acts(tier)
        .map(|(row, mut acts)| {
            acts.retain(|act| selected(&name(act)));
            (row, acts)
        })
        .filter(|(_, acts)| !acts.is_empty())
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let mut stage = match Stage::new(context) {
        Ok(stage) => stage,
        Err(error) => {
            for act in rows.iter().flat_map(|(_, acts)| acts) {
                judge(&name(act), 0.0, Err(anyhow!("no agent: {error:#}")));
            }
            return Ok(());
        }
    };
    for (row, acts) in rows {
        check_interrupt()?;
        let start = Instant::now();
        let attached = stage.attached(row);
        let mut ends = catch_unwind(AssertUnwindSafe(|| stage.judged(row, &acts)))
            .unwrap_or_else(|_| Err(anyhow!("the row panicked")))
            .unwrap_or_else(|error| {
                let failed = |_| (0.0, Err(anyhow!("{error:#}")));
                acts.iter().map(failed).collect()
            });
        // What is waited for together is shared out, so that the times add up.
        let own: f64 = ends.iter().map(|(took, _)| took).sum();
        let shared = (start.elapsed().as_secs_f64() - own) / ends.len().max(1) as f64;
        let mut verdicts = Vec::new();
        for (act, (took, end)) in acts.iter().zip(ends.drain(..)) {
            verdicts.push(judge(&name(act), took + shared, end));
        }
        let verdict = Verdict::of_all(&verdicts);
        let shown = match (verdict, tier.forced(), attached) {
            // That the tier could not be had says nothing of the one that was.
            (Verdict::Skipped, Some(forced), _) => forced.to_owned(),
            (_, _, Ok(attached)) => attached,
            (_, forced, Err(_)) => forced.unwrap_or("none").to_owned(),
        };
        println!("row {} {shown} {}", row.id(), verdict.of_row());
    }
    Ok(())
}

/// How an act ended, and how long it took.
type End = (f64, Result<Outcome>);

/// What the acts of a tier share.
struct Stage<'r, 's> {
    session: &'s Session,
    context: &'r mut Context<'s>,
    tier: Tier,
    /// The agent's status as of the last look.
    status: Value,
    puppets: Vec<Puppet<'s>>,
    /// Which of the containers ended, though nobody meant them to.
    ended: Vec<usize>,
}

/// An act that was done, and what must come of it.
struct Done {
    act: &'static Act,
    /// Which container.
    puppet: usize,
    held: Held,
    wanted: Vec<Expect>,
}

impl<'r, 's> Stage<'r, 's> {
    fn new(context: &'r mut Context<'s>) -> Result<Self> {
        let mut stage = Self {
            session: context.session,
            tier: context.tier,
            context,
            status: Value::Null,
            puppets: Vec::new(),
            ended: Vec::new(),
        };
        stage.look()?;
        Ok(stage)
    }

    /// Looks at the status of the agent, which starts if there is none.
    fn look(&mut self) -> Result<()> {
        self.status = self.context.agent(Mode::Monitor)?.0.status()?;
        Ok(())
    }

    /// Has what follows done in new containers, seen by a new agent.
    fn afresh(&mut self) -> Result<()> {
        self.puppets.clear();
        self.ended.clear();
        self.context.alone();
        self.look()
    }

    /// The tier of a row.
    fn attached(&self, row: Row) -> Result<String> {
        let hook = hook_of(&self.status, row)?;
        let tier = hook["tier"].as_str().filter(|tier| !tier.is_empty());
        tier.map(str::to_owned)
            .with_context(|| format!("no tier: {hook}"))
    }

    /// Does the acts of a row; again, in new containers, where one failed and the kernel skipped a
    /// program meanwhile.
    fn judged(&mut self, row: Row, acts: &[&'static Act]) -> Result<Vec<End>> {
        let mut again = lost::AGAIN;
        let ends = loop {
            let ends = self.row(row, acts);
            let error = match &ends {
                Ok(ends) => ends.iter().find_map(|(_, end)| end.as_ref().err()),
                Err(error) => Some(error),
            };
            match error {
                Some(error) if again > 0 && self.context.is_excused() => {
                    again -= 1;
                    let row = row.id();
                    println!("again: {row}, because the kernel skipped a program: {error:#}");
                    self.afresh()?;
                }
                _ => break ends,
            }
        };
        // What was seen whole stands.
        if self.context.skipped(&self.status)? {
            self.afresh()?;
        }
        ends
    }

    /// Does the acts of a row, and accounts for the reports.
    fn row(&mut self, row: Row, acts: &[&'static Act]) -> Result<Vec<End>> {
        let mark = self.context.agent(Mode::Monitor)?.1.mark();
        let mut done = Vec::new();
        let mut ends: Vec<(f64, Option<Result<Outcome>>)> = Vec::new();
        for act in acts {
            let start = Instant::now();
            let end = match self.one(act) {
                Ok(Ok(one)) => {
                    done.push(one);
                    None
                }
                Ok(Err(reason)) => Some(Ok(Outcome::Skipped(reason))),
                Err(error) => match error.downcast_ref::<Lacking>() {
                    Some(lacking) => Some(Ok(Outcome::Skipped(lacking.to_string()))),
                    None => Some(Err(error)),
                },
            };
            ends.push((start.elapsed().as_secs_f64(), end));
        }
        let mut judged = match done.is_empty() {
            true => Vec::new(),
            false => self.account(row, &done, mark)?,
        }
        .into_iter();
        ends.into_iter()
            .map(|(took, end)| match end {
                Some(end) => Ok((took, end)),
                None => Ok((took, judged.next().context("an act without an end")?)),
            })
            .collect()
    }

    /// Does one act; or says why it cannot be done here.
    fn one(&mut self, act: &'static Act) -> Result<Result<Done, String>> {
        let Ok(attached) = self.attached(act.row) else {
            return Ok(Err(format!("nothing sees {} here", act.row.id())));
        };
        if let Some(forced) = self.tier.forced()
            && forced != attached
        {
            let row = act.row.id();
            return Ok(Err(format!("{row} is served by {attached}, not {forced}")));
        }
        if !act.tiers.has(&attached) {
            return Ok(Err(format!("tier {attached} does not see it")));
        }
        let index = match self.puppet(act) {
            Ok(index) => index,
            Err(error) if error.is::<Lacking>() => return Ok(Err(error.to_string())),
            Err(error) => return Err(error),
        };
        let puppet = &mut self.puppets[index];
        for step in act.prepare {
            step.make(puppet)?;
        }
        let (exe, argv0) = act.program.unwrap_or((TRIGGER, TRIGGER));
        let words: Vec<&str> = [&["hold"], act.words].concat();
        let (uid, gid) = act.ids;
        let told = puppet::Act::program(exe, argv0)
            .args(&words)
            .cwd(act.cwd)
            .ids(uid, gid);
        let held = match puppet.hold(&told) {
            Ok(held) => held,
            Err(error) => {
                // One that does not answer is of no more use.
                if !puppet.is_running() {
                    self.ended.push(index);
                }
                return Err(error);
            }
        };
        let on_tier = act.also_on.iter();
        let on_tier = on_tier.filter(|(tiers, _)| tiers.has(&attached));
        let wanted = [act.report]
            .iter()
            .chain(act.also)
            .chain(on_tier.flat_map(|(_, reports)| *reports))
            .map(|report| want(self.session, puppet, act, report, &held, &attached))
            .collect::<Result<_>>()?;
        Ok(Ok(Done {
            act,
            puppet: index,
            held,
            wanted,
        }))
    }

    /// The container of an act.
    fn puppet(&mut self, act: &Act) -> Result<usize> {
        let known = (0..self.puppets.len()).find(|index| {
            self.puppets[*index].workload == act.shape.name && !self.ended.contains(index)
        });
        if let Some(index) = known {
            return Ok(index);
        }
        let spec = (act.shape.spec)(Spec::new(act.shape.name, &[TRIGGER, "serve"]));
        let puppet = Puppet::from_spec(self.session, &spec)?;
        if spec.overlay && !puppet.is_overlay() {
            return Err(Lacking("an overlay file system".to_owned()).into());
        }
        open_up(&puppet, "/data")?;
        open_up(&puppet, "/tmp")?;
        self.puppets.push(puppet);
        Ok(self.puppets.len() - 1)
    }

    /// Waits for the reports of acts that were done, and judges each act.
    fn account(&mut self, row: Row, done: &[Done], mark: Mark) -> Result<Vec<Result<Outcome>>> {
        let before = hits_of(&self.status, row)?;
        let (agent, watch) = self.context.agent(Mode::Monitor)?;
        let mut ends: Vec<Option<anyhow::Error>> = done.iter().map(|_| None).collect();
        for (index, puppet) in self.puppets.iter_mut().enumerate() {
            if !done.iter().any(|one| one.puppet == index) {
                continue;
            }
            // Once this is reported, everything before it has been.
            let end = format!("/data/{}", self.session.unique("end"));
            puppet.act(&puppet::Act::trigger(&["create", &end]))?;
            let last = Expect::new()
                .is("container.id", puppet.id.as_str())
                .is("file.path", end.as_str());
            watch.expect_since("violation", "the file that marks the end", &last, mark)?;
            let mine: Vec<usize> = (0..done.len())
                .filter(|at| done[*at].puppet == index)
                .collect();
            let wanted = || mine.iter().flat_map(|at| &done[*at].wanted);
            let mut reports = about_since(watch, "violation", puppet, mark);
            if wanted().any(|want| !reports.iter().any(|report| want.accepts(report))) {
                let watch = &*watch;
                // Whether it comes is judged below.
                let _ = wait_for("a straggler", STRAGGLER, || {
                    reports = about_since(watch, "violation", puppet, mark);
                    let all = wanted().all(|want| reports.iter().any(|one| want.accepts(one)));
                    Ok(all.then_some(()))
                });
            }
            reports.retain(|report| !last.accepts(report));
            for (at, error) in judge(done, &mine, &reports) {
                ends[at].get_or_insert(error);
            }
        }
        self.status = agent.status()?;
        let counted = hits_of(&self.status, row)?.saturating_sub(before);
        ensure!(
            counted >= done.len() as u64,
            "{} acts, but the hook counted {counted}",
            done.len()
        );
        Ok(ends
            .into_iter()
            .map(|error| error.map_or(Ok(Outcome::Passed), Err))
            .collect())
    }
}

/// What is wrong with which acts (`mine` of all that were `done`), given all reports about their
/// container.
fn judge(done: &[Done], mine: &[usize], reports: &[Value]) -> Vec<(usize, anyhow::Error)> {
    let mut errors = Vec::new();
    let mut accounted = vec![false; reports.len()];
    for at in mine {
        for want in &done[*at].wanted {
            let fits: Vec<usize> = (0..reports.len())
                .filter(|report| want.accepts(&reports[*report]))
                .collect();
            for report in &fits {
                accounted[*report] = true;
            }
            if fits.len() != 1 {
                let news = reports.iter().filter(|report| !is_means(report, done));
                errors.push((
                    *at,
                    anyhow!("{} reports fit; {}", fits.len(), want.explain(news)),
                ));
            }
        }
    }
    for (report, accounted) in reports.iter().zip(accounted) {
        if accounted || is_means(report, done) {
            continue;
        }
        let doer = mine.iter().find(|at| is_by(report, &done[**at].held));
        // Whoever it was, somebody must answer for it.
        if let Some(at) = doer.or(mine.last()) {
            errors.push((*at, anyhow!("reported, but not wanted: {report}")));
        }
    }
    errors
}

/// The exec of a program whose acts are the point; or a capability or an io_uring that was used on
/// the way: by the container's first process to make others, or by acts that are about something
/// else.
fn is_means(report: &Value, done: &[Done]) -> bool {
    if report["rule"] == "privilege.io_uring" {
        let is_point = |one: &Done| one.act.row == Row::PrivilegeIoUring;
        return !done.iter().any(is_point);
    }
    if report["rule"] == "privilege.capability" {
        let is_point = |one: &Done| one.act.row == Row::PrivilegeCapability;
        return report["process"]["args"] == json!([TRIGGER, "serve"])
            || !done.iter().any(is_point);
    }
    let path = lookup(report, "exec.path").and_then(Value::as_str);
    let is_program = |path| {
        let mut others = done.iter().filter(|one| one.act.row != Row::ProcessExec);
        others.any(|one| one.act.program.is_some_and(|(exe, _)| exe == path))
    };
    path.is_some_and(|path| path == TRIGGER || is_program(path))
}

/// Whether a process or one of its descendants is the one that did it.
fn is_by(report: &Value, held: &Held) -> bool {
    let process = &report["process"];
    let ancestors = process["ancestors"].as_array();
    process["pid"] == held.pid
        || ancestors.is_some_and(|all| all.iter().any(|one| one["pid"] == held.pid))
}

/// One report of an act, every field of it.
fn want(
    session: &Session,
    puppet: &Puppet<'_>,
    act: &Act,
    report: &Report,
    held: &Held,
    attached: &str,
) -> Result<Expect> {
    /// The parts of which a report has one.
    const SECTIONS: &[&str] = &["exec", "file", "egress", "listen", "dns", "privilege"];
    let words: Vec<&str> = [&["hold"], act.words].concat();
    let base = violation(session, puppet, report.rule, report.severity).is("nearest", "");
    let mut expect = once(by(base, puppet, held, &words)?, held).is("process.cwd", act.cwd);
    if let Some((exe, argv0)) = act.program {
        let argv: Vec<&str> = [&[argv0], words.as_slice()].concat();
        expect = expect.is("process.exe", exe).is("process.args", argv);
    }
    let below = |expect: Expect, pid: u32| -> Result<Expect> {
        Ok(expect
            .any("process.ancestors.1")
            .is("process.ancestors.0.exe", TRIGGER)
            .is("process.ancestors.0.pid", pid)
            .is("process.ancestors.1.exe", TRIGGER)
            .is("process.ancestors.1.pid", puppet.pid()?)
            .want("process.ancestors.2", Want::Absent))
    };
    // Its number is not known from outside.
    let unlike = |expect: Expect| {
        expect
            .want("process.pid", Want::Count)
            .want("process.containerPid", Want::Count)
    };
    expect = match report.actor {
        Actor::Told => expect,
        Actor::Become => below(expect, held.pid)?,
        Actor::Fork => unlike(expect),
        Actor::Child => unlike(below(expect, held.pid)?),
    };
    for section in SECTIONS {
        if *section != report.section {
            expect = expect.want(section, Want::Absent);
        }
    }
    for (field, is) in report.fields() {
        expect = expect.want(field, is.want());
    }
    if *report == act.report {
        let on_tier = act.per_tier.iter();
        let on_tier = on_tier.filter(|(tiers, _)| tiers.has(attached));
        let fields = on_tier.flat_map(|(_, fields)| *fields);
        for (field, is) in act.fields.iter().chain(fields) {
            // One more ancestor than there is usually.
            if let Some((ancestor, _)) = field.rsplit_once('.') {
                expect = expect.any(ancestor);
            }
            expect = expect.want(field, is.want());
        }
    }
    Ok(expect)
}

#[cfg(test)]
mod tests {
    use super::super::all;
    use super::*;

    fn done(pid: u32, path: &str) -> Done {
        Done {
            act: all().find(|act| act.id == "file.create").unwrap(),
            puppet: 0,
            held: Held {
                pid,
                container_pid: 2,
                start: 0.0,
                ids: (0, 0),
            },
            wanted: vec![Expect::new().is("file.path", path)],
        }
    }

    fn report(pid: u32, path: &str) -> Value {
        json!({"file": {"path": path}, "process": {"pid": pid, "ancestors": [{"pid": 1}]}})
    }

    fn blamed(reports: &[Value]) -> Vec<usize> {
        let done = [done(10, "/a"), done(20, "/b")];
        let errors = judge(&done, &[0, 1], reports);
        errors.into_iter().map(|(at, _)| at).collect()
    }

    #[test]
    fn every_act_has_its_report_and_no_other() {
        let (a, b) = (report(10, "/a"), report(20, "/b"));
        assert!(blamed(&[a.clone(), b.clone()]).is_empty());
        assert_eq!(blamed(std::slice::from_ref(&b)), [0], "missing");
        assert_eq!(blamed(&[a.clone(), b.clone(), b.clone()]), [1], "twice");
        assert_eq!(
            blamed(&[a.clone(), b.clone(), report(10, "/c")]),
            [0],
            "not wanted"
        );
        let mut child = report(11, "/c");
        child["process"]["ancestors"][0]["pid"] = 10.into();
        assert_eq!(blamed(&[a.clone(), b.clone(), child]), [0], "by a child");
        assert_eq!(blamed(&[a.clone(), b.clone(), report(30, "/c")]), [1]);
        let trigger = json!({"exec": {"path": TRIGGER}, "process": {"pid": 10}});
        assert!(blamed(&[a, b, trigger]).is_empty(), "the means");
    }
}
