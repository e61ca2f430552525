//! A secret is sent over both wires in every place where one can stand, and then looked for everywhere.

mod process;

use process::{Dir, Program};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// What must be found nowhere. The parts after it say where it stood.
const MARKER: &str = "Zq7marker";

/// A certificate and its key, which are taken; a line of the key must be found nowhere either.
const CERTIFICATE: &str = include_str!("../../tests/data/certificates/server.pem");
const KEY: &str = include_str!("../../tests/data/certificates/server.key");

/// What must be found nowhere: the marker, and a line of the private key that was uploaded.
fn secrets() -> [&'static str; 2] {
    [MARKER, KEY.lines().nth(2).expect("a key has lines")]
}

fn credentials(dir: &Dir) -> String {
    let path = dir.file("../credentials-of-the-test.toml");
    let text = format!(
        "[[credential]]\naccess_key_id = \"testid\"\naccess_key_secret = \"{MARKER}-key-secret\"\n\
         account = \"1000000000000001\"\nbearer_token = \"{MARKER}-bearer\"\nsecurity_token = \"{MARKER}-sts\"\n"
    );
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// One request; the whole answer as it came, headers too.
fn http(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
}

/// Sends the secret in every place of both wires; the answers.
fn send_everywhere(address: SocketAddr, key: &str, headers: &[(&str, &str)]) -> Vec<String> {
    let mut answers = Vec::new();
    let mut native = |method: &str, path: &str, body: Value| {
        answers.push(http(address, method, path, headers, &body.to_string()));
    };
    let fields = json!({
        "password": format!("{MARKER}-password"),
        "user_data": format!("{MARKER}-user-data"),
        "private_key": format!("{MARKER}-private-key"),
        "private_key_body": format!("{MARKER}-private-key"),
        "access_key_secret": format!("{MARKER}-key-secret"),
    });
    for path in ["/v1/instances", "/v1/vpcs", "/v1/network-interfaces", "/v1/key-pairs"] {
        native("POST", path, fields.clone());
    }
    for (name, value) in fields.as_object().unwrap() {
        native("POST", "/v1/instances", json!({name: value, "instance_type": "ecs.g7.large"}));
    }
    let pair = json!({"certificate": CERTIFICATE, "private_key": KEY, "name": "uploaded"});
    native("POST", "/v1/server-certificates", pair.clone());
    native(
        "POST",
        "/v1/server-certificates",
        json!({"certificate": CERTIFICATE, "private_key": format!("{KEY}x")}),
    );
    native("POST", "/v1/ca-certificates", pair);
    for key in [KEY, MARKER] {
        native("POST", "/v1/server-certificates", json!({"certificate": key, "private_key": key}));
    }
    native("GET", &format!("/v1/vpcs?password={MARKER}-in-the-query"), Value::Null);
    native("POST", "/v1/vpcs", json!({"name": "harmless"}));

    let secrets = [
        ("Password", "password"),
        ("UserData", "user-data"),
        ("PrivateKeyBody", "private-key"),
        ("PrivateKey", "private-key"),
        ("AccessKeySecret", "key-secret"),
        ("BearerToken", "bearer"),
        ("SecurityToken", "sts"),
        ("Signature", "signature"),
    ];
    let parameters: String =
        secrets.iter().map(|(name, place)| format!("&{name}={MARKER}-{place}")).collect();
    let actions = [
        ("RunInstances", "2014-05-26", "&InstanceType=ecs.g7.large&ImageId=any"),
        ("CreateInstance", "2014-05-26", "&InstanceType=ecs.g7.large"),
        ("ModifyInstanceAttribute", "2014-05-26", "&InstanceId=i-1"),
        ("ImportKeyPair", "2014-05-26", "&KeyPairName=k"),
        ("UploadServerCertificate", "2014-05-15", "&ServerCertificateName=www"),
        ("CreateVpc", "2016-04-28", "&CidrBlock=10.0.0.0%2F16"),
        ("DescribeVpcs", "2016-04-28", ""),
        ("NoSuchAction", "2016-04-28", ""),
    ];
    for (action, version, rest) in actions {
        let query = format!(
            "Action={action}&Version={version}&AccessKeyId={key}&RegionId=cn-hangzhou&Format=JSON\
             &SignatureType=BEARERTOKEN{rest}{parameters}"
        );
        answers.push(http(address, "GET", &format!("/?{query}"), headers, ""));
        let form = [headers, &[("x-acs-security-token", "Zq7marker-sts-header")]].concat();
        let json = format!("{{\"Password\":\"{MARKER}-json\"}}");
        answers.push(http(address, "POST", &format!("/?{query}"), &form, &json));
    }
    let encode = sim_api::rpc::encoding::percent_encode;
    for (certificate, private) in [(CERTIFICATE, KEY), (KEY, KEY), (CERTIFICATE, MARKER)] {
        let query = format!(
            "Action=UploadServerCertificate&Version=2014-05-15&AccessKeyId={key}&RegionId=cn-hangzhou&Format=JSON\
             &SignatureType=BEARERTOKEN&BearerToken={MARKER}-bearer&ServerCertificate={}&PrivateKey={}",
            encode(certificate),
            encode(private)
        );
        answers.push(http(address, "POST", &format!("/?{query}"), headers, ""));
    }
    answers
}

/// Where the secret stands in a text, with some of the text around it.
fn found(place: &str, bytes: &[u8]) -> Option<String> {
    let find = |secret: &str| bytes.windows(secret.len()).position(|window| window == secret.as_bytes());
    let at = secrets().into_iter().find_map(find)?;
    let near = &bytes[at.saturating_sub(80)..(at + 60).min(bytes.len())];
    Some(format!("{place}: {}", String::from_utf8_lossy(near)))
}

fn look_everywhere(dir: &Dir, server: &Program, headers: &[(&str, &str)], answers: &[String]) -> Vec<String> {
    let mut leaks = Vec::new();
    assert!(answers.iter().all(|a| status(a) < 500), "{answers:?}");
    leaks.extend(answers.iter().filter_map(|a| found("an answer", a.as_bytes())));
    for path in ["/v1/requests?limit=1000", "/v1/journal?page_size=100", "/metrics", "/v1/worlds/default"] {
        let answer = http(server.address, "GET", path, headers, "");
        assert_eq!(status(&answer), 200, "{path}: {answer}");
        leaks.extend(found(path, answer.as_bytes()));
    }
    for file in dir.files() {
        leaks.extend(found(&file.display().to_string(), &fs::read(&file).unwrap()));
    }
    leaks
}

#[test]
fn a_secret_is_found_nowhere_afterwards() {
    let dir = Dir::new();
    let everything = [("RUST_LOG", "debug")];
    let recording = dir.file("recording").display().to_string();
    let server = Program::serve(&dir, &["--clock", "manual", "--record", &recording], &everything);
    let answers = send_everywhere(server.address, "any", &[]);
    assert!(answers.iter().any(|a| status(a) == 201), "something was made: {answers:?}");
    assert_eq!(look_everywhere(&dir, &server, &[], &answers), [""; 0]);
    server.stop();
    let files = dir.files();
    // The search looks where things stand: what is no secret is found in the database and in the log.
    let holds = |file: &str, text: &str| {
        let bytes = fs::read(dir.file(file)).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    assert!(holds("cloudnet.db", "uploaded") && holds("cloudnet.db", "www.example.com"));
    assert!(holds("cloudnet.db", "harmless") && holds("log", "DescribeVpcs"));
    assert!(holds("recording", "UploadServerCertificate") && holds("recording", "PrivateKey"));
    for file in files {
        assert_eq!(found(&file.display().to_string(), &fs::read(&file).unwrap()), None);
    }
}

#[test]
fn nor_is_that_of_a_credentials_file() {
    let dir = Dir::new();
    let path = credentials(&dir);
    let recording = dir.file("recording").display().to_string();
    let arguments = ["--clock", "manual", "--credentials", &path, "--record", &recording];
    let server = Program::serve(&dir, &arguments, &[("RUST_LOG", "debug")]);
    let bearer = format!("Bearer {MARKER}-bearer");
    let headers = [("Authorization", bearer.as_str())];
    let answers = send_everywhere(server.address, "testid", &headers);
    assert!(answers.iter().any(|a| status(a) == 201), "the token opens the door: {answers:?}");
    let shut = send_everywhere(server.address, "testid", &[("Authorization", "Bearer Zq7marker-wrong")]);
    assert!(shut.iter().any(|a| matches!(status(a), 401 | 403)), "{shut:?}");
    assert_eq!(look_everywhere(&dir, &server, &headers, &[answers, shut].concat()), [""; 0]);
    server.stop();
    let _ = fs::remove_file(&path);
}

/// User data that is taken: "Zq7marker-user-data" in Base64, and changed to "Zq7marker-changed".
const USER_DATA: [&str; 2] = ["WnE3bWFya2VyLXVzZXItZGF0YQ==", "WnE3bWFya2VyLWNoYW5nZWQ="];

#[test]
fn user_data_is_answered_to_who_asks_for_it_and_written_to_the_database_alone() {
    let dir = Dir::new();
    let recording = dir.file("recording").display().to_string();
    let arguments = ["--clock", "manual", "--record", &recording];
    let server = Program::serve(&dir, &arguments, &[("RUST_LOG", "debug")]);
    let call = |action: &str, rest: &str| {
        let version = if action.starts_with("CreateDefault") { "2016-04-28" } else { "2014-05-26" };
        let path = format!(
            "/?Action={action}&Version={version}&RegionId=cn-hangzhou&AccessKeyId=any&Format=JSON{rest}"
        );
        let answer = http(server.address, "POST", &path, &[], "");
        assert_eq!(status(&answer), 200, "{action}: {answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str::<Value>(body).unwrap()
    };
    let vpc = call("CreateDefaultVpc", "");
    call("CreateDefaultVSwitch", "&ZoneId=cn-hangzhou-k");
    let group = call("CreateSecurityGroup", &format!("&VpcId={}", vpc["VpcId"].as_str().unwrap()));
    let launch = format!(
        "&InstanceType=ecs.g7.large&ImageId=aliyun_3_x64_20G_alibase_20240819.vhd&SecurityGroupId={}&UserData={}",
        group["SecurityGroupId"].as_str().unwrap(),
        USER_DATA[0]
    );
    let made = call("RunInstances", &launch);
    let named = format!("&InstanceId={}", made["InstanceIdSets"]["InstanceIdSet"][0].as_str().unwrap());
    assert_eq!(call("DescribeUserData", &named)["UserData"], USER_DATA[0]);
    call("ModifyInstanceAttribute", &format!("{named}&UserData={}", USER_DATA[1]));
    assert_eq!(call("DescribeUserData", &named)["UserData"], USER_DATA[1]);
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for path in ["/v1/requests?limit=1000", "/v1/journal?page_size=100", "/metrics", "/v1/worlds/default"] {
        let answer = http(server.address, "GET", path, &[], "");
        assert!(USER_DATA.iter().all(|text| !holds(answer.as_bytes(), text)), "{path}: {answer}");
    }
    server.stop();
    for file in dir.files() {
        let bytes = fs::read(&file).unwrap();
        let found = USER_DATA.iter().any(|text| holds(&bytes, text));
        let database = file.to_string_lossy().contains("cloudnet.db");
        assert!(database || !found, "{}", file.display());
    }
    assert!(holds(&fs::read(dir.file("cloudnet.db")).unwrap(), USER_DATA[1]));
    assert!(holds(&fs::read(dir.file("recording")).unwrap(), "DescribeUserData"));
}
