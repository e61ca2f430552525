//! The real program where it cannot do what it is asked: it says what is wrong and what would do, and ends.

mod process;
mod service;

use process::{Dir, PROGRAM, Program, refused, run};
use serde_json::json;
use service::http;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

fn serve(db: &str) -> std::process::Output {
    run(&["serve", "--listen", "127.0.0.1:0", "--db", db])
}

/// A database with a VPC in it; its server has ended.
fn database() -> Dir {
    let dir = Dir::new();
    let server = Program::serve(&dir, &["--clock", "manual"], &[]);
    for _ in 0..3 {
        let made = http(server.address, "POST", "/v1/vpcs", &[], "{}").unwrap();
        assert_eq!(made.0, 201, "{}", made.1);
    }
    server.stop();
    dir
}

#[test]
fn a_missing_directory_is_named() {
    let dir = Dir::new();
    let said = refused(&serve(&format!("sqlite:{}", dir.file("none/cloudnet.db").display())));
    assert!(said.contains("none"), "{said}");
}

#[test]
fn a_database_that_is_cut_short_is_refused_and_left_alone() {
    let dir = database();
    let path = dir.file("cloudnet.db");
    let whole = fs::read(&path).unwrap();
    for kept in [whole.len() / 2, 4_096, 1_000, 50] {
        fs::write(&path, &whole[..kept]).unwrap();
        let said = refused(&serve(&dir.db()));
        assert!(said.contains("cloudnet.db") || said.contains("malformed"), "{kept} bytes kept: {said}");
        assert_eq!(fs::read(&path).unwrap().len(), kept, "the file was touched");
        let verify = run(&["verify", &dir.db()]);
        assert_eq!(verify.status.code(), Some(1), "{verify:?}");
        assert!(!String::from_utf8_lossy(&verify.stderr).contains("panicked"), "{verify:?}");
        for leftover in ["cloudnet.db-wal", "cloudnet.db-shm"] {
            let _ = fs::remove_file(dir.file(leftover));
        }
    }
    fs::write(&path, &whole).unwrap();
    let server = Program::serve(&dir, &[], &[]);
    let (_, page) = http(server.address, "GET", "/v1/vpcs", &[], "").unwrap();
    assert_eq!(page["items"].as_array().unwrap().len(), 3);
    server.stop();
}

#[test]
fn a_database_that_cannot_be_written_is_refused() {
    let dir = database();
    let root = fs::metadata(dir.file("cloudnet.db")).unwrap().uid() == 0;
    // Root may write everything, so somebody else is asked: in a place that everybody can reach.
    let place = std::env::temp_dir().join(format!("cloudnet-read-only-{}", std::process::id()));
    fs::create_dir_all(&place).unwrap();
    let (path, program) = (place.join("cloudnet.db"), place.join("cloudnet"));
    fs::copy(dir.file("cloudnet.db"), &path).unwrap();
    // By another process: a child that another test begins meanwhile would keep the copy open for writing, so that it could
    // not be run.
    assert!(Command::new("cp").arg(PROGRAM).arg(&program).status().unwrap().success());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = Command::new(&program);
    command.args(["serve", "--listen", "127.0.0.1:0", "--db", &format!("sqlite:{}", path.display())]);
    command.current_dir("/");
    if root {
        command.uid(65_534);
    }
    let output = command.output().unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_dir_all(&place).unwrap();
    let said = refused(&output);
    assert!(said.contains("cloudnet.db") && said.to_lowercase().contains("permission denied"), "{said}");
}

#[test]
fn bad_settings_are_refused_with_what_would_do() {
    let table = [
        (vec!["serve", "--db", "postgres://x"], "sqlite:FILE"),
        (vec!["serve", "--clock", "fast"], "scaled:N"),
        (vec!["serve", "--provisioning", "slow"], "documented"),
        (vec!["serve", "--listen", "nowhere"], "invalid socket address"),
    ];
    for (arguments, wanted) in table {
        let output = run(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(wanted), "{arguments:?}: {said}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused(&run(&["serve", "--listen", &address, "--db", "memory"]));
    assert!(said.contains(&address) && said.contains("port 0"), "{said}");
}

/// A client that polls what is pending while time stands still waits in vain. It is told so, once.
#[test]
fn polling_under_a_stopped_clock_is_told_once() {
    let dir = Dir::new();
    let server = Program::serve(&dir, &["--clock", "manual", "--provisioning", "documented"], &[]);
    let (_, vpc) = http(server.address, "POST", "/v1/vpcs", &[], "{}").unwrap();
    assert_eq!(vpc["status"], "Pending");
    let path = format!("/v1/vpcs/{}", vpc["id"].as_str().unwrap());
    let action = "/?Action=DescribeVpcs&Version=2016-04-28&AccessKeyId=k&RegionId=cn-hangzhou&Format=JSON";
    for _ in 0..40 {
        let (_, polled) = http(server.address, "GET", &path, &[], "").unwrap();
        assert_eq!(polled["status"], "Pending");
        assert_eq!(http(server.address, "GET", action, &[], "").unwrap().0, 200);
    }
    let told = server.log().lines().filter(|line| line.contains("stands still")).count();
    assert_eq!(told, 1, "{}", server.log());
    let body = json!({"seconds": 1}).to_string();
    assert_eq!(http(server.address, "POST", "/v1/clock/advance", &[], &body).unwrap().0, 200);
    assert_eq!(http(server.address, "GET", &path, &[], "").unwrap().1["status"], "Available");
    server.stop();
}

/// Nobody waits under a clock that stands still, unless that is what was asked for.
#[test]
fn provisioning_follows_the_clock_unless_told_otherwise() {
    let table: [(&[&str], &str); 5] = [
        (&["--clock", "manual"], "instant"),
        (&["--clock", "real"], "visible"),
        (&["--clock", "scaled:60"], "visible"),
        (&["--clock", "manual", "--provisioning", "documented"], "documented"),
        (&["--clock", "real", "--provisioning", "instant"], "instant"),
    ];
    for (arguments, wanted) in table {
        let dir = Dir::new();
        let server = Program::serve(&dir, arguments, &[]);
        let (_, settings) = http(server.address, "GET", "/v1/settings", &[], "").unwrap();
        assert_eq!(settings["provisioning"], wanted, "{arguments:?}");
        let (_, made) =
            http(server.address, "POST", "/v1/worlds", &[], r#"{"name":"t","clock":"manual"}"#).unwrap();
        assert_eq!(
            made["settings"]["provisioning"], "instant",
            "a manual world, whatever the server is set to"
        );
        server.stop();
    }
}
