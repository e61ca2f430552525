//! Test a controller in Rust against a cloud in the same process: no container, no second program, no account.
//!
//! Each test starts a server of its own on a free port and gives its address to the controller. Nothing is installed
//! process-wide, so tests run side by side. Time stands still until the test advances it.
//!
//!     cargo run -p sim-api --example in_process

use sim_api::engine::{Advance, DEFAULT_WORLD};
use sim_api::settings::{ClockSetting, Database, ProvisioningSetting};
use sim_api::{ServeSettings, Server};
use sim_core::Span;
use sim_core::settings::ClockMode;
use sim_core::vpc::route_table::Status;
use sim_core::vpc::vpc::Vpc;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// The controller under test: makes sure that a VPC with this name is there. A real one would use an SDK with
/// `http://` and this address as its endpoint.
fn reconcile(endpoint: SocketAddr, name: &str) -> bool {
    let call = |action: &str, rest: &str| {
        let query = format!("Action={action}&Version=2016-04-28&RegionId=cn-hangzhou&AccessKeyId=any{rest}");
        let mut stream = TcpStream::connect(endpoint).expect("the cloud answers");
        let request = format!("GET /?{query} HTTP/1.1\r\nHost: {endpoint}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("the cloud listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the cloud answers in full");
        answer
    };
    if call("DescribeVpcs", "").contains(&format!(r#""VpcName":"{name}""#)) {
        return false;
    }
    call("CreateVpc", &format!("&CidrBlock=10.0.0.0%2F16&VpcName={name}")).contains("VpcId")
}

/// A cloud of the test's own: in memory, with a clock that is advanced by hand and the provider's own durations.
pub async fn cloud(provisioning: ProvisioningSetting) -> Server {
    let settings = ServeSettings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        db: Database::Memory,
        clock: ClockSetting(ClockMode::Manual),
        provisioning,
        world_seed: Some(1),
        ..ServeSettings::default()
    };
    Server::start(settings).await.expect("a free port and memory are there")
}

/// One test of the controller.
pub async fn check_controller() {
    let cloud = cloud(ProvisioningSetting::Documented).await;
    let world = cloud.app().engine.world(DEFAULT_WORLD).expect("every cloud has it");
    let address = cloud.address();
    let made =
        tokio::task::spawn_blocking(move || (reconcile(address, "prod"), reconcile(address, "prod"))).await;
    assert_eq!(
        made.expect("the controller does not panic"),
        (true, false),
        "it makes one VPC and then is content"
    );

    // The test sees the world with its types, and lets time pass without waiting.
    let status = world.read(|w| w.table::<Vpc>().iter().map(|vpc| vpc.status).collect::<Vec<_>>()).await;
    assert_eq!(status.unwrap(), [Status::Pending]);
    world.advance(Advance::By(Span::seconds(1))).await.unwrap();
    let status = world.read(|w| w.table::<Vpc>().iter().map(|vpc| vpc.status).collect::<Vec<_>>()).await;
    assert_eq!(status.unwrap(), [Status::Available]);
    drop(world);
    cloud.stop().await.unwrap();
}

#[tokio::main]
async fn main() {
    check_controller().await;
    println!("the controller makes one VPC and then is content");
}
