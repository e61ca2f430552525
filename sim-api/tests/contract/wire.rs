//! The provider wire of a service in this process.

use crate::service::{Answer, Client, settings};
use serde_json::Value;
use sim_api::Server;
use sim_api::rpc::actions::ACTIONS;
use std::collections::BTreeMap;

/// A service, and the texts that earlier answers gave by a short name.
pub struct Wire {
    server: Server,
    client: Client,
    names: BTreeMap<String, String>,
}

impl Wire {
    pub async fn start() -> Wire {
        let server = Server::start(settings()).await.unwrap();
        let client = Client::new(&server);
        Wire { server, client, names: BTreeMap::new() }
    }

    pub async fn stop(self) {
        drop(self.client);
        self.server.stop().await.unwrap();
    }

    pub fn native(&self) -> &Client {
        &self.client
    }

    /// `$name` in a text is what that name stands for.
    fn fill(&self, text: &str) -> String {
        // Long names first, so that $vpc does not eat the beginning of another name.
        self.names
            .iter()
            .rev()
            .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
    }

    /// `Vpc CreateVpc CidrBlock=10.0.0.0/8` and what came back.
    pub async fn call(&self, line: &str) -> Answer {
        let line = self.fill(line);
        let mut words = line.split_whitespace();
        let (product, action) = (words.next().expect("Product"), words.next().expect("Action"));
        let known =
            ACTIONS.iter().find(|a| a.product == product).unwrap_or_else(|| panic!("no product {product}"));
        let mut pairs = vec![("Version", known.version), ("Action", action), ("Format", "JSON")];
        if !line.contains(" RegionId=") {
            pairs.push(("RegionId", "cn-hangzhou"));
        }
        pairs.extend(
            words.map(|word| word.split_once('=').unwrap_or_else(|| panic!("{word} is no Name=value"))),
        );
        // `{@NAME}` is a file.
        let file = |value: &str| match value.strip_prefix("{@").and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => {
                let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/certificates");
                std::fs::read_to_string(dir.join(name)).expect(name)
            }
            None => value.to_owned(),
        };
        let encode = |value: &str| sim_api::rpc::encoding::percent_encode(&file(value));
        let query: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        self.client.send("POST", &format!("/?{}", query.join("&")), None).await
    }

    /// As [`Wire::call`]; keeps `NAME=PATH` of the answer for later lines.
    pub async fn succeed(&mut self, line: &str, keep: &str) -> Value {
        let answer = self.call(line).await;
        assert_eq!(answer.status, 200, "{}: {}", self.fill(line), answer.body);
        for word in keep.split_whitespace() {
            let (name, path) = word.split_once('=').expect("NAME=PATH");
            let value =
                answer.body.pointer(path).unwrap_or_else(|| panic!("{line}: no {path} in {}", answer.body));
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.names.insert(name.to_owned(), text);
        }
        answer.body
    }

    /// The provider's code and status of a call that is refused.
    pub async fn refused(&self, line: &str) -> String {
        let answer = self.call(line).await;
        assert_ne!(answer.status, 200, "{line}: {}", answer.body);
        format!("{} {}", answer.body["Code"].as_str().expect("a refusal has a code"), answer.status)
    }
}
