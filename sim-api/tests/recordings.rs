//! Recordings of the provider wire: those of real clients still get the recorded answers, and a recording says what differs.
//!
//! `CLOUDNET_UPDATE=1 cargo test -p sim-api --test recordings` brings the answers of the committed ones up to date, unless
//! a request is judged otherwise: then `tests/clients/run --record NAME` has to run the client again.

mod process;
mod service;

use process::{Dir, Program};
use serde_json::{Value, json};
use service::{Client, settings};
use sim_api::recording::{Place, Replay, ReplayError};
use sim_api::{ServeSettings, Server};
use std::fs;
use std::path::{Path, PathBuf};

fn committed() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/clients/recordings");
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The private key that belongs to the certificates which the suites upload.
fn keys() -> Vec<String> {
    vec![include_str!("../../tests/data/certificates/server.key").to_owned()]
}

const HERE: Place = Place::Here { seed: None };

#[tokio::test]
async fn real_clients_get_the_recorded_answers() {
    let files = committed();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let replay = Replay::of(&file, &HERE, &keys()).await.unwrap_or_else(|error| panic!("{error}"));
        assert!(replay.sent > 50, "{}: {}", file.display(), replay.sent);
        if std::env::var_os("CLOUDNET_UPDATE").is_some() && !replay.differences.is_empty() {
            replay.renew(&file).unwrap_or_else(|error| panic!("{error}"));
            continue;
        }
        let told: Vec<String> = replay.differences.iter().take(20).map(|d| format!("{d}")).collect();
        assert!(
            told.is_empty(),
            "{}: {} answers differ; `cloudnet replay` shows them too. If that is meant, CLOUDNET_UPDATE=1 writes the new answers, \
             and `tests/clients/run --record` runs the client again.\n{}",
            file.display(),
            replay.differences.len(),
            told.join("\n")
        );
    }
}

#[tokio::test]
async fn every_recording_names_its_clients() {
    for file in committed() {
        for call in Replay::calls(&file).unwrap() {
            assert!(call.client.contains(|c: char| c.is_ascii_digit()), "{}: {call:?}", file.display());
        }
    }
}

async fn recording(dir: &Dir, settings: ServeSettings) -> (Server, Client, PathBuf) {
    let file = dir.file("recording");
    let settings = ServeSettings { record: Some(file.clone()), ..settings };
    let server = Server::start(settings).await.unwrap_or_else(|error| panic!("{error}"));
    let client = Client::new(&server).with("user-agent", "test/1.0");
    (server, client, file)
}

async fn ask(client: &Client, key: &str, call: &str) -> Value {
    let version =
        if call.contains("SecurityGroup") || call.contains("Instance") { "2014-05-26" } else { "2016-04-28" };
    let fields = call.replace(' ', "&");
    let path =
        format!("/?Version={version}&Format=JSON&AccessKeyId={key}&RegionId=cn-hangzhou&Action={fields}");
    client.send("POST", &path, None).await.body
}

/// A client that makes, lists, waits, is refused, and repeats itself.
async fn work(client: &Client, keys: [&str; 2]) {
    for key in keys {
        let made = ask(client, key, "CreateVpc CidrBlock=10.0.0.0/8 ClientToken=once").await;
        let again = ask(client, key, "CreateVpc CidrBlock=10.0.0.0/8 ClientToken=once").await;
        assert_eq!(made["VpcId"], again["VpcId"]);
        let vpc = made["VpcId"].as_str().unwrap();
        ask(client, key, &format!("DescribeVpcs VpcId={vpc}")).await;
        client.post("/v1/clock/advance", json!({"seconds": 3})).await.expect(200);
        for _ in 0..5 {
            ask(client, key, &format!("DescribeVpcs VpcId={vpc}")).await;
        }
        let zone = "ZoneId=cn-hangzhou-k CidrBlock=10.0.1.0/24";
        let vswitch = ask(client, key, &format!("CreateVSwitch VpcId={vpc} {zone}")).await;
        assert!(vswitch["VSwitchId"].is_string(), "{vswitch}");
        ask(client, key, &format!("CreateVSwitch VpcId={vpc} {zone}")).await;
        let group = ask(client, key, &format!("CreateSecurityGroup VpcId={vpc}")).await;
        let (group, vswitch) =
            (group["SecurityGroupId"].as_str().unwrap(), vswitch["VSwitchId"].as_str().unwrap());
        client.post("/v1/clock/advance", json!({"seconds": 3})).await.expect(200);
        let host = "ImageId=aliyun_3_x64_20G_alibase_20240528.vhd InstanceType=ecs.g7.large";
        let made = format!(
            "RunInstances SecurityGroupId={group} VSwitchId={vswitch} {host} Password=Secret-0-Secret"
        );
        let made = ask(client, key, &made).await;
        assert!(made["InstanceIdSets"].is_object(), "{made}");
        ask(client, key, "DescribeInstances").await;
    }
}

#[tokio::test]
async fn what_was_recorded_is_played_here_and_on_another_server() {
    let dir = Dir::new();
    let visible =
        || ServeSettings { provisioning: sim_api::settings::ProvisioningSetting::Visible, ..settings() };
    let (server, client, file) = recording(&dir, visible()).await;
    work(&client, ["LTAI-own", "w-default-a-1000000000000007"]).await;
    server.stop().await.unwrap();
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("LTAI-own") && !text.contains("Secret-0-Secret"), "{text}");
    assert!(text.contains("\"hidden\":[\"Password\"]") && text.contains("\"client\":\"test/1.0\""), "{text}");

    let here = Replay::of(&file, &HERE, &[]).await.unwrap();
    // Of five equal polls one is kept.
    assert_eq!((here.sent, here.skipped, here.differences.as_slice()), (18, 0, &[][..]));

    let other = Server::start(settings()).await.unwrap();
    let there = Place::There(other.url());
    let played = Replay::of(&file, &there, &[]).await.unwrap();
    assert_eq!((played.sent, played.differences.as_slice()), (18, &[][..]));
    let worlds = Client::new(&other).get("/v1/worlds").await.expect(200);
    assert_eq!(worlds["items"].as_array().unwrap().len(), 1, "its world is gone: {worlds}");
    other.stop().await.unwrap();
}

#[tokio::test]
async fn a_difference_is_named_by_line_and_member() {
    let dir = Dir::new();
    let (server, client, file) = recording(&dir, settings()).await;
    let made = ask(&client, "any", "CreateVpc CidrBlock=10.0.0.0/8").await;
    let vpc = made["VpcId"].as_str().unwrap();
    ask(&client, "any", "DescribeVpcs").await;
    let refused = ask(&client, "any", "DeleteVpc VpcId=vpc-nothing").await;
    let code = refused["Code"].as_str().unwrap();
    server.stop().await.unwrap();
    let text = fs::read_to_string(&file).unwrap();
    for (from, to, wanted) in [
        (vpc, "vpc-bp1other", format!("2: CreateVpc /VpcId: recorded \"vpc-bp1other\", now \"{vpc}\"")),
        ("\"TotalCount\":1", "\"TotalCount\":2", "3: DescribeVpcs /TotalCount: recorded 2, now 1".to_owned()),
        (code, "Busy", format!("4: DeleteVpc /Code: recorded \"Busy\", now \"{code}\"")),
        (
            "\"status\":404",
            "\"status\":503",
            format!("4: DeleteVpc status: recorded 503 {code}, now 404 {code}"),
        ),
    ] {
        assert!(text.contains(from), "{from} is not in\n{text}");
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
        let replay = Replay::of(&file, &HERE, &[]).await.unwrap();
        let told: Vec<String> = replay.differences.iter().map(ToString::to_string).collect();
        assert_eq!(told, [wanted]);
        // What is only answered otherwise can be written anew; what is judged otherwise cannot.
        let renewed = replay.renew(&file);
        assert_eq!(renewed.is_ok(), !told[0].contains("status"), "{renewed:?}");
        if renewed.is_ok() {
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }
}

#[tokio::test]
async fn answers_of_injected_faults_are_not_sent_again_and_lost_ones_are() {
    let dir = Dir::new();
    let (server, client, file) = recording(&dir, settings()).await;
    client.post("/v1/faults", json!({"kind": "busy", "action": "CreateVpc", "count": 1})).await.expect(201);
    let busy = ask(&client, "any", "CreateVpc").await;
    assert_eq!(busy["Code"], "OperationConflict");
    client
        .post("/v1/faults", json!({"kind": "lost_answer", "action": "CreateVpc", "count": 1}))
        .await
        .expect(201);
    let address = server.address();
    let path = "/?Action=CreateVpc&Version=2016-04-28&Format=JSON&AccessKeyId=any&RegionId=cn-hangzhou";
    let lost = move || service::http(address, "POST", path, &[("User-Agent", "test/1.0")], "");
    assert_eq!(tokio::task::spawn_blocking(lost).await.unwrap(), None);
    let seen = ask(&client, "any", "DescribeVpcs").await;
    assert_eq!(seen["TotalCount"], 1);
    server.stop().await.unwrap();
    let replay = Replay::of(&file, &HERE, &[]).await.unwrap();
    assert_eq!((replay.sent, replay.skipped, replay.differences.len()), (2, 1, 0));
}

/// A client is told the endpoint of a product by whom it asked, so whom it asked is recorded where it matters.
#[tokio::test]
async fn requests_go_to_the_recorded_host_again() {
    let dir = Dir::new();
    let (server, client, file) = recording(&dir, settings()).await;
    let asked = "DescribeEndpoints Id=cn-hangzhou ServiceCode=vpc Type=openAPI";
    let path = format!("/?Version=2015-06-12&Format=JSON&AccessKeyId=any&Action={}", asked.replace(' ', "&"));
    let own = server.address().to_string();
    for (host, wanted) in [
        ("location.aliyuncs.com", "vpc.cn-hangzhou.aliyuncs.com"),
        ("localhost:1234", "localhost:1234"),
        (&own, &own),
    ] {
        let answer = client.with("host", host).send("POST", &path, None).await.body;
        assert_eq!(answer["Endpoints"]["Endpoint"][0]["Endpoint"], wanted, "{answer}");
    }
    ask(&client, "any", "DescribeVpcs").await;
    server.stop().await.unwrap();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches("\"host\":").count(), 3, "{text}");
    assert_eq!(Replay::of(&file, &HERE, &[]).await.unwrap().differences, []);
    let other = Server::start(settings()).await.unwrap();
    assert_eq!(Replay::of(&file, &Place::There(other.url()), &[]).await.unwrap().differences, []);
    other.stop().await.unwrap();
}

#[tokio::test]
async fn a_seeded_world_is_played_with_its_seed_only() {
    let dir = Dir::new();
    let seed = dir.file("seed.toml");
    fs::write(&seed, "[[vpcs]]\nname = \"seeded\"\n").unwrap();
    let (server, client, file) =
        recording(&dir, ServeSettings { seed: Some(seed.clone()), ..settings() }).await;
    assert_eq!(ask(&client, "any", "DescribeVpcs").await["TotalCount"], 1);
    server.stop().await.unwrap();
    let with = |seed: &Path| Place::Here { seed: Some(seed.to_owned()) };
    assert_eq!(Replay::of(&file, &with(&seed), &[]).await.unwrap().differences, []);
    let other = dir.file("other.toml");
    fs::write(&other, "[[vpcs]]\nname = \"other\"\n").unwrap();
    for place in [HERE, with(&other), Place::There("127.0.0.1:1".to_owned())] {
        let error = Replay::of(&file, &place, &[]).await.err();
        assert!(matches!(error, Some(ReplayError::OtherSeed { .. })), "{place:?}: {error:?}");
    }
}

#[test]
fn the_program_says_what_differs_and_ends_with_0_1_or_2() {
    let dir = Dir::new();
    let file = dir.file("recording").display().to_string();
    let server = Program::serve(&dir, &["--clock", "manual", "--record", &file], &[]);
    let path = "/?Action=CreateVpc&Version=2016-04-28&Format=JSON&AccessKeyId=any&RegionId=cn-hangzhou";
    let (status, _) = service::http(server.address, "POST", path, &[("User-Agent", "test/1.0")], "").unwrap();
    assert_eq!(status, 200);
    server.stop();
    // The file is not written over, and a world with content begins no recording.
    let start = |record: &str| {
        process::run(&["serve", "--listen", "127.0.0.1:0", "--db", &dir.db(), "--record", record])
    };
    let fresh = dir.file("fresh").display().to_string();
    assert!(process::refused(&start(&fresh)).contains("journal entries"));
    let again = process::run(&["serve", "--listen", "127.0.0.1:0", "--db", "memory", "--record", &file]);
    assert!(process::refused(&again).contains("recording: File exists"));

    let replay = |arguments: &[&str]| {
        let output = process::run(&[&["replay"], arguments].concat());
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    assert_eq!(replay(&[&file]), (Some(0), "1 requests, 0 answered otherwise, 0 not sent\n".to_owned()));
    let other = Program::serve(&Dir::new(), &[], &[]);
    let to = format!("http://{}", other.address);
    assert_eq!(replay(&[&file, "--to", &to]).0, Some(0));
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("vpc-", "vpx-")).unwrap();
    let (code, told) = replay(&[&file]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.starts_with(&format!("{file}:2: CreateVpc /VpcId: recorded \"vpx-")), "{told}");
    fs::write(&file, text.replace("\"recording\":1", "\"recording\":9")).unwrap();
    let (code, told) = replay(&[&file]);
    assert_eq!((code, told.contains("recording:1: a recording of form 9")), (Some(2), true), "{told}");
    fs::write(&file, format!("{text}{{\n")).unwrap();
    assert_eq!(replay(&[&file]).0, Some(2));
    fs::write(&file, &text).unwrap();
    for wrong in [&["nowhere"][..], &[&file, "--to", "127.0.0.1:1"], &[&file, "--to", &to, "--seed", "x"]] {
        assert_eq!(replay(wrong).0, Some(2), "{wrong:?}");
    }
}
