//! Rules of VPCs, vSwitches, reservations, tags and the catalogue on the provider wire: one line a rule, with the code
//! that the called action documents for it. The request log says which rule it was.

use crate::wire::Wire;
use serde_json::json;
use sim_core::ErrorCode as E;

const TABLE: &str = include_str!("rules.txt");

#[tokio::test]
async fn each_rule_has_the_code_of_the_action() {
    let mut wire = Wire::start().await;
    let list = |count: usize, text: &str| {
        (1..=count).map(|n| text.replace('#', &n.to_string())).collect::<Vec<_>>().join(" ")
    };
    let (keys, ids) = (list(21, "TagKey.#=k#"), list(51, "ResourceId.#=vpc-#"));
    let mut wrong = Vec::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut cells = line.split(" | ");
        let (rule, call) = (cells.next().unwrap(), cells.next().unwrap());
        let call = call.replace("$21keys", &keys).replace("$51ids", &ids);
        let Some(expected) = cells.next() else {
            wire.succeed(&call, rule).await;
            continue;
        };
        let seen = wire.refused(&call).await;
        let log = wire.native().get("/v1/requests?limit=1&wire=provider").await.expect(200);
        let known = E::ALL
            .iter()
            .find(|known| known.row().name == rule)
            .unwrap_or_else(|| panic!("{rule} is no rule"));
        if log["items"][0]["rule"] != json!(known.native()) || seen != expected {
            wrong.push(format!("{rule} | {call} | {seen} | by {}", log["items"][0]["rule"]));
        }
    }
    assert!(wrong.is_empty(), "refused otherwise:\n{}", wrong.join("\n"));
    wire.stop().await;
}

#[tokio::test]
async fn rules_of_the_native_wire_alone() {
    let wire = Wire::start().await;
    let native = wire.native();
    let refused = native.post("/v1/resource-groups", json!({ "name": "1" })).await;
    assert_eq!(refused.refused(422), E::ResourceGroupNameMalformed.native());
    let groups = native.get("/v1/resource-groups").await.expect(200);
    let default = groups["items"][0]["id"].as_str().unwrap();
    let refused = native.delete(&format!("/v1/resource-groups/{default}")).await;
    assert_eq!(refused.refused(403), E::ResourceGroupDefault.native());
    wire.stop().await;
}
