//! Signatures of people on what a profile approves.
//!
//! Signed is the canonical text of `spec`: workload, mode, and every approved
//! entry. What machines own (`status`: counts, times, what is pending) changes
//! without anybody's decision and is left out. The signature stands in a file of
//! its own, an envelope of DSSE (Dead Simple Signing Envelope, protocol 1.0.0,
//! secure-systems-lab) with Ed25519 (RFC 8032) keys, so that other tools can check
//! it, and it holds the text that was signed, so that a change since then can be
//! told in the profile's own words.

use crate::diff::Diff;
use crate::profile::{Mode, Profile};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePublicKey};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use thiserror::Error;

/// What kind of text is signed.
const PAYLOAD_TYPE: &str = "application/vnd.lapwing.profile-spec.v1alpha1+yaml";
/// Signatures that are looked at.
const SIGNATURES_MAX: usize = 64;

/// What is wrong with a key or a signature.
#[derive(Debug, Error)]
pub enum SignatureError {
    /// The text is another thing than a key.
    #[error(
        "not an Ed25519 {0} key in PEM: `openssl genpkey -algorithm ed25519 -out key.pem` makes a private one, \
         `openssl pkey -in key.pem -pubout -out key.pub` the public one of it"
    )]
    NoKey(&'static str),
    /// The text is another thing than an envelope.
    #[error("not a signature of a profile: {0}")]
    NoEnvelope(String),
    /// The profile is not what it will be.
    #[error(
        "a profile that is {0} changes by itself: promote it first, by `lapwing profile promote`, and sign then"
    )]
    Unfinished(&'static str),
    /// The profile is another than the signed one.
    #[error("the profile is not what was signed: {0}")]
    Changed(String),
    /// Nobody of those that are trusted signed it.
    #[error("it was signed by {theirs}, and by none of the given keys ({ours})")]
    Untrusted {
        /// Who signed.
        theirs: String,
        /// Who is trusted.
        ours: String,
    },
    /// A trusted key is named, and the signature is not of it.
    #[error(
        "the signature that names key {0} is not by that key: the file was tampered with or damaged"
    )]
    Forged(String),
}

/// A private key.
pub struct Private(SigningKey);

/// A public key.
#[derive(Clone)]
pub struct Public(VerifyingKey);

impl Private {
    /// Reads one from PEM (PKCS #8, RFC 5958, unencrypted).
    ///
    /// # Errors
    /// When the text is another thing.
    pub fn from_pem(text: &str) -> Result<Self, SignatureError> {
        SigningKey::from_pkcs8_pem(text)
            .map(Self)
            .map_err(|_| SignatureError::NoKey("private"))
    }

    /// The public one of it.
    #[must_use]
    pub fn public(&self) -> Public {
        Public(self.0.verifying_key())
    }
}

impl Public {
    /// Reads one from PEM (SubjectPublicKeyInfo, RFC 8410).
    ///
    /// # Errors
    /// When the text is another thing.
    pub fn from_pem(text: &str) -> Result<Self, SignatureError> {
        VerifyingKey::from_public_key_pem(text)
            .map(Self)
            .map_err(|_| SignatureError::NoKey("public"))
    }

    /// Its name: the first 16 bytes of the SHA-256 of its DER form, in hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        // An Ed25519 key has a DER form of fixed length.
        let der = self.0.to_public_key_der();
        let hash = Sha256::digest(der.as_ref().map_or(&[][..], |der| der.as_bytes()));
        hash[..16].iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<OneSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OneSignature {
    #[serde(default)]
    keyid: String,
    sig: String,
}

/// What is really signed: type and text with their lengths, so that neither can pass for the
/// other (DSSE, "pre-authentication encoding").
fn encoded(text: &str) -> Vec<u8> {
    format!(
        "DSSEv1 {} {PAYLOAD_TYPE} {} {text}",
        PAYLOAD_TYPE.len(),
        text.len()
    )
    .into_bytes()
}

fn read(envelope: &[u8]) -> Result<(Envelope, String), SignatureError> {
    let fail = |why: String| SignatureError::NoEnvelope(crate::text::visible(&why).into_owned());
    let envelope: Envelope =
        serde_json::from_slice(envelope).map_err(|error| fail(error.to_string()))?;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(fail(format!(
            "it is of a {}, not of a {PAYLOAD_TYPE}",
            envelope.payload_type
        )));
    }
    if envelope.signatures.is_empty() || envelope.signatures.len() > SIGNATURES_MAX {
        return Err(fail(format!(
            "{} signatures in it, 1 to {SIGNATURES_MAX} can be",
            envelope.signatures.len()
        )));
    }
    let text = BASE64
        .decode(&envelope.payload)
        .map_err(|error| fail(format!("its text: {error}")))?;
    let text = String::from_utf8(text).map_err(|_| fail("its text is not UTF-8".to_owned()))?;
    Ok((envelope, text))
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
    if profile.mode() != Mode::Monitoring {
        return Err(SignatureError::Unfinished(profile.mode().word()));
    }
    let text = profile.to_spec();
    let own = key.public().id();
    let mut signatures = match before.map(read).transpose()? {
        Some((envelope, signed)) if signed == text => envelope.signatures,
        _ => Vec::new(),
    };
    signatures.retain(|signed| signed.keyid != own);
    signatures.push(OneSignature {
        keyid: own,
        sig: BASE64.encode(key.0.sign(&encoded(&text)).to_bytes()),
    });
    let envelope = Envelope {
        payload: BASE64.encode(&text),
        payload_type: PAYLOAD_TYPE.to_owned(),
        signatures,
    };
    // Texts and lists of them are always JSON.
    let mut text = serde_json::to_string_pretty(&envelope).unwrap_or_default();
    text.push('\n');
    Ok(text)
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
    let (envelope, text) = read(envelope)?;
    let message = encoded(&text);
    let mut keys = Vec::new();
    let mut forged = None;
    for signed in &envelope.signatures {
        let Some(key) = trusted.iter().find(|key| key.id() == signed.keyid) else {
            continue;
        };
        let signature = BASE64
            .decode(&signed.sig)
            .ok()
            .and_then(|bytes| Signature::from_slice(&bytes).ok());
        match signature {
            Some(signature) if key.0.verify_strict(&message, &signature).is_ok() => {
                keys.push(key.id());
            }
            _ => forged = Some(key.id()),
        }
    }
    if keys.is_empty() {
        if let Some(key) = forged {
            return Err(SignatureError::Forged(key));
        }
        let names = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
        let theirs = envelope.signatures.iter();
        let theirs = theirs.map(|signed| crate::text::canonical(signed.keyid.as_bytes()));
        return Err(SignatureError::Untrusted {
            theirs: names(&mut theirs.map(|name| name.to_string())),
            ours: names(&mut trusted.iter().map(Public::id)),
        });
    }
    Ok(Signed { text, keys })
}

impl Signed {
    /// The signed profile, under the name of a cluster: that is of the place, not of the workload.
    ///
    /// # Errors
    /// When another version wrote it.
    pub fn profile(&self, cluster: &str) -> Result<Profile, SignatureError> {
        let mut profile = Profile::from_yaml(&self.text)
            .map_err(|error| SignatureError::NoEnvelope(error.to_string()))?;
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
/// When the envelope is none, is of another text than the profile's present one, or holds no
/// valid signature of a trusted key.
pub fn verify(
    profile: &Profile,
    envelope: &[u8],
    trusted: &[Public],
) -> Result<Vec<String>, SignatureError> {
    let Signed { text, keys } = open(envelope, trusted)?;
    if text != profile.to_spec() {
        return Err(SignatureError::Changed(changed(&text, profile)));
    }
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
        Private(SigningKey::from_bytes(&[7; 32]))
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
    fn what_still_learns_is_not_signed() {
        for mode in [Mode::Learning, Mode::Review] {
            let unfinished = Profile::new(Workload::default(), mode);
            let error = sign(&unfinished, &other(), None).unwrap_err();
            assert!(error.to_string().contains("promote it first"), "{error}");
        }
    }

    #[test]
    fn the_encoding_is_the_one_of_the_protocol() {
        let text = "hello";
        assert_eq!(
            encoded(text),
            b"DSSEv1 50 application/vnd.lapwing.profile-spec.v1alpha1+yaml 5 hello"
        );
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
        assert!(matches!(error, SignatureError::Untrusted { .. }), "{error}");
        // The name of a trusted key on the signature of another.
        let forged = envelope.replace(&key.public().id(), &other().public().id());
        let error = verify(&profile, forged.as_bytes(), &[other().public()]).unwrap_err();
        assert!(matches!(error, SignatureError::Forged(_)), "{error}");
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
            ("{\"\u{202e}\": 1}", "unknown field"),
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
