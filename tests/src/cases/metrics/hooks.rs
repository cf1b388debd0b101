//! Verdicts by hook, of a whole agent.

use super::{Probed, samples};
use crate::agent::Mode;
use crate::cases::common::{NOBODY4, NOBODY6, learned_until_now, number, violations_until_now};
use crate::puppet::{Act, Puppet};
use crate::runner::{Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use std::collections::BTreeMap;

const VERDICTS: [&str; 5] = ["known", "learned", "deviation", "refused_full", "unnamed"];
const EXEC: &str = "process.exec";
const OPEN: &str = "file.open";
const CONNECT4: &str = "egress.connect4";
const CONNECT6: &str = "egress.connect6";
const SEND4: &str = "egress.sendmsg4";

/// One act for each of some hooks, unlike those of another name and port.
fn acts(applet: &str, port: u16) -> [(Act, &'static str); 5] {
    let file = format!("/data/{applet}");
    let (port, next) = (port.to_string(), (port + 1).to_string());
    [
        (Act::program("/bin/busybox", applet), EXEC),
        (Act::trigger(&["open-write", &file]), OPEN),
        (Act::trigger(&["connect-tcp", NOBODY4, &port]), CONNECT4),
        (Act::trigger(&["connect-udp", NOBODY6, &port]), CONNECT6),
        (Act::trigger(&["send-udp", NOBODY4, &next]), SEND4),
    ]
}

/// How often each hook fired, or was judged so, by the name with labels; only of what was.
type Counts = BTreeMap<String, f64>;

fn judged(hook: &str, verdict: &str) -> String {
    format!("lapwing_judged_total{{hook=\"{hook}\",verdict=\"{verdict}\"}}")
}

fn risen(before: &Counts, after: &Counts, family: &str) -> Counts {
    { samples(after, family) }
        .map(|(name, count)| (name.clone(), count - before.get(name).unwrap_or(&0.0)))
        .filter(|(_, count)| *count > 0.0)
        .collect()
}

/// An agent in a mode, and the container it looks at.
struct Scene<'s> {
    puppet: Puppet<'s>,
    probed: Probed,
    watch: Watch,
    mode: Mode,
}

impl<'s> Scene<'s> {
    fn start(context: &Context<'s>, workload: &str, mode: Mode) -> Result<Self> {
        let puppet = Puppet::start(context.session, workload)?;
        let probed = Probed::start(context, mode)?;
        let watch = probed.agent.watch()?;
        probed.will_be_well()?;
        Ok(Self {
            puppet,
            probed,
            watch,
            mode,
        })
    }

    /// What is counted once all that was done is judged, of which a new file is the last.
    fn counted(&mut self, mark: &str) -> Result<Counts> {
        match self.mode {
            Mode::Learn => learned_until_now(&mut self.watch, &mut self.puppet, mark)?,
            Mode::Monitor => {
                violations_until_now(&mut self.watch, &mut self.puppet, mark)?;
            }
        }
        let status = self.probed.agent.status()?;
        let each = status["judged"].as_array().context("nothing is judged")?;
        let all: u64 = each.iter().filter_map(|it| number(&it["count"])).sum();
        // Metrics may be a second old.
        wait_for("the metrics to say what is judged", patience(), || {
            let metrics = self.probed.metrics()?;
            let told: f64 = samples(&metrics, "lapwing_judged_total")
                .map(|(_, count)| count)
                .sum();
            ensure!(told <= all as f64, "{told} of {all} are judged");
            Ok((told == all as f64).then_some(metrics))
        })
    }

    /// Each act raises the counter of the hook that saw it, and none besides; what is done again the
    /// hook sees, and nobody judges.
    fn rises(&mut self) -> Result<usize> {
        // Who learns that a file is made learns that it is written.
        let (verdict, written) = match self.mode {
            Mode::Learn => ("learned", "known"),
            Mode::Monitor => ("deviation", "deviation"),
        };
        for applet in ["id", "true"] {
            let file = format!("/data/{applet}");
            self.puppet.act(&Act::trigger(&["create", &file]))?;
        }
        for (act, _) in acts("id", 4300) {
            self.puppet.act(&act)?;
        }
        let before = self.counted("/data/before")?;
        self.attached_are_counted(&before)?;

        for (act, _) in acts("true", 4310) {
            self.puppet.act(&act)?;
        }
        let after = self.counted("/data/after")?;
        let mut wanted = Counts::new();
        for (_, hook) in acts("true", 4310) {
            let verdict = if hook == OPEN { written } else { verdict };
            *wanted.entry(judged(hook, verdict)).or_default() += 1.0;
        }
        // The mark is a file too.
        *wanted.entry(judged(OPEN, verdict)).or_default() += 1.0;
        let rise = risen(&before, &after, "lapwing_judged_total");
        ensure!(rise == wanted, "{rise:?} instead of {wanted:?}");

        for (act, _) in acts("true", 4310) {
            self.puppet.act(&act)?;
        }
        let again = self.counted("/data/again")?;
        let rise = risen(&after, &again, "lapwing_judged_total");
        let wanted: Counts = [(judged(OPEN, verdict), 1.0)].into();
        ensure!(rise == wanted, "of repeats {rise:?} instead of {wanted:?}");
        let fired = risen(&after, &again, "lapwing_hook_events_total");
        for (_, hook) in acts("true", 4310) {
            let name = format!("lapwing_hook_events_total{{hook=\"{hook}\"}}");
            ensure!(fired.contains_key(&name), "{hook} did not fire: {fired:?}");
        }
        Ok(samples(&again, "lapwing_judged_total").count())
    }

    /// Every hook that is attached has a counter for each verdict, so has the agent, and nothing else.
    fn attached_are_counted(&self, counts: &Counts) -> Result<()> {
        let status = self.probed.agent.status()?;
        let hooks = status["hooks"].as_array().context("no hooks")?;
        let is_attached = |tier: &&str| !tier.is_empty();
        let rows = { hooks.iter() }
            .filter(|hook| hook["tier"].as_str().filter(is_attached).is_some())
            .filter_map(|hook| hook["row"].as_str());
        let mut wanted: Vec<String> = { rows.chain(["agent"]) }
            .flat_map(|hook| VERDICTS.map(|verdict| judged(hook, verdict)))
            .collect();
        wanted.sort();
        let told: Vec<&String> = { samples(counts, "lapwing_judged_total") }
            .map(|(name, _)| name)
            .collect();
        ensure!(
            told.iter().copied().eq(&wanted),
            "{told:?} instead of {wanted:?}"
        );
        Ok(())
    }
}

/// The counters of verdicts tell the hook: of a container that learns, and of one that is compared.
pub(super) fn hooks(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let learned = Scene::start(context, "taught", Mode::Learn)?.rises()?;
    let compared = Scene::start(context, "compared", Mode::Monitor)?.rises()?;
    ensure!(learned == compared, "{learned} counters, then {compared}");
    Ok(Outcome::Measured(format!("{compared} counters")))
}
