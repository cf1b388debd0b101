//! Signatures: who may change what is compared with.
//!
//! Where the configuration requires them (`signatures.require`), what people decide comes in from
//! outside, as a file with a signature of one of the keys: imports without one are refused, and so
//! are decisions by hand (approve, refuse, promote, demote), with the way around in the message.
//! Learning goes on as ever, up to `Review`: that is nobody's decision, and the way out of it is a
//! signed file, too.
//!
//! The signature is kept beside the profile, and holds the text that was signed. So at the start it
//! is known what must be in force: a stored profile that is another than the signed one gives way
//! to that, whoever changed it, and one that is gone, or was set aside because it is damaged, is
//! made of it anew. A profile in monitoring of which there is no valid signature stays
//! in force as it is, because without it the workload would be compared with nothing; both are
//! reported, as `sensor.degraded`.
//!
//! An older file that was signed once may be imported again: a signature says who, not when. That is
//! why none is taken of a profile that learns, whoever made it: whoever has the file could switch
//! reports off with it at any later time. So a workload goes back to learning by no signature; what
//! it does anew is approved in a file, or learned where no signatures are required.

mod missing;

use super::Judge;
use super::decide::AskError;
use super::episodes::Moment;
use super::keep::Kept;
use super::report;
use super::store::{Store, StoreError};
use lapwing_profile::decide::By;
use lapwing_profile::envelope::Public;
use lapwing_profile::file::TEXT_MAX;
use lapwing_profile::fingerprint;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::signature::{self, SignatureError, Signed};
use lapwing_profile::workload::Workload;
use lapwing_proto::v1::watch_response::Item;
use std::path::Path;

/// Longest signature that is taken and read, in bytes: the text of a profile in base64, a third
/// longer than itself, and many signatures of it.
pub const ENVELOPE_MAX: usize = 2 * TEXT_MAX;

/// Which signatures are wanted.
#[derive(Clone, Default)]
pub struct Signatures {
    /// Whether they are needed.
    pub require: bool,
    /// Who is trusted.
    pub keys: Vec<Public>,
}

impl Signatures {
    /// Checks what came with a profile, as far as it matters. Answers what is to be kept.
    pub(super) fn check(
        &self,
        profile: &Profile,
        envelope: &str,
    ) -> Result<Option<String>, AskError> {
        if envelope.is_empty() {
            return match self.require {
                false => Ok(None),
                true => Err(AskError::Unsigned(
                    "`lapwing profile sign FILE --key KEY` writes the signature beside the file, and \
                     `lapwing profile import FILE` takes both"
                        .to_owned(),
                )),
            };
        }
        if envelope.len() > ENVELOPE_MAX {
            let why = format!("it has more than {ENVELOPE_MAX} bytes");
            return Err(SignatureError::none(&why).into());
        }
        if self.keys.is_empty() {
            return Ok(None); // Nobody is trusted, and nobody has to be.
        }
        signature::verify(profile, envelope.as_bytes(), &self.keys)?;
        Ok(Some(envelope.to_owned()))
    }
}

/// What was found at the start.
pub(super) struct Finding {
    /// Whose profile it is about; `None` where nobody can say.
    workload: Option<Workload>,
    /// The reason of the report.
    reason: &'static str,
    text: String,
}

impl Judge {
    /// With the signatures that are wanted. Stored profiles are compared with theirs, and those
    /// that are missing are made of them.
    ///
    /// # Errors
    /// When the state folder fails.
    pub fn with_signatures(mut self, signatures: Signatures, now: i64) -> Result<Self, StoreError> {
        self.signatures = signatures;
        if self.signatures.require {
            let keys = &self.signatures.keys;
            let (store, profiles) = self.keeper.stored();
            let found = profiles.filter_map(|kept| examine(store, kept, keys, now));
            self.found = found.collect();
            self.found
                .extend(missing::restore(&mut self.keeper, keys, now)?);
            self.found
                .sort_by(|a, b| (&a.workload, &a.text).cmp(&(&b.workload, &b.text)));
        }
        Ok(self)
    }

    /// Profiles that are not what was signed, as they were when the agent started.
    pub fn unsigned(&mut self, now: Moment) -> Vec<Item> {
        let mut items = Vec::new();
        for finding in std::mem::take(&mut self.found) {
            tracing::error!("{}", finding.text);
            let whose = match &finding.workload {
                Some(workload) => workload.to_string(),
                None => finding.text.clone(),
            };
            let fingerprint = fingerprint::hex(&[finding.reason.as_bytes(), whose.as_bytes()]);
            let mut violation = self.about_sensor(finding.reason, finding.text);
            violation.workload = finding.workload.as_ref().map(report::workload);
            let reports = self
                .episodes
                .occurred(&fingerprint, 0, "", now, || violation);
            items.extend(self.reported(reports));
        }
        items
    }

    /// Whether people may decide here.
    pub(super) fn may_decide(&self) -> Result<(), AskError> {
        self.may(
            "`lapwing profile export NAME FILE`, decide of the file (as in `lapwing profile approve \
             ENTRY --profile FILE`), `lapwing profile sign FILE --key KEY`, and `lapwing profile import FILE`",
        )
    }

    /// Whether people may send a profile back to learning here.
    pub(super) fn may_demote(&self) -> Result<(), AskError> {
        self.may(
            "what learns changes by itself, so nobody can sign it. What was reported waits in the profile: \
             `lapwing profile export NAME FILE`, approve it there, `lapwing profile sign FILE --key KEY`, and \
             `lapwing profile import FILE`. Or let the workload learn where an agent requires no signatures, \
             and sign what comes of it",
        )
    }

    fn may(&self, way: &str) -> Result<(), AskError> {
        match self.signatures.require {
            false => Ok(()),
            true => Err(AskError::Unsigned(way.to_owned())),
        }
    }
}

/// Opens a signature. Says why it cannot.
fn open(store: &Store, path: &Path, keys: &[Public]) -> Result<Signed, String> {
    let bytes = store
        .read(path, ENVELOPE_MAX)
        .map_err(|error| error.to_string())?;
    signature::open(&bytes, keys).map_err(|error| format!("{}: {error}", path.display()))
}

/// Compares a stored profile with its signature, which wins.
fn examine(store: &Store, kept: &mut Kept, keys: &[Public], now: i64) -> Option<Finding> {
    let workload = kept.profile.workload.clone();
    let path = store.signature_path(&workload.file_name());
    let finding = |reason, text| {
        Some(Finding {
            workload: Some(workload.clone()),
            reason,
            text,
        })
    };
    let compared = kept.profile.mode() == Mode::Monitoring;
    let unsigned = |why: &str| {
        let text = format!(
            "{workload}: {why}, and `signatures.require` is set: it stays in force as it is. \
             `lapwing profile export` it, look at it, sign it, and `lapwing profile import` it"
        );
        match compared {
            true => finding("profile-unsigned", text),
            false => None,
        }
    };
    if !path.exists() {
        return unsigned("nobody signed the profile");
    }
    let signed = open(store, &path, keys);
    let signed = match signed {
        Ok(signed) => signed,
        Err(why) => return unsigned(&why),
    };
    let changed = match signed.is_of(&kept.profile) {
        Ok(()) => return None,
        Err(SignatureError::Changed(how)) => how,
        Err(error) => return unsigned(&error.to_string()),
    };
    let reason = format!(
        "signed by {}; another was stored: {changed}",
        signed.keys.join(", ")
    );
    let by = By {
        actor: super::learn::ACTOR,
        reason: &reason,
        at: now,
    };
    let restored = signed
        .profile(&workload.cluster)
        .map_err(|error| error.to_string())
        .and_then(|given| {
            let imported = kept.profile.import(&given, by);
            imported.map_err(|refusal| refusal.to_string())
        });
    if let Err(why) = restored {
        return unsigned(&format!("the signed profile cannot be taken up ({why})"));
    }
    kept.news = true;
    let text = format!(
        "{workload}: the stored profile was not what was signed ({changed}): what was signed is in force again. \
         Find out who changed {}",
        store.profile_path(&workload.file_name()).display()
    );
    finding("profile-changed", text)
}
