//! Probes and metrics over HTTP: the section `http`.

use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

section! {
    /// Probes and metrics over HTTP.
    Http {
        /// Address and port, as `127.0.0.1:9465`; `:9465` for every address of this host; empty for
        /// none.
        address "address": String = String::new(),
        /// Whether metrics are there too, beside the probes.
        metrics "metrics": bool = true,
    }
}

impl Http {
    /// Where to listen: the first of these that can be had; none for nowhere.
    ///
    /// # Errors
    /// When it is no address: its key, and what would be right.
    pub fn addresses(&self) -> Result<Vec<SocketAddr>, (&'static str, String)> {
        let text = self.address.as_str();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let every = text.strip_prefix(':').and_then(|port| port.parse().ok());
        if let Some(port) = every {
            // IPv6 takes calls over IPv4 too; some kernels have none.
            let both: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
            return Ok(both.map(|ip| SocketAddr::new(ip, port)).to_vec());
        }
        let address = text.parse().map_err(|_| {
            let message = format!(
                "`{text}` is no IP address and port as `127.0.0.1:9465` or `[::1]:9465`, nor a port of \
                 every address as `:9465`"
            );
            ("http.address", message)
        })?;
        Ok(vec![address])
    }

    /// What is wrong with a value: its key, and what would be right.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        self.addresses().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Result<Vec<String>, (&'static str, String)> {
        let http = Http {
            address: text.to_owned(),
            ..Http::default()
        };
        let told = http.addresses()?;
        Ok(told.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_address_is_one_or_all_or_none() {
        assert_eq!(addresses("").unwrap(), [""; 0]);
        assert_eq!(addresses("127.0.0.1:9465").unwrap(), ["127.0.0.1:9465"]);
        assert_eq!(addresses("[::1]:9465").unwrap(), ["[::1]:9465"]);
        assert_eq!(addresses(":9465").unwrap(), ["[::]:9465", "0.0.0.0:9465"]);
        for wrong in [
            "9465",
            "localhost:9465",
            ":",
            ":99999",
            "::1",
            "http://127.0.0.1:9465",
        ] {
            let (key, message) = addresses(wrong).unwrap_err();
            assert_eq!(key, "http.address");
            assert!(
                message.contains(wrong) && message.contains("127.0.0.1:9465"),
                "{message}"
            );
        }
    }
}
