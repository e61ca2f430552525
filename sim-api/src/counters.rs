//! What the service counts, in the Prometheus format.
//!
//! A recorder of our own: nothing is installed process-wide, so several services fit in one process. Its counters are
//! looked up by name once for each wire, action and status; after that a request costs an addition.

use metrics::{Counter, Histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::time::Duration;

/// Which wire a request came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// REST under `/v1`.
    Native,
    /// The provider's protocol.
    Provider,
}

impl Wire {
    /// Its name in logs and labels.
    pub const fn text(self) -> &'static str {
        match self {
            Wire::Native => "native",
            Wire::Provider => "provider",
        }
    }
}

/// The counters of an action: one for each wire and status that was seen.
type OfAction = Vec<(Wire, u16, Counter)>;

/// The counters of a service.
pub struct Counters {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    requests: RwLock<BTreeMap<String, OfAction>>,
    seconds: [Histogram; 2],
}

impl Default for Counters {
    fn default() -> Counters {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let seconds = [Wire::Native, Wire::Provider].map(|wire| {
            metrics::with_local_recorder(
                &recorder,
                || metrics::histogram!("cloudnet_request_seconds", "wire" => wire.text()),
            )
        });
        Counters { recorder, handle, requests: RwLock::default(), seconds }
    }
}

impl Counters {
    /// Counts an answered request.
    pub fn count(&self, wire: Wire, action: &str, status: u16, took: Duration) {
        // Unknown actions share one label, so that a caller cannot grow the table without end.
        let known = wire == Wire::Native || crate::rpc::actions::is_served(action);
        let action = if known { action } else { "unknown" };
        let fits = |(w, s, _): &&(Wire, u16, Counter)| *w == wire && *s == status;
        let counted = match self.requests.read().get(action).and_then(|seen| seen.iter().find(fits)) {
            Some((_, _, counter)) => {
                counter.increment(1);
                true
            }
            None => false,
        };
        if !counted {
            let counter = self.counter(wire, action, status);
            counter.increment(1);
            self.requests.write().entry(action.to_owned()).or_default().push((wire, status, counter));
        }
        self.seconds[usize::from(wire == Wire::Provider)].record(took.as_secs_f64());
    }

    fn counter(&self, wire: Wire, action: &str, status: u16) -> Counter {
        metrics::with_local_recorder(&self.recorder, || {
            metrics::counter!("cloudnet_requests_total", "wire" => wire.text(), "action" => action.to_owned(),
                "status" => status.to_string())
        })
    }

    /// All counters as Prometheus reads them.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Sums up what was recorded since the last time. Without it the recorder would keep every single time.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}
