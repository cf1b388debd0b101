//! What this node makes of each object, for who follows that ([`crate::api::states`]).
//!
//! An object concerns a node where a container of its workload runs there, and where it is refused: which nobody but the
//! agents can know, whose configuration says what has to be signed and by whom.

use super::Profiles;
use super::object::Version;
use super::room::SHARES;
use crate::judge::Judge;
use lapwing_profile::text::visible;
use lapwing_profile::workload::Workload;
use lapwing_proto::v1::BehaviorProfileState as State;
use lapwing_proto::v1::behavior_profile_state::Verdict;
use std::collections::{BTreeMap, HashMap};

/// Most that are told of.
const STATES_MAX: usize = 2_048;
/// Longest message, in bytes.
const MESSAGE_MAX: usize = 512;

fn digest(version: &Version) -> Vec<u8> {
    version.spec.map(Vec::from).unwrap_or_default()
}

impl Profiles {
    /// All of them, by their uids, where so many instances of each workload run. What is not known by a uid and a
    /// generation, as what an agent of an earlier version kept on disk, is told of when the API was heard.
    #[must_use]
    pub fn states(
        &self,
        judge: &Judge,
        running: &HashMap<Workload, u32>,
    ) -> BTreeMap<String, State> {
        let mut all = BTreeMap::new();
        for offered in judge.offered() {
            let instances = running.get(offered.workload).copied().unwrap_or_default();
            let version = offered.version;
            if instances == 0 || !version.is_known() || all.len() >= STATES_MAX {
                continue;
            }
            let Some((namespace, name)) = offered.object.split_once('/') else {
                continue;
            };
            let mut state = State {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                uid: version.uid.clone(),
                generation: version.generation,
                verdict: Verdict::InForce.into(),
                instances,
                spec_digest: digest(version),
                ..State::default()
            };
            if !offered.is_obeyed {
                state.verdict = Verdict::Refused.into();
                "NotTakenUp".clone_into(&mut state.reason);
                "the agent cannot take it up: its log says why".clone_into(&mut state.message);
            }
            all.insert(state.uid.clone(), state);
        }
        let held = self.board.held();
        // One namespace leaves room for the others.
        let mut shares: HashMap<&str, usize> = HashMap::new();
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for one in held.refusals().filter(|one| one.version.is_known()) {
            let share = shares.entry(&one.key.namespace).or_default();
            *share += 1;
            match *share <= STATES_MAX / SHARES {
                true => first.push(one),
                false if rest.len() < STATES_MAX => rest.push(one),
                false => {}
            }
        }
        for one in first.into_iter().chain(rest) {
            let uid = &one.version.uid;
            if all.len() >= STATES_MAX && !all.contains_key(uid) {
                continue;
            }
            let here = one.workload.cloned().map(|workload| judge.here(workload));
            let instances = here.and_then(|workload| running.get(&workload).copied());
            let mut message = visible(one.text).to_string();
            message.truncate(message.floor_char_boundary(MESSAGE_MAX));
            let state = State {
                namespace: one.key.namespace.clone(),
                name: one.key.name.clone(),
                uid: uid.clone(),
                generation: one.version.generation,
                verdict: Verdict::Refused.into(),
                reason: one.reason.to_owned(),
                message,
                instances: instances.unwrap_or_default(),
                spec_digest: digest(one.version),
            };
            all.insert(uid.clone(), state);
        }
        all
    }
}
