//! What can be known of sinks before anything is sent: whether their certificates and secrets can be
//! read, and are such.
//!
//! An agent that starts does without this: a sink that lacks a file waits for it, and the agent
//! with the others is better than none. It is for who asks, and for an agent that takes the place of one
//! with which all was well.

use super::outcome::Problem;
use super::place::Place;
use super::{secret, tls, transport};
use crate::config::sinks::{Destination, Over, Secret, Sinks, Tls, Transport};

/// Of what secrets are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Of files alone: the environment is not the agent's.
    Files,
    /// Of files and of the environment.
    All,
}

impl Look {
    fn reaches(self, secret: &Secret) -> bool {
        self == Self::All || secret.file.is_some()
    }
}

/// Looks at all of a configuration that was checked.
///
/// # Errors
/// The key of the first that cannot be used, and what is wrong and would be right. No secret is in it.
pub fn check(sinks: &Sinks, look: Look) -> Result<(), (String, String)> {
    for (name, sink) in sinks {
        let transport = sink
            .transport()
            .map_err(|(key, message)| (format!("sinks.{name}.{key}"), message))?;
        let word = transport.word();
        one(transport, look).map_err(|(key, Problem { detail, remedy, .. })| {
            let remedy = match remedy.as_str() {
                "" => String::new(),
                remedy => format!("; {remedy}"),
            };
            (
                format!("sinks.{name}.{word}.{key}"),
                format!("{detail}{remedy}"),
            )
        })?;
    }
    Ok(())
}

type Wrong = (String, Problem);

fn one(transport: Transport<'_>, look: Look) -> Result<(), Wrong> {
    let (place, tls, secrets): (_, _, Vec<(String, &Secret)>) = match transport {
        Transport::File(_) | Transport::Stdout(_) => return Ok(()),
        Transport::Syslog(it) => return certificates(&it.tls, it.over == Over::Tls),
        Transport::Webhook(it) => {
            let secrets = [("signingKey", &it.signing_key), ("token", &it.token)];
            ((&it.url, transport::webhook(it)), &it.tls, named(&secrets))
        }
        Transport::SplunkHec(it) => {
            let secrets = [("token", &it.token)];
            ((&it.url, transport::hec(it)), &it.tls, named(&secrets))
        }
        Transport::Elasticsearch(it) | Transport::Opensearch(it) => {
            let secrets = [("apiKey", &it.api_key), ("password", &it.password)];
            ((&it.url, transport::bulk(it)), &it.tls, named(&secrets))
        }
        Transport::Otlp(it) => {
            let mut secrets = named(&[("token", &it.token)]);
            let headers = it.secret_headers.iter();
            secrets.extend(headers.map(|(name, it)| (format!("secretHeaders.{name}"), it)));
            ((&it.url, transport::otlp(it)), &it.tls, secrets)
        }
    };
    for (key, one) in secrets.into_iter().filter(|(_, one)| look.reaches(one)) {
        secret::read(one).map_err(|problem| (key, problem))?;
    }
    let (from, place): (&Destination, Place) = place;
    if let Destination::Secret(secret) = from
        && !look.reaches(secret)
    {
        // It is not known whether it is https: what is there must be right.
        let any = tls.ca.is_some() || tls.certificate.is_some();
        return certificates(tls, any);
    }
    let url = place.url().map_err(|problem| ("url".to_owned(), problem))?;
    certificates(tls, url.tls)
}

fn named<'c>(secrets: &[(&str, &'c Option<Secret>)]) -> Vec<(String, &'c Secret)> {
    let some = { secrets.iter() }.filter_map(|(key, one)| Some(((*key).to_owned(), one.as_ref()?)));
    some.collect()
}

fn certificates(tls: &Tls, used: bool) -> Result<(), Wrong> {
    match used {
        true => tls::client(tls, &[])
            .map_or_else(|problem| Err(("tls".to_owned(), problem)), |_| Ok(())),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;

    fn told(sinks: &str, look: Look) -> String {
        let yaml = format!("sinks: {{s: {{{sinks}}}}}");
        let config = Config::parse(Path::new("test.yaml"), yaml.as_bytes()).unwrap();
        match check(&config.sinks, look) {
            Ok(()) => "fine".to_owned(),
            Err((key, message)) => format!("`{key}`: {message}"),
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_key_its_file_and_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let key = rcgen::KeyPair::generate().unwrap();
        let other = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["agent".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        for (name, text) in [
            ("secret", "s3cret\n"),
            ("url", "https://h/s3cret"),
            ("plain", "http://h/s3cret"),
            ("c.pem", certificate.as_str()),
            ("c.key", key.serialize_pem().as_str()),
            ("other.key", other.serialize_pem().as_str()),
        ] {
            std::fs::write(path(name), text).unwrap();
        }
        let [secret, url, plain, c, k, o, none] = [
            "secret",
            "url",
            "plain",
            "c.pem",
            "c.key",
            "other.key",
            "none",
        ]
        .map(path);
        let ca = format!("ca: {c}");
        for (sink, words) in [
            (
                format!("webhook: {{url: {{file: {url}}}, tls: {{{ca}}}}}"),
                &["fine"][..],
            ),
            (
                format!("webhook: {{url: {{file: {none}}}}}"),
                &["`sinks.s.webhook.url`", &none, "put the secret there"],
            ),
            (
                format!("webhook: {{url: {{file: {plain}}}}}"),
                &["`sinks.s.webhook.url`", &plain, "allowPlaintext"],
            ),
            (
                format!("splunkHec: {{url: 'https://h', token: {{file: {none}}}, tls: {{{ca}}}}}"),
                &["`sinks.s.splunkHec.token`", &none, "put the secret there"],
            ),
            (
                format!("otlp: {{url: 'https://h', secretHeaders: {{X-K: {{file: {none}}}}}}}"),
                &["`sinks.s.otlp.secretHeaders.X-K`", &none],
            ),
            (
                format!(
                    "elasticsearch: {{url: 'https://h', apiKey: {{file: {secret}}}, tls: {{ca: {k}}}}}"
                ),
                &["`sinks.s.elasticsearch.tls`", &k, "authorities in PEM"],
            ),
            (
                format!("syslog: {{address: 'h:1', tls: {{{ca}, certificate: {c}, key: {o}}}}}"),
                &["`sinks.s.syslog.tls`", &c, &o, "do not go together"],
            ),
            (
                format!("syslog: {{address: 'h:1', tls: {{{ca}, certificate: {c}, key: {k}}}}}"),
                &["fine"],
            ),
            ("syslog: {address: 'h:1', over: tcp}".to_owned(), &["fine"]),
            ("stdout: {}".to_owned(), &["fine"]),
        ] {
            let said = told(&sink, Look::Files);
            for word in words {
                assert!(said.contains(word), "{sink}: {said}");
            }
            assert!(!said.contains("s3cret"), "{said}");
        }
        let of_environment = format!(
            "webhook: {{url: {{env: LAPWING_TEST_NO_SUCH}}, token: {{env: LAPWING_TEST_NONE}}, tls: {{{ca}}}}}"
        );
        assert_eq!(told(&of_environment, Look::Files), "fine");
        let said = told(&of_environment, Look::All);
        assert!(said.contains("LAPWING_TEST_NONE"), "{said}");
    }
}
