//! Several clouds in one process: each with settings of its own, and nothing installed for all.

mod service;

#[allow(dead_code)]
#[path = "../../examples/in_process.rs"]
mod example;

use serde_json::{Value, json};
use service::{Client, settings};
use sim_api::settings::{ClockSetting, ProvisioningSetting, QuotasSetting, UnknownParams};
use sim_api::{ServeSettings, Server};
use sim_core::settings::ClockMode;

#[tokio::test]
async fn the_example_runs() {
    example::check_controller().await;
}

async fn names(client: &Client) -> Vec<Value> {
    let items = client.get("/v1/vpcs").await.expect(200)["items"].clone();
    items.as_array().unwrap().iter().map(|vpc| vpc["name"].clone()).collect()
}

#[tokio::test]
async fn two_clouds_with_different_settings_do_not_touch_each_other() {
    let strict = ServeSettings {
        provisioning: ProvisioningSetting::Documented,
        unknown_params: UnknownParams::Refuse,
        world_seed: Some(1),
        body_limit: 2_000,
        ..settings()
    };
    let loose = ServeSettings {
        clock: ClockSetting(ClockMode::Real),
        quotas: QuotasSetting::Lifted,
        world_seed: Some(2),
        ..settings()
    };
    let (one, two) = (Server::start(strict).await.unwrap(), Server::start(loose).await.unwrap());
    let (a, b) = (Client::new(&one), Client::new(&two));
    let (first, second) = (
        a.post("/v1/vpcs", json!({"name": "a"})).await.expect(201),
        b.post("/v1/vpcs", json!({"name": "b"})).await.expect(201),
    );
    assert_eq!((&first["status"], &second["status"]), (&json!("Pending"), &json!("Available")));
    assert_ne!(first["id"], second["id"], "each grows from its own seed");
    assert_eq!((names(&a).await, names(&b).await), (vec![json!("a")], vec![json!("b")]));

    // Clocks, quotas, limits and the reading of parameters are each one's own.
    assert_eq!(a.get("/v1/clock").await.expect(200)["clock"], "manual");
    assert_eq!(b.get("/v1/clock").await.expect(200)["clock"], "real");
    for round in 0..11 {
        let made = b.post("/v1/vpcs", json!({"name": format!("b-{round}")})).await;
        assert_eq!(made.status, 201, "quotas are lifted: {}", made.body);
    }
    for _ in 0..9 {
        a.post("/v1/vpcs", json!({})).await.expect(201);
    }
    assert_eq!(a.post("/v1/vpcs", json!({})).await.refused(403), "vpc_quota_exceeded");
    let long = json!({"description": "x".repeat(3_000)});
    assert_eq!(a.post("/v1/vpcs", long.clone()).await.status, 413);
    assert_eq!(b.post("/v1/vpcs", long).await.status, 422);
    let odd =
        "/?Action=DescribeVpcs&Version=2016-04-28&AccessKeyId=k&RegionId=cn-hangzhou&Format=JSON&Colour=red";
    assert_eq!((a.get(odd).await.status, b.get(odd).await.status), (400, 200));

    // Each counts its own requests.
    let counted = async |client: &Client| {
        let page = client.get("/v1/requests?action=POST%20/v1/vpcs&limit=100").await.expect(200);
        page["items"].as_array().unwrap().len()
    };
    assert_eq!((counted(&a).await, counted(&b).await), (12, 13));
    drop((a, b));
    one.stop().await.unwrap();
    two.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_installs_nothing_process_wide() {
    let server = Server::start(settings()).await.unwrap();
    Client::new(&server).post("/v1/vpcs", json!({})).await.expect(201);
    assert!(!tracing::dispatcher::has_been_set(), "a log was installed");
    // The global recorder of metrics can be set once: it is still free, so that the host program may set its own.
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let host = recorder.handle();
    metrics::set_global_recorder(recorder).expect("no recorder of metrics was installed");
    Client::new(&server).post("/v1/vpcs", json!({})).await.expect(201);
    assert_eq!(host.render(), "", "what the server counts goes to the server's own recorder");
    assert!(server.app().metrics.render().contains("cloudnet"), "{}", server.app().metrics.render());
    server.stop().await.unwrap();
}
