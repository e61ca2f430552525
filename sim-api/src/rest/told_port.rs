//! What a port was told to do where a packet was delivered, as a trace shows it.

use serde::Serialize;
use sim_core::datapath::ToldPort;
use sim_core::ecs::service_port::Behaviour;
use utoipa::ToSchema;

/// A port that somebody told how to answer.
#[derive(Clone, Serialize, ToSchema)]
pub struct ToldPortBody {
    /// The instance.
    #[schema(example = "i-bp14fshsqp65fwoc0qls")]
    instance_id: String,
    /// tcp or udp.
    #[schema(example = "tcp")]
    protocol: &'static str,
    /// The port, which may be another than was asked of a load balancer or a public address.
    #[schema(example = 8080)]
    port: u16,
    /// answers, refuses or silent.
    #[schema(example = "refuses")]
    behaviour: &'static str,
    /// How long an answer takes, in milliseconds; absent where nothing answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 3600000)]
    after_ms: Option<i64>,
    /// The status of an answer over HTTP; absent where nothing answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 100, maximum = 599)]
    http_status: Option<u16>,
}

impl ToldPortBody {
    /// Shows what a port was told.
    pub fn new(told: &ToldPort) -> ToldPortBody {
        let answer = match told.behaviour {
            Behaviour::Answers { after, status } => Some((after.0, status)),
            Behaviour::Refuses | Behaviour::Silent => None,
        };
        ToldPortBody {
            instance_id: told.instance.to_string(),
            protocol: told.protocol.word(),
            port: told.port,
            behaviour: told.behaviour.word(),
            after_ms: answer.map(|(after, _)| after),
            http_status: answer.map(|(_, status)| status),
        }
    }
}
