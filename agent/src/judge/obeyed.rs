//! Profiles that obey an object of the cluster, see [`crate::cluster`].
//!
//! What the object approves is what such a profile approves, and its mode is the profile's. It has a file
//! of its own for what this node counts and sees besides, and the node's own profile of the workload is
//! laid aside, as it was, until the object goes. Nothing that is seen changes what the object says: in
//! monitoring it waits in the profile, as ever; a profile that learns goes on from what the object approves,
//! goes to review when its evidence is complete, and stays there, because people promote in the cluster. When the
//! object says something else, what was learned besides waits for a decision, until it is seen again.
//!
//! People decide of it in the cluster alone: the command line is refused, with the way.
//!
//! What workloads of other nodes have is held as text.

use super::Judge;
use super::episodes::Moment;
use super::keep::{Keeper, Kept};
use super::report;
use crate::cluster::{News, Offer, Version};
use lapwing_profile::decide::By;
use lapwing_profile::file::TEXT_MAX;
use lapwing_profile::fingerprint;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::text::visible;
use lapwing_profile::workload::Workload;
use lapwing_proto::v1::{self, watch_response::Item};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::sync::Arc;

/// Who decides where the cluster does.
pub(super) const ACTOR: &str = "kubernetes";
/// Why an object is reported that is not obeyed.
const REASON: &str = "cluster-profile";

/// What a profile obeys.
pub(super) struct Obeys {
    /// As `shop/web`.
    pub(super) object: String,
    /// What it said when that was taken up.
    text: Arc<str>,
}

/// What an object says.
pub(super) struct Obeyed {
    /// As `shop/web`.
    object: String,
    version: Version,
    text: Arc<str>,
    pub(super) mode: Mode,
    at: i64,
}

/// What an object says for a workload that has a profile here.
#[derive(Clone, Copy, Debug)]
pub struct Offered<'j> {
    /// Whose.
    pub workload: &'j Workload,
    /// As `shop/web`.
    pub object: &'j str,
    /// Of the object.
    pub version: &'j Version,
    /// Whether its profile is what the object says.
    pub is_obeyed: bool,
}

impl Obeyed {
    /// For a profile that has taken this up.
    fn taken(&self) -> Obeys {
        Obeys {
            object: self.object.clone(),
            text: Arc::clone(&self.text),
        }
    }

    /// Whether a profile has.
    fn is_taken(&self, obeys: Option<&Obeys>) -> bool {
        obeys.is_some_and(|obeys| obeys.object == self.object && obeys.text == self.text)
    }

    /// Why the profile is as it is. It holds a digest, by which it is known after a restart whether this was
    /// taken up.
    fn reason(&self) -> String {
        let digest = fingerprint::hex(&[self.text.as_bytes()]);
        format!("BehaviorProfile {}, {digest}", self.object)
    }

    /// The profile of it.
    fn profile(&self, workload: &Workload) -> Result<Profile, String> {
        let mut profile = Profile::from_yaml(&*self.text).map_err(|error| error.to_string())?;
        profile.workload.clone_from(workload);
        Ok(profile)
    }

    /// Has a profile approve of what the object does, unless that was done.
    fn put(&self, into: &mut Profile) -> Result<(), String> {
        let reason = self.reason();
        let given = self.profile(&into.workload)?;
        let last = into.decisions().filter(|one| one.action == "import").last();
        let was_put = last.is_some_and(|last| last.actor == ACTOR && last.reason == reason);
        // What is compared with is what the object says, whoever changed the file.
        let is_so = given.mode() != Mode::Monitoring || given.to_spec() == into.to_spec();
        if was_put && is_so {
            return Ok(());
        }
        let by = By {
            actor: ACTOR,
            reason: &reason,
            at: self.at,
        };
        into.import(&given, by).map_err(|error| error.to_string())
    }
}

impl Keeper {
    /// A profile that obeys what the cluster says of a workload, if that says anything.
    pub(super) fn obeying(&self, workload: &Workload) -> Option<Kept> {
        let offer = self.offers.get(workload)?;
        let path = self.store().obeyed_path(&workload.file_name());
        let known = self.store().read(&path, TEXT_MAX).ok();
        let known = known.and_then(|bytes| Profile::from_yaml(&bytes).ok());
        let mut profile = known
            .filter(|known| known.workload == *workload)
            .unwrap_or_else(|| Profile::new(workload.clone(), offer.mode));
        if offer.put(&mut profile).is_err() {
            // What this node saw finds no room beside it: it goes, and the object counts.
            profile = Profile::new(workload.clone(), offer.mode);
            if let Err(why) = offer.put(&mut profile) {
                tracing::error!("{}: {}", offer.object, visible(&why));
                return None;
            }
        }
        let mut kept = Kept::new(profile);
        kept.obeys = Some(offer.taken());
        kept.news();
        Some(kept)
    }

    /// Has a workload of this node obey what the cluster says of it; answers whether anything changed.
    pub(super) fn obey(&mut self, workload: &Workload) -> bool {
        let Some(offer) = self.offers.get(workload) else {
            return false;
        };
        if let Some(kept) = self.profiles.get_mut(workload)
            && kept.obeys.is_some()
        {
            let mut profile = kept.profile.clone();
            if offer.put(&mut profile).is_ok() {
                let same = profile.revision() == kept.profile.revision();
                kept.say_decided(&profile);
                kept.profile = profile;
                kept.obeys = Some(offer.taken());
                (kept.due, kept.news) = (true, true);
                return !same;
            }
        }
        let Some(obeying) = self.obeying(workload) else {
            return false;
        };
        let own = self.profiles.insert(workload.clone(), obeying);
        if let Some(own) = own.filter(|own| own.obeys.is_none()) {
            self.aside_own.insert(workload.clone(), own);
        }
        true
    }

    /// The cluster says nothing more of a workload: its own profile counts again, if it has one.
    fn disobey(&mut self, workload: &Workload) {
        self.offers.remove(workload);
        let obeys = { self.profiles.get(workload) }.is_some_and(|kept| kept.obeys.is_some());
        if !obeys {
            return;
        }
        self.profiles.remove(workload);
        if let Some(mut own) = self.aside_own.remove(workload) {
            // For those who follow what is learned.
            own.news();
            self.profiles.insert(workload.clone(), own);
        }
        let path = self.store().obeyed_path(&workload.file_name());
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("cannot remove {}: {error}", path.display());
        }
    }

    /// Removes files of what is not obeyed any more.
    fn forget_disobeyed(&self) {
        let store = self.store();
        let wanted = self.offers.keys();
        let wanted: HashSet<_> = { wanted }
            .map(|workload| store.obeyed_path(&workload.file_name()))
            .collect();
        for path in store.obeyed().unwrap_or_default() {
            if !wanted.contains(&path) && fs::remove_file(&path).is_err() {
                tracing::warn!("cannot remove {}", path.display());
            }
        }
    }

    /// Has a workload that runs on this node obey from its start, before it does anything.
    pub(super) fn obey_from_start(&mut self, workload: &Workload) -> bool {
        let is_own = { self.profiles.get(workload) }.is_none_or(|kept| kept.obeys.is_none());
        is_own && self.obey(workload)
    }
}

impl Judge {
    /// The cluster says so. What is wrong with it is reported.
    pub fn cluster(&mut self, news: News, now: Moment) -> Vec<Item> {
        match news {
            News::InForce(offer) => {
                self.in_force(offer, now);
                Vec::new()
            }
            News::Gone(workload) => {
                let workload = self.here(workload);
                tracing::info!("{workload}: no BehaviorProfile any more, the node's own counts");
                self.keeper.disobey(&workload);
                self.modes.due = true;
                self.anew(workload);
                Vec::new()
            }
            News::Refused {
                object,
                workload,
                text,
            } => self.refused(&object, workload.as_ref(), &text, now),
            News::Mended(object) => self.mended(&object, now),
            News::Listed => {
                self.keeper.forget_disobeyed();
                Vec::new()
            }
        }
    }

    /// For how many workloads of this node an object is in force, and when one of these came in force or said
    /// something else last, in nanoseconds since the Unix epoch; 0 for never.
    #[must_use]
    pub fn obeying(&self) -> (u32, i64) {
        let mut many = 0;
        let mut since = 0;
        for kept in { self.keeper.profiles.values() }.filter(|kept| kept.obeys.is_some()) {
            many += 1;
            let by_cluster = kept.profile.decisions().filter(|one| one.actor == ACTOR);
            since = by_cluster.map(|one| one.at).fold(since, i64::max);
        }
        (many, since)
    }

    /// What objects say for the workloads that have a profile here, in no order.
    pub fn offered(&self) -> impl Iterator<Item = Offered<'_>> {
        let all = self.keeper.profiles.iter();
        all.filter_map(|(workload, kept)| {
            let offer = self.keeper.offers.get(workload)?;
            Some(Offered {
                workload,
                object: &offer.object,
                version: &offer.version,
                is_obeyed: offer.is_taken(kept.obeys.as_ref()),
            })
        })
    }

    /// A workload by the name that its cluster has here.
    #[must_use]
    pub fn here(&self, mut workload: Workload) -> Workload {
        (self.keeper.cluster()).clone_into(&mut workload.cluster);
        workload
    }

    fn in_force(&mut self, offer: Offer, now: Moment) {
        let workload = self.here(offer.workload);
        let obeyed = Obeyed {
            object: offer.object,
            version: offer.version,
            text: offer.text,
            mode: offer.mode,
            at: now.wall,
        };
        let object = obeyed.object.clone();
        self.keeper.offers.insert(workload.clone(), obeyed);
        self.modes.due = true;
        // What is not on this node waits until it is.
        if self.keeper.known(&workload).is_some() && self.keeper.obey(&workload) {
            tracing::info!("{workload}: the BehaviorProfile {object} is in force");
            self.anew(workload);
        }
    }

    /// What was said of a workload, to the kernel side too, holds no longer.
    pub(super) fn anew(&mut self, workload: Workload) {
        self.learn_anew(&workload);
        self.attribute_anew();
        self.changed.push(workload);
    }

    fn refused(
        &mut self,
        object: &str,
        workload: Option<&Workload>,
        text: &str,
        now: Moment,
    ) -> Vec<Item> {
        let detail = format!("the BehaviorProfile {object}: {}", visible(text));
        tracing::warn!("{detail}");
        // It may be wrong in another way than before.
        let mut items = self.mended(object, now);
        // Else each node of the cluster would report it.
        if let Some(workload) = workload
            && self.keeper.known(&self.here(workload.clone())).is_none()
        {
            return items;
        }
        let fingerprint = self.trouble(object);
        let mut violation = self.about_sensor(REASON, detail);
        violation.workload = workload.map(report::workload);
        let reports = self
            .episodes
            .occurred(&fingerprint, 0, "", now, || violation);
        items.extend(self.reported(reports));
        items
    }

    fn mended(&mut self, object: &str, now: Moment) -> Vec<Item> {
        let fingerprint = self.trouble(object);
        if !self.episodes.is_open(&fingerprint, 0) {
            return Vec::new();
        }
        let reports = self.episodes.over(&fingerprint, 0, now, |violation| {
            if let Some(v1::violation::Detail::Degraded(degraded)) = &mut violation.detail {
                degraded.detail = format!("over; it was: {}", degraded.detail);
            }
        });
        self.reported(reports).collect()
    }

    fn trouble(&self, object: &str) -> String {
        fingerprint::hex(&[REASON.as_bytes(), object.as_bytes(), self.node.as_bytes()])
    }
}
