//! Signatures of people on what a profile approves.
//!
//! Signed is the canonical text of `spec`: workload, mode, and every approved
//! entry. What machines own (`status`: counts, times, what is pending) changes
//! without anybody's decision and is left out. The signature stands in a file of
//! its own ([`crate::envelope`]), and it holds the text that was signed, so that a
//! change since then can be told in the profile's own words.

use crate::diff::Diff;
use crate::envelope::{self, EnvelopeError, Kind, Private, Public};
use crate::profile::{Mode, Profile};
use thiserror::Error;

/// What kind of text is signed.
const SPEC: Kind = Kind {
    media_type: "application/vnd.lapwing.profile-spec.v1alpha1+yaml",
    what: "a signature of a profile",
};

/// What is wrong with a signature.
#[derive(Debug, Error)]
pub enum SignatureError {
    /// The envelope is none, or nobody of those that are trusted signed it.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The profile is not what it will be.
    #[error(
        "a profile that is {0} changes by itself: promote it first, by `lapwing profile promote`, and sign then"
    )]
    Unfinished(&'static str),
    /// The profile is another than the signed one.
    #[error("the profile is not what was signed: {0}")]
    Changed(String),
}

impl SignatureError {
    /// That a text is no signature of a profile.
    #[must_use]
    pub fn none(why: &str) -> Self {
        SPEC.refuse(why).into()
    }
}

/// Only what does not change by itself is signed, and taken as signed, whoever made the signature:
/// with one that says `Learning` anybody who has it could switch reports off at any later time.
fn finished(profile: &Profile) -> Result<(), SignatureError> {
    match profile.mode() {
        Mode::Monitoring => Ok(()),
        mode @ (Mode::Learning | Mode::Review) => Err(SignatureError::Unfinished(mode.word())),
    }
}

/// Signs what a profile approves: the text of the file with the signature. Others who signed the
/// same, in `before`, stay in it.
///
/// # Errors
/// When `before` is no such file, or the profile still learns: it goes on by evidence, and the
/// signature would be of what nobody decided. A signature of what it was earlier is left behind.
pub fn sign(
    profile: &Profile,
    key: &Private,
    before: Option<&[u8]>,
) -> Result<String, SignatureError> {
    finished(profile)?;
    Ok(envelope::seal(SPEC, &profile.to_spec(), key, before)?)
}

/// A signature without the text that was signed, to stand beside the profile itself, as an annotation of
/// its object does: that has a limit of 256 KiB. [`verify_beside`] takes it.
///
/// # Errors
/// When it is no signature of a profile, or of another text than the profile's present one.
pub fn detach(profile: &Profile, envelope: &[u8]) -> Result<String, SignatureError> {
    let (text, envelope) = envelope::without_text(SPEC, envelope)?;
    match text == profile.to_spec() {
        true => Ok(envelope),
        false => Err(SignatureError::Changed(changed(&text, profile))),
    }
}

/// A signature as [`detach`] made it, with the text that it is to be of; one with a text keeps that.
///
/// # Errors
/// When it is no signature of a profile.
pub fn attach(profile: &Profile, envelope: &[u8]) -> Result<String, SignatureError> {
    Ok(envelope::with_text(SPEC, envelope, &profile.to_spec())?)
}

/// Who of `trusted` signed what a profile approves, by a signature with the text or without it: the names
/// of their keys.
///
/// # Errors
/// As [`verify`].
pub fn verify_beside(
    profile: &Profile,
    envelope: &[u8],
    trusted: &[Public],
) -> Result<Vec<String>, SignatureError> {
    let whole = attach(profile, envelope)?;
    verify(profile, whole.as_bytes(), trusted)
}

/// What was signed, and by whom.
#[derive(Debug)]
pub struct Signed {
    text: String,
    /// The names of the trusted keys that signed it; at least one.
    pub keys: Vec<String>,
}

/// Opens an envelope.
///
/// # Errors
/// When it is none, or holds no valid signature of a trusted key.
pub fn open(envelope: &[u8], trusted: &[Public]) -> Result<Signed, SignatureError> {
    let (text, keys) = envelope::open(SPEC, envelope, trusted)?;
    Ok(Signed { text, keys })
}

impl Signed {
    /// The signed profile, under the name of a cluster: that is of the place, not of the workload.
    ///
    /// # Errors
    /// When another version wrote it, or it is of a profile that learns.
    pub fn profile(&self, cluster: &str) -> Result<Profile, SignatureError> {
        let mut profile = Profile::from_yaml(&self.text)
            .map_err(|error| SignatureError::none(&error.to_string()))?;
        finished(&profile)?;
        cluster.clone_into(&mut profile.workload.cluster);
        Ok(profile)
    }

    /// Whether a profile is what was signed, but for the name of its cluster.
    ///
    /// # Errors
    /// Says what was changed.
    pub fn is_of(&self, profile: &Profile) -> Result<(), SignatureError> {
        let signed = self.profile(&profile.workload.cluster)?;
        match signed.to_spec() == profile.to_spec() {
            true => Ok(()),
            false => Err(SignatureError::Changed(difference(&signed, profile))),
        }
    }
}

/// Who of `trusted` signed what a profile approves: the names of their keys.
///
/// # Errors
/// When the envelope is none, is of another text than the profile's present one, holds no valid
/// signature of a trusted key, or the profile learns.
pub fn verify(
    profile: &Profile,
    envelope: &[u8],
    trusted: &[Public],
) -> Result<Vec<String>, SignatureError> {
    let Signed { text, keys } = open(envelope, trusted)?;
    if text != profile.to_spec() {
        return Err(SignatureError::Changed(changed(&text, profile)));
    }
    finished(profile)?;
    Ok(keys)
}

/// What has changed since a text was signed.
fn changed(text: &str, now: &Profile) -> String {
    let Ok(then) = Profile::from_yaml(text) else {
        return "another version wrote it".to_owned();
    };
    difference(&then, now)
}

fn difference(then: &Profile, now: &Profile) -> String {
    if then.workload != now.workload {
        return format!(
            "it was signed for {}, this is of {}",
            then.workload, now.workload
        );
    }
    let diff = Diff::between(then, now);
    let mut parts: Vec<String> = (diff.added.iter())
        .map(|entry| format!("+ {entry}"))
        .chain(diff.removed.iter().map(|entry| format!("- {entry}")))
        .collect();
    if let Some((from, to)) = diff.mode {
        parts.insert(0, format!("mode {} -> {}", from.word(), to.word()));
    }
    const SHOWN: usize = 5;
    let more = parts.len().saturating_sub(SHOWN);
    parts.truncate(SHOWN);
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;
    use crate::profile::Verdict;
    use crate::workload::Workload;

    /// Of RFC 8410, section 10.3: a private key, and the public one of it (section 10.1).
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";

    fn profile() -> Profile {
        let workload = Workload {
            name: "web".into(),
            ..Workload::default()
        };
        let mut profile = Profile::new(workload, Mode::Monitoring);
        let entry = Entry::parse("exec: {path: /usr/sbin/nginx}").unwrap();
        profile.set(&entry, Verdict::Approved, 0);
        profile
    }

    fn other() -> Private {
        Private::from_bytes(&[7; 32])
    }

    #[test]
    fn what_was_signed_is_verified_and_status_is_not_part_of_it() {
        let key = Private::from_pem(PRIVATE).unwrap();
        let public = Public::from_pem(PUBLIC).unwrap();
        assert_eq!(key.public().id(), public.id());
        let mut profile = profile();
        let envelope = sign(&profile, &key, None).unwrap();
        assert_eq!(
            verify(&profile, envelope.as_bytes(), std::slice::from_ref(&public)).unwrap(),
            [public.id()]
        );
        let seen = Entry::parse("exec: {path: /bin/sh}").unwrap();
        profile.set(&seen, Verdict::Pending, 0);
        verify(&profile, envelope.as_bytes(), &[public]).unwrap();
    }

    #[test]
    fn a_signature_beside_its_text_is_of_that_text_alone() {
        let (key, keys) = (other(), [other().public()]);
        let mut profile = profile();
        let whole = sign(&profile, &key, None).unwrap();
        let beside = detach(&profile, whole.as_bytes()).unwrap();
        assert!(beside.len() < 300 && !beside.contains('\n'), "{beside}");
        for envelope in [&whole, &beside] {
            let by = verify_beside(&profile, envelope.as_bytes(), &keys).unwrap();
            assert_eq!(by, [keys[0].id()]);
        }
        assert!(verify(&profile, beside.as_bytes(), &keys).is_err());
        let entry = Entry::parse("exec: {path: /bin/sh}").unwrap();
        profile.set(&entry, Verdict::Approved, 0);
        for envelope in [&whole, &beside] {
            verify_beside(&profile, envelope.as_bytes(), &keys).unwrap_err();
        }
        let error = detach(&profile, whole.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("+ exec: {path: /bin/sh}"), "{error}");
        for bad in ["", "{}", "[]", "null"] {
            assert!(detach(&profile, bad.as_bytes()).is_err());
            assert!(verify_beside(&profile, bad.as_bytes(), &keys).is_err());
        }
    }

    #[test]
    fn what_still_learns_is_not_signed() {
        for mode in [Mode::Learning, Mode::Review] {
            let unfinished = Profile::new(Workload::default(), mode);
            let error = sign(&unfinished, &other(), None).unwrap_err();
            assert!(error.to_string().contains("promote it first"), "{error}");
            // By another tool, with a key that is trusted.
            let text = unfinished.to_spec();
            let envelope = envelope::seal(SPEC, &text, &other(), None).unwrap();
            let envelope = envelope.into_bytes();
            let keys = [other().public()];
            let verified = verify(&unfinished, &envelope, &keys).map(drop);
            let made = open(&envelope, &keys).unwrap().profile("c1").map(drop);
            for answer in [verified, made] {
                let error = answer.unwrap_err();
                assert!(matches!(error, SignatureError::Unfinished(_)), "{error}");
            }
        }
    }

    #[test]
    fn a_change_is_told_in_the_words_of_the_profile() {
        let key = other();
        let mut profile = profile();
        let envelope = sign(&profile, &key, None).unwrap();
        let shell = Entry::parse("exec: {path: /bin/sh}").unwrap();
        profile.set(&shell, Verdict::Approved, 0);
        let error = verify(&profile, envelope.as_bytes(), &[key.public()]).unwrap_err();
        let words = error.to_string();
        assert!(
            words.contains("not what was signed: + exec: {path: /bin/sh}"),
            "{words}"
        );
        profile.workload.name = "db".into();
        let error = verify(&profile, envelope.as_bytes(), &[key.public()]).unwrap_err();
        assert!(error.to_string().contains("it was signed for"), "{error}");
    }

    #[test]
    fn signatures_of_strangers_and_forgeries_are_told_apart() {
        let key = Private::from_pem(PRIVATE).unwrap();
        let profile = profile();
        let envelope = sign(&profile, &key, None).unwrap();
        let error = verify(&profile, envelope.as_bytes(), &[other().public()]).unwrap_err();
        assert!(
            matches!(
                error,
                SignatureError::Envelope(EnvelopeError::Untrusted { .. })
            ),
            "{error}"
        );
        // The name of a trusted key on the signature of another.
        let forged = envelope.replace(&key.public().id(), &other().public().id());
        let error = verify(&profile, forged.as_bytes(), &[other().public()]).unwrap_err();
        assert!(
            matches!(error, SignatureError::Envelope(EnvelopeError::Forged(_))),
            "{error}"
        );
    }

    #[test]
    fn several_people_sign_the_same_and_begin_anew_with_another() {
        let (first, second) = (Private::from_pem(PRIVATE).unwrap(), other());
        let mut profile = profile();
        let one = sign(&profile, &first, None).unwrap();
        let both = sign(&profile, &second, Some(one.as_bytes())).unwrap();
        let keys = [first.public(), second.public()];
        assert_eq!(verify(&profile, both.as_bytes(), &keys).unwrap().len(), 2);
        // Signing twice is signing once.
        let again = sign(&profile, &second, Some(both.as_bytes())).unwrap();
        assert_eq!(again, both);
        let entry = Entry::parse("exec: {path: /bin/ls}").unwrap();
        profile.set(&entry, Verdict::Approved, 0);
        let anew = sign(&profile, &second, Some(both.as_bytes())).unwrap();
        assert_eq!(
            verify(&profile, anew.as_bytes(), &keys).unwrap(),
            [second.public().id()]
        );
    }

    #[test]
    fn other_texts_are_refused_in_one_visible_line() {
        let profile = profile();
        let key = other().public();
        let envelope = sign(&profile, &other(), None).unwrap();
        for (text, word) in [
            ("", "EOF"),
            ("{\"\u{1b}[2J\": 1}", "control character"),
            ("{\"\u{202e}\": 1}", "missing field"),
            (
                "{\"payload\": \"\", \"payloadType\": \"text/plain\", \"signatures\": []}",
                "text/plain",
            ),
            (
                &envelope.replace("\"payload\": \"", "\"payload\": \"!"),
                "its text",
            ),
        ] {
            let error = verify(&profile, text.as_bytes(), std::slice::from_ref(&key)).unwrap_err();
            let words = error.to_string();
            assert!(words.contains(word), "{words}");
            assert!(!words.chars().any(char::is_control), "{words:?}");
        }
        assert!(Private::from_pem(PUBLIC).is_err());
        assert!(Public::from_pem(PRIVATE).is_err());
    }
}
