//! Seeds: what a file makes, what it refuses and in which line, and what a second start does.

mod process;
mod service;

use process::{Dir, Program, refused};
use serde_json::Value;
use service::{Client, http, settings};
use sim_api::settings::{Database, ProvisioningSetting};
use sim_api::{ServeSettings, Server, StartError};
use std::fs;
use std::path::PathBuf;

fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/seeds").join(name)
}

async fn seeded(file: PathBuf) -> Server {
    let settings = ServeSettings { seed: Some(file), ..settings() };
    Server::start(settings).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn items(client: &Client, path: &str) -> Vec<Value> {
    client.get(path).await.expect(200)["items"].as_array().unwrap().clone()
}

/// What a server says to a seed of this text.
async fn said(text: &str) -> String {
    said_of("seed.toml", text).await
}

/// What a server says to a seed of this name and text.
async fn said_of(name: &str, text: &str) -> String {
    let dir = Dir::new();
    let file = dir.file(name);
    fs::write(&file, text).unwrap();
    let start = Server::start(ServeSettings { seed: Some(file.clone()), ..settings() }).await;
    let error = match start {
        Ok(_) => panic!("the seed passed:\n{text}"),
        Err(error @ StartError::Seed(_)) => error.to_string(),
        Err(other) => panic!("{other}"),
    };
    error.replace(&format!("{}:", file.display()), "")
}

#[tokio::test]
async fn the_acceptance_seed_has_a_vswitch_in_each_zone() {
    let server = seeded(example("acceptance.toml")).await;
    for region in ["cn-beijing", "cn-hangzhou", "cn-shanghai"] {
        let client = Client::new(&server).with("Cloudnet-Region", region);
        let vpcs = items(&client, "/v1/vpcs").await;
        assert_eq!(vpcs.len(), 1, "{region}");
        assert_eq!(
            (&vpcs[0]["name"], &vpcs[0]["status"]),
            (&"default-NODELETING".into(), &"Available".into())
        );
        let vswitches = items(&client, "/v1/vswitches?page_size=100").await;
        let mut zones: Vec<&str> = vswitches.iter().map(|v| v["zone_id"].as_str().unwrap()).collect();
        zones.sort_unstable();
        assert_eq!(zones, sim_core::catalog::zones_of(region), "{region}");
        assert!(vswitches.iter().all(|v| v["status"] == "Available" && v["vpc_id"] == vpcs[0]["id"]));
    }
    // What the tests choose by, they find in every world.
    let client = Client::new(&server);
    let images = items(&client, "/v1/images?page_size=100").await;
    assert!(images.iter().any(|image| image["id"].as_str().unwrap().starts_with("ubuntu_")), "{images:?}");
    assert!(items(&client, "/v1/instance-types?page_size=100").await.len() > 20);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn yaml_makes_what_toml_makes() {
    let mut digests = Vec::new();
    for file in ["shop.toml", "shop.yaml"] {
        let server = seeded(example(file)).await;
        let world = Client::new(&server).get("/v1/worlds/default").await.expect(200);
        assert_eq!(world["objects"]["listeners"], 1, "{world}");
        digests.push((world["digest"].clone(), world["seq"].clone()));
        server.stop().await.unwrap();
    }
    assert_eq!(digests[0], digests[1]);
}

#[tokio::test]
async fn documents_of_yaml_are_one_after_the_other_and_its_scalars_have_their_kinds() {
    let dir = Dir::new();
    let file = dir.file("seed.yml");
    let text = "---\nregion: cn-beijing\naccount: 1000000000000009\nvpcs:\n  - name: 'null'\n    description: true story\n    \
                enable_ipv6: true\n  - name: \"0x10\"\n---\n# nothing\n---\nvpcs:\n  - {name: third, cidr_block: 10.0.0.0/8}\n";
    fs::write(&file, text).unwrap();
    let server = seeded(file).await;
    let client = Client::new(&server)
        .with("Cloudnet-Account", "1000000000000009")
        .with("Cloudnet-Region", "cn-beijing");
    let vpcs = items(&client, "/v1/vpcs").await;
    let mut names: Vec<&str> = vpcs.iter().map(|vpc| vpc["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["0x10", "null", "third"]);
    let first = vpcs.iter().find(|vpc| vpc["name"] == "null").unwrap();
    assert_eq!(first["description"], "true story");
    assert_eq!(first["ipv6_cidr_blocks"].as_array().map(Vec::len), Some(1), "{first}");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn mistakes_in_yaml_are_named_with_their_line() {
    let deep = format!("vpcs:\n  - tags: {}", "[".repeat(40));
    let table = [
        ("vpcs: [\n", "2: "),
        ("- vpcs\n", "1: a seed has sections; write the name of one, as in vpcs:"),
        ("vpc: []\n", "1: there is no section \"vpc\"; there are calls, access-control-lists"),
        ("\nvpcs:\n  name: a\n", "2: vpcs is a list of entries; write vpcs: and below it - MEMBER: VALUE"),
        ("vpcs: [1]\n", "1: an entry of vpcs is a table"),
        ("account: me\n", "1: account is a number"),
        ("region: 1\n", "1: region is a text in quotes"),
        ("vpcs:\n  - name: a\n    cidr_block: 10.1.1.1/8\n", "3: vpcs \"a\": cidr_block: The block of a VPC"),
        ("vpcs:\n  - name: a\n    name: b\n", "3: name stands there twice"),
        ("vpcs:\n  - name: a\nvpcs:\n  - name: b\n", "3: vpcs stands there twice"),
        ("vpcs:\n  - &a\n    name: a\n", "2: anchors and tags are not read"),
        ("vpcs:\n  - name: !!str 1\n", "2: anchors and tags are not read"),
        ("vpcs:\n  - *a\n", "2: "),
        ("vpcs:\n  - [a]: b\n", "2: the name of a member is a text"),
        ("vpcs:\n  - 1: b\n", "2: the name of a member is a text"),
        ("vpcs:\n  - enable_ipv6: .inf\n", "2: .inf is no value of the native wire"),
        ("vpcs:\n  - enable_ipv6: 99999999999999999999\n", "2: 99999999999999999999 is no value"),
        ("vpcs:\n  - enable_ipv6: 0o7\n", "2: vpcs: enable_ipv6: "),
        ("vpcs:\n  - name: 1.5\n", "2: vpcs: name: "),
        ("vpcs:\n  - vpc_id: @a\n", "2: "),
        (
            "vpcs:\n  - name: a\n---\nroute-tables:\n  - vpc_id: \"@b\"\n",
            "5: route-tables: @b: no entry above",
        ),
        ("security-groups:\n  - rules: 1\n", "2: rules is a list of entries; write rules: and below it"),
        ("calls:\n  - body: {}\n", "2: a call names its request, as in call: PUT /v1/eips/@ip/binding"),
        (deep.as_str(), "2: lists and tables stand more than 32 deep in each other"),
    ];
    for (text, wanted) in table {
        let message = said_of("seed.yaml", text).await;
        assert!(message.starts_with(wanted), "{text}\nsays  {message}\nnot   {wanted}");
    }
}

#[tokio::test]
async fn references_nested_entries_and_calls_make_a_whole_shop() {
    let settings = ServeSettings {
        seed: Some(example("shop.toml")),
        provisioning: ProvisioningSetting::Documented,
        ..settings()
    };
    let server = Server::start(settings).await.unwrap_or_else(|error| panic!("{error}"));
    let client = Client::new(&server);
    let instances = items(&client, "/v1/instances").await;
    let mut shown: Vec<(&str, &str)> =
        instances.iter().map(|i| (i["name"].as_str().unwrap(), i["status"].as_str().unwrap())).collect();
    shown.sort_unstable();
    assert_eq!(shown, [("db-1", "Running"), ("web-1", "Running")]);
    let groups = items(&client, "/v1/security-groups").await;
    let group = |name: &str| groups.iter().find(|g| g["name"] == name).unwrap()["id"].as_str().unwrap();
    let rules = items(&client, &format!("/v1/security-groups/{}/rules", group("data"))).await;
    assert!(rules.iter().any(|r| r["peer_security_group_id"] == group("web")), "{rules:?}");
    let gateway = items(&client, "/v1/nat-gateways").await[0]["id"].as_str().unwrap().to_owned();
    let entries = items(&client, &format!("/v1/nat-gateways/{gateway}/snat-entries")).await;
    let eip = items(&client, "/v1/eips").await[0]["ip_address"].clone();
    assert_eq!(entries[0]["snat_ips"][0], eip);
    assert_eq!(items(&client, "/v1/listeners").await[0]["status"], "running");
    // Changes took no time while the seed was applied, and take what the settings say from now on.
    assert_eq!(client.get("/v1/settings").await.expect(200)["provisioning"], "documented");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn accounts_and_regions_are_those_of_the_file_and_of_the_entry() {
    let dir = Dir::new();
    let file = dir.file("seed.toml");
    let text = "account = 1000000000000009\nregion = \"cn-beijing\"\n[[vpcs]]\nname = \"theirs\"\n\
                [[vpcs]]\nname = \"here\"\ndescription = \"@@home\"\naccount = \"1000000000000001\"\nregion = \"cn-shanghai\"\n";
    fs::write(&file, text).unwrap();
    let server = seeded(file).await;
    let of = |account: &str, region: &str| {
        Client::new(&server).with("Cloudnet-Account", account).with("Cloudnet-Region", region)
    };
    assert_eq!(items(&of("1000000000000009", "cn-beijing"), "/v1/vpcs").await[0]["name"], "theirs");
    let here = &items(&of("1000000000000001", "cn-shanghai"), "/v1/vpcs").await[0];
    assert_eq!((&here["name"], &here["description"]), (&"here".into(), &"@home".into()));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn mistakes_are_named_with_their_line() {
    let table = [
        ("[[vpcs]\n", "1: "),
        ("[[vpc]]\n", "1: there is no section \"vpc\"; there are calls, access-control-lists"),
        ("\n[vpcs]\nname = \"a\"\n", "2: vpcs is a list of entries; write [[vpcs]]"),
        ("vpcs = [1]\n", "1: an entry of vpcs is a table"),
        ("account = \"me\"\n", "1: account is a number"),
        ("region = 1\n", "1: region is a text in quotes"),
        ("[[worlds]]\nname = \"a\"\n", "1: there is no section \"worlds\""),
        // What the native wire refuses, at the field.
        (
            "[[vpcs]]\nname = \"a\"\ncidr_block = \"10.1.1.1/8\"\n",
            "3: vpcs \"a\": cidr_block: The block of a VPC",
        ),
        ("[[vpcs]]\n\nnane = \"a\"\n", "3: vpcs: nane: The request does not read."),
        ("[[vpcs]]\nname = 2026-01-01\n", "2: a date without quotes is no value"),
        (
            "[[vpcs]]\nname = \"a\"\n[[vswitches]]\nzone_id = \"z\"\nvpc_id = \"@b\"\n",
            "5: vswitches: @b: no entry above",
        ),
        (
            "[[vpcs]]\nname = \"a\"\n[[vpcs]]\nname = \"a\"\n[[route-tables]]\nvpc_id = \"@a\"\n",
            "6: route-tables: @a: the entries of the lines 1, 3",
        ),
        (
            "[[vpcs]]\nname = \"a\"\n[[route-tables]]\nvpc_id = \"@a/nothing\"\n",
            "4: route-tables: @a/nothing: the answer to that entry",
        ),
        (
            "[[vpcs]]\ntags = [\n  { key = \"k\" },\n  { key = \"k\", value = \"@x\" },\n]\n",
            "4: vpcs: @x: no entry above",
        ),
        (
            "[[security-groups]]\nrules = 1\n",
            "2: rules is a list of entries; write [[security-groups.rules]]",
        ),
        ("[[vpcs]]\nregion = \"mars-1\"\n", "1: vpcs: "),
        ("[[calls]]\nbody = {}\n", "1: a call names its request"),
        ("[[calls]]\ncall = \"GET /v1/vpcs\"\n", "2: \"GET /v1/vpcs\" is no request"),
        ("[[calls]]\ncall = \"POST /vpcs\"\n", "2: \"POST /vpcs\" is no request"),
        (
            "[[calls]]\ncall = \"POST /v1/nothing\"\n",
            "1: calls: POST /v1/nothing is no request of the native wire (404",
        ),
        (
            "[[calls]]\ncall = \"POST /v1/worlds\"\nbody = { name = \"a\" }\n",
            "2: worlds are no content of a world",
        ),
        ("[[calls]]\ncall = \"PUT /v1/eips/@ip/binding\"\nbody = {}\n", "2: calls: @ip: no entry above"),
        ("[[calls]]\ncall = \"POST /v1/vpcs\"\nbdy = {}\n", "3: a call has no \"bdy\""),
        ("[[calls]]\ncall = \"POST /v1/vpcs\"\nbody = 1\n", "3: body is a table"),
    ];
    for (text, wanted) in table {
        let message = said(text).await;
        assert!(message.starts_with(wanted), "{text}\nsays  {message}\nnot   {wanted}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let error = Server::start(ServeSettings { seed: Some("/nowhere/seed.toml".into()), ..settings() }).await;
    assert!(error.err().unwrap().to_string().starts_with("/nowhere/seed.toml: "));
}

#[test]
fn a_seed_is_applied_once_and_only_to_an_empty_world() {
    let dir = Dir::new();
    let (good, bad) = (dir.file("good.toml"), dir.file("bad.toml"));
    fs::write(&good, "[[vpcs]]\nname = \"once\"\n").unwrap();
    fs::write(&bad, "[[vpcs]]\nname = \"gone\"\n[[vpcs]]\ncidr_block = \"ten\"\n").unwrap();
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    let start =
        |seed: &str| process::run(&["serve", "--listen", "127.0.0.1:0", "--db", &dir.db(), "--seed", seed]);
    let names = |server: &Program| {
        let (_, page) = http(server.address, "GET", "/v1/vpcs", &[], "").unwrap();
        page["items"].as_array().unwrap().iter().map(|v| v["name"].clone()).collect::<Vec<_>>()
    };
    // What fails leaves nothing behind, so that the next seed finds an empty world.
    let message = refused(&start(bad));
    assert!(message.contains("bad.toml:4: vpcs: cidr_block: "), "{message}");
    let server = Program::serve(&dir, &["--seed", good], &[]);
    assert_eq!(names(&server), ["once"]);
    server.stop();
    // The same text again: there is nothing to do.
    let server = Program::serve(&dir, &["--seed", good], &[]);
    assert_eq!(names(&server), ["once"]);
    server.stop();
    // Another text: the world is not its to fill.
    let message = refused(&start(bad));
    assert!(message.contains("was not seeded from this text") && message.contains("--db"), "{message}");
    // The snapshot brings the moment of the seed back.
    let server = Program::serve(&dir, &[], &[]);
    http(server.address, "POST", "/v1/vpcs", &[], "{\"name\": \"later\"}").unwrap();
    let (_, kept) = http(server.address, "GET", "/v1/worlds/default/snapshots", &[], "").unwrap();
    let snapshot = kept["items"][0]["name"].as_str().unwrap();
    let path = format!("/v1/worlds/default/snapshots/{snapshot}/restore");
    assert_eq!(http(server.address, "POST", &path, &[], "{}").unwrap().0, 200);
    assert_eq!(names(&server), ["once"]);
    server.stop();
}

#[tokio::test]
async fn a_world_in_memory_is_seeded_at_each_start() {
    for _ in 0..2 {
        let server = seeded(example("shop.toml")).await;
        assert_eq!(server.app().settings.db, Database::Memory);
        server.stop().await.unwrap();
    }
}
