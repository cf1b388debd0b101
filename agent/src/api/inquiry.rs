//! The whole status: what the pipeline says, and what the sinks and the API over TCP say besides.

use super::control::{Control, Ended, Request};
use super::network::{Network, Shared};
use crate::sink::Sinks;
use lapwing_proto::v1::GetStatusResponse;
use std::sync::Arc;

/// Who is asked for it: one account for `lapwing status` and for metrics.
#[derive(Clone)]
pub struct Inquiry {
    control: Control,
    /// None where there are none.
    sinks: Option<Arc<Sinks>>,
    network: Option<Arc<Shared>>,
}

impl Inquiry {
    /// Of these.
    #[must_use]
    pub fn new(control: Control, sinks: Arc<Sinks>, network: Option<&Network>) -> Self {
        Self {
            control,
            sinks: Some(sinks),
            network: network.map(Network::shared),
        }
    }

    /// Of one whose answers say all themselves.
    #[must_use]
    pub const fn whole(control: Control) -> Self {
        Self {
            control,
            sinks: None,
            network: None,
        }
    }

    /// Asks, and waits for the pipeline.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn ask(&self) -> Result<GetStatusResponse, Ended> {
        let status = self.control.ask(Request::Status).await?;
        Ok(self.complete(status))
    }

    /// The same for counters: [`Request::Counters`].
    ///
    /// # Errors
    /// When it has ended.
    pub async fn counters(&self) -> Result<GetStatusResponse, Ended> {
        let status = self.control.ask(Request::Counters).await?;
        Ok(self.complete(status))
    }

    fn complete(&self, mut status: GetStatusResponse) -> GetStatusResponse {
        if let Some(sinks) = &self.sinks {
            status.sinks = sinks.status();
            status.listener = self.network.as_ref().map(|network| network.status());
        }
        status
    }
}
