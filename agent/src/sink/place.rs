//! Where requests go: a URL of the configuration, or one that is a secret and, as all of them, read
//! anew each time.

use super::address::Url;
use super::outcome::{Kind, Problem};
use super::secret;
use crate::config::sinks::{Demand, Destination, Secret, usable};

/// Where requests go.
pub struct Place {
    from: Destination,
    allow_plaintext: bool,
    demand: Demand,
    change: Box<dyn Fn(Url) -> Url + Send + Sync>,
}

impl Place {
    /// As configured.
    pub fn new(from: &Destination, allow_plaintext: bool, demand: Demand) -> Self {
        Self {
            from: from.clone(),
            allow_plaintext,
            demand,
            change: Box::new(|url| url),
        }
    }

    /// With a change to the URL.
    #[must_use]
    pub fn with(mut self, change: impl Fn(Url) -> Url + Send + Sync + 'static) -> Self {
        self.change = Box::new(change);
        self
    }

    /// The URL.
    ///
    /// # Errors
    /// When it cannot be read, or is none that may be used. It is never shown.
    pub fn url(&self) -> Result<Url, Problem> {
        let (text, remedy) = match &self.from {
            Destination::Plain(text) => (text.clone(), "mend `url`".to_owned()),
            Destination::Secret(secret) => (
                secret::read(secret)?,
                format!("mend the URL in {}", holder(secret)),
            ),
        };
        usable(&text, self.allow_plaintext, self.demand)
            .map(&self.change)
            .map_err(|why| {
                let detail = format!("the receiver's URL {why}");
                Problem::new(Kind::Misconfigured, detail, remedy)
            })
    }

    /// It for people: the URL without its path, or where it is.
    pub fn shown(&self) -> String {
        match &self.from {
            Destination::Plain(_) => self
                .url()
                .map_or_else(|_| String::new(), |it| it.to_string()),
            Destination::Secret(secret) => format!("the URL in {}", holder(secret)),
        }
    }
}

/// What holds a secret.
fn holder(secret: &Secret) -> String {
    match (&secret.file, &secret.env) {
        (Some(path), _) => path.display().to_string(),
        (None, Some(name)) => format!("the variable {name}"),
        (None, None) => "no place".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_url_is_read_anew_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        let secret = Secret {
            file: Some(file.clone()),
            env: None,
        };
        let place = Place::new(&Destination::Secret(secret), false, Demand::Any)
            .with(|url| url.or_path("/usual"));
        let missing = place.url().unwrap_err();
        assert!(
            missing.detail.contains("cannot read the secret"),
            "{missing:?}"
        );
        for (text, path) in [
            ("https://h/t0ken?x=1\n", "/t0ken?x=1"),
            ("https://h", "/usual"),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(place.url().unwrap().path, path);
        }
        for (text, told) in [
            ("http://h/t0ken", "allowPlaintext"),
            ("https://u:t0ken@h/", "holds a user"),
            ("t0ken", "must be a URL"),
        ] {
            std::fs::write(&file, text).unwrap();
            let said = format!("{:?}", place.url().unwrap_err());
            assert!(said.contains(told) && said.contains("url"), "{said}");
            assert!(!said.contains("t0ken"), "{said}");
        }
        let shown = place.shown();
        assert_eq!(shown, format!("the URL in {}", file.display()));
    }
}
