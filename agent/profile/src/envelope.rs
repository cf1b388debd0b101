//! Texts that people sign: keys, and the envelope that holds a text with its signatures.
//!
//! An envelope of DSSE (Dead Simple Signing Envelope, protocol 1.0.0, secure-systems-lab) with
//! Ed25519 (RFC 8032) keys, so that other tools can check it. It names the kind of its text, which
//! is signed with it: what was signed as one kind never passes for another.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE};
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePublicKey};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use thiserror::Error;

/// Signatures that are looked at.
const SIGNATURES_MAX: usize = 64;

/// What is wrong with a key or an envelope.
#[derive(Debug, Error)]
pub enum EnvelopeError {
    /// The text is another thing than a key.
    #[error(
        "not an Ed25519 {0} key in PEM: `openssl genpkey -algorithm ed25519 -out key.pem` makes a private one, \
         `openssl pkey -in key.pem -pubout -out key.pub` the public one of it"
    )]
    NoKey(&'static str),
    /// The text is another thing than an envelope of what is asked for: of which, and why.
    #[error("not {0}: {1}")]
    NoEnvelope(&'static str, String),
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

/// A kind of text that is signed.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its media type.
    pub media_type: &'static str,
    /// What an envelope with it is, for people.
    pub what: &'static str,
}

impl Kind {
    /// That a text is none.
    pub(crate) fn refuse(self, why: &str) -> EnvelopeError {
        EnvelopeError::NoEnvelope(self.what, crate::text::visible(why).into_owned())
    }

    /// What is really signed: type and text with their lengths, so that neither can pass for the
    /// other (DSSE, "pre-authentication encoding").
    fn encoded(self, text: &str) -> Vec<u8> {
        let kind = self.media_type;
        format!("DSSEv1 {} {kind} {} {text}", kind.len(), text.len()).into_bytes()
    }
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
    pub fn from_pem(text: &str) -> Result<Self, EnvelopeError> {
        SigningKey::from_pkcs8_pem(text)
            .map(Self)
            .map_err(|_| EnvelopeError::NoKey("private"))
    }

    #[cfg(test)]
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(bytes))
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
    pub fn from_pem(text: &str) -> Result<Self, EnvelopeError> {
        VerifyingKey::from_public_key_pem(text)
            .map(Self)
            .map_err(|_| EnvelopeError::NoKey("public"))
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
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<OneSignature>,
}

#[derive(Serialize, Deserialize)]
struct OneSignature {
    #[serde(default)]
    keyid: String,
    sig: String,
}

fn read(envelope: &[u8], kind: Kind) -> Result<(Envelope, String), EnvelopeError> {
    let fail = |why: &str| kind.refuse(why);
    let envelope: Envelope =
        serde_json::from_slice(envelope).map_err(|error| fail(&error.to_string()))?;
    if envelope.payload_type != kind.media_type {
        return Err(fail(&format!(
            "it is of a {}, not of a {}",
            envelope.payload_type, kind.media_type
        )));
    }
    if envelope.signatures.is_empty() || envelope.signatures.len() > SIGNATURES_MAX {
        return Err(fail(&format!(
            "{} signatures in it, 1 to {SIGNATURES_MAX} can be",
            envelope.signatures.len()
        )));
    }
    let text = decoded(&envelope.payload).map_err(|error| fail(&format!("its text: {error}")))?;
    let text = String::from_utf8(text).map_err(|_| fail("its text is not UTF-8"))?;
    Ok((envelope, text))
}

/// The text of an envelope, and the envelope without it, for a place beside which the text stands anyway.
///
/// # Errors
/// When it is none of this kind.
pub fn without_text(kind: Kind, envelope: &[u8]) -> Result<(String, String), EnvelopeError> {
    let (mut envelope, text) = read(envelope, kind)?;
    envelope.payload.clear();
    Ok((text, serde_json::to_string(&envelope).unwrap_or_default()))
}

/// An envelope with the text that stands beside it, where it holds none itself.
///
/// # Errors
/// When it is none of this kind.
pub fn with_text(kind: Kind, envelope: &[u8], text: &str) -> Result<String, EnvelopeError> {
    let (mut envelope, own) = read(envelope, kind)?;
    if own.is_empty() {
        envelope.payload = BASE64.encode(text);
    }
    Ok(serde_json::to_string(&envelope).unwrap_or_default())
}

/// Either alphabet of RFC 4648, as the protocol asks for.
fn decoded(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    BASE64
        .decode(text)
        .or_else(|error| URL_SAFE.decode(text).map_err(|_| error))
}

/// Signs a text: that of the file with the signature. Others who signed the same, in `before`, stay
/// in it; a signature of another text is left behind.
///
/// # Errors
/// When `before` is no such file.
pub fn seal(
    kind: Kind,
    text: &str,
    key: &Private,
    before: Option<&[u8]>,
) -> Result<String, EnvelopeError> {
    let own = key.public().id();
    let mut signatures = match before.map(|bytes| read(bytes, kind)).transpose()? {
        Some((envelope, signed)) if signed == text => envelope.signatures,
        _ => Vec::new(),
    };
    signatures.retain(|signed| signed.keyid != own);
    signatures.push(OneSignature {
        keyid: own,
        sig: BASE64.encode(key.0.sign(&kind.encoded(text)).to_bytes()),
    });
    let envelope = Envelope {
        payload: BASE64.encode(text),
        payload_type: kind.media_type.to_owned(),
        signatures,
    };
    // Texts and lists of them are always JSON.
    let mut text = serde_json::to_string_pretty(&envelope).unwrap_or_default();
    text.push('\n');
    Ok(text)
}

/// Opens an envelope. Answers with its text, and the names of the trusted keys that signed it; at
/// least one.
///
/// # Errors
/// When it is none, or holds no valid signature of a trusted key.
pub fn open(
    kind: Kind,
    envelope: &[u8],
    trusted: &[Public],
) -> Result<(String, Vec<String>), EnvelopeError> {
    let (envelope, text) = read(envelope, kind)?;
    let message = kind.encoded(&text);
    let mut keys: Vec<String> = Vec::new();
    let mut forged = None;
    for signed in &envelope.signatures {
        let signature = decoded(&signed.sig)
            .ok()
            .and_then(|bytes| Signature::from_slice(&bytes).ok());
        let is_by =
            |key: &&Public| signature.is_some_and(|it| key.0.verify_strict(&message, &it).is_ok());
        // The name of the key is a hint, and may be missing.
        let named = trusted.iter().find(|key| key.id() == signed.keyid);
        let by = match named {
            Some(key) => Some(key).filter(is_by),
            None if signed.keyid.is_empty() => trusted.iter().find(is_by),
            None => continue,
        };
        match (by.map(Public::id), named) {
            (Some(id), _) if !keys.contains(&id) => keys.push(id),
            (None, Some(key)) => forged = Some(key.id()),
            _ => {}
        }
    }
    if keys.is_empty() {
        if let Some(key) = forged {
            return Err(EnvelopeError::Forged(key));
        }
        let names = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
        let theirs = envelope.signatures.iter();
        let theirs = theirs.map(|signed| crate::text::canonical(signed.keyid.as_bytes()));
        return Err(EnvelopeError::Untrusted {
            theirs: names(&mut theirs.map(|name| name.to_string())),
            ours: names(&mut trusted.iter().map(Public::id)),
        });
    }
    Ok((text, keys))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_the_one_of_the_protocol() {
        let kind = Kind {
            media_type: "application/x",
            what: "a text",
        };
        assert_eq!(kind.encoded("hello"), b"DSSEv1 13 application/x 5 hello");
    }

    #[test]
    fn a_text_of_one_kind_never_passes_for_another() {
        let kinds = ["text/a", "text/b"].map(|media_type| Kind {
            media_type,
            what: "a text",
        });
        let key = Private::from_bytes(&[7; 32]);
        let sealed = seal(kinds[0], "hello", &key, None).unwrap();
        let keys = [key.public()];
        let opened = open(kinds[0], sealed.as_bytes(), &keys).unwrap();
        assert_eq!(opened, ("hello".to_owned(), vec![key.public().id()]));
        let error = open(kinds[1], sealed.as_bytes(), &keys).unwrap_err();
        assert!(matches!(error, EnvelopeError::NoEnvelope(..)), "{error}");
        // Whoever writes the other kind on it does not have the signature.
        let renamed = sealed.replace("text/a", "text/b");
        let error = open(kinds[1], renamed.as_bytes(), &keys).unwrap_err();
        assert!(matches!(error, EnvelopeError::Forged(_)), "{error}");
    }

    /// As other tools write them.
    #[test]
    fn envelopes_of_others_are_read_as_the_protocol_asks() {
        let kind = Kind {
            media_type: "text/a",
            what: "a text",
        };
        let key = Private::from_bytes(&[7; 32]);
        let keys = [Private::from_bytes(&[8; 32]).public(), key.public()];
        // Its base64 has both characters that differ between the alphabets.
        let text = "\u{3fb}\u{3ff}??>>";
        let sealed = seal(kind, text, &key, None).unwrap();
        let mut value: serde_json::Value = serde_json::from_str(&sealed).unwrap();
        let mut safe = |place: &str| {
            let it = value.pointer_mut(place).unwrap();
            let text = it.as_str().unwrap().replace('+', "-").replace('/', "_");
            *it = text.into();
        };
        safe("/payload");
        safe("/signatures/0/sig");
        value["more"] = "not known".into();
        value["signatures"][0]["more"] = 1.into();
        value["signatures"][0]
            .as_object_mut()
            .unwrap()
            .remove("keyid");
        let one = value["signatures"][0].clone();
        value["signatures"] = vec![one; 3].into();
        let opened = open(kind, value.to_string().as_bytes(), &keys).unwrap();
        assert_eq!(opened, (text.to_owned(), vec![key.public().id()]));
        let error = open(kind, value.to_string().as_bytes(), &keys[..1]).unwrap_err();
        assert!(matches!(error, EnvelopeError::Untrusted { .. }), "{error}");
    }
}
