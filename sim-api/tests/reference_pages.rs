//! The committed reference pages are what the program gives.
//!
//! `CLOUDNET_UPDATE=1 cargo test -p sim-api --test reference_pages` rewrites `docs/reference/*.md`.

use sim_api::catalogue::{self, Product};
use sim_api::recording::Replay;
use sim_api::refusals;
use sim_api::rpc::actions::{self, ACTIONS, Action};
use sim_core::ErrorCode;
use sim_core::error::ErrorKind;
use sim_core::quota::{CEILING_FACTOR, Quota};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Compares a page with the committed one, after writing it if asked to.
fn hold(name: &str, built: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/reference").join(name);
    if std::env::var_os("CLOUDNET_UPDATE").is_some() {
        std::fs::create_dir_all(file.parent().expect("a directory")).expect("docs/reference can be made");
        std::fs::write(&file, built).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let differ = committed.lines().zip(built.lines()).position(|(a, b)| a != b);
    assert!(
        committed == built,
        "docs/reference/{name} is not what the program gives (first different line: {differ:?}); rewrite it with \
         CLOUDNET_UPDATE=1 cargo test -p sim-api --test reference_pages"
    );
}

const GENERATED: &str =
    "<!-- Written by CLOUDNET_UPDATE=1 cargo test -p sim-api --test reference_pages; do not edit. -->\n\n";

/// Names with commas between them, wrapped for reading.
fn wrapped(names: &[&str]) -> String {
    let mut out = String::new();
    let mut width = 0;
    for (at, name) in names.iter().enumerate() {
        let word = if at + 1 < names.len() { format!("{name},") } else { (*name).to_owned() };
        if width > 0 && width + 1 + word.len() > 116 {
            out.push('\n');
            width = 0;
        }
        if width > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(&word);
        width += word.len();
    }
    out
}

/// A file or directory of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The clients that call each action, by version and name.
fn clients() -> BTreeMap<(String, String), Vec<String>> {
    let text = std::fs::read_to_string(repository("tests/data/contract/clients.json")).expect("it is there");
    let listed: BTreeMap<String, Vec<String>> = serde_json::from_str(&text).expect("it is generated");
    let key = |text: &str| {
        let parts: Vec<&str> = text.split('/').collect();
        (parts[1].to_owned(), parts[2].to_owned())
    };
    listed.into_iter().map(|(action, clients)| (key(&action), clients)).collect()
}

/// The suites of outside clients whose recordings have a good answer to each action, by version and name.
fn suites() -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for entry in std::fs::read_dir(repository("tests/clients/recordings")).expect("it is there") {
        let file = entry.expect("it reads").path();
        let suite = file.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let calls = Replay::calls(&file).expect("it is a recording");
        // What a suite asks itself, to begin with something and to see what became of it, is no client's.
        for call in
            calls.into_iter().filter(|call| call.answered && !call.client.starts_with("cloudnet-suite"))
        {
            found.entry((call.version, call.action)).or_default().insert(suite.clone());
        }
    }
    found
}

/// The key of an action in [`clients`] and [`suites`].
fn key(action: &Action) -> (String, String) {
    (action.version.to_owned(), action.name.to_owned())
}

/// `tests/data/contract/unexercised.txt` only shrinks: a newly served action belongs into a suite of a client.
#[test]
fn served_actions_that_no_client_suite_exercises_are_listed() {
    let exercised = suites();
    let missing: BTreeSet<String> = ACTIONS
        .iter()
        .filter(|action| !exercised.contains_key(&key(action)))
        .map(|action| format!("{} {}", action.product, action.name))
        .collect();
    let text =
        std::fs::read_to_string(repository("tests/data/contract/unexercised.txt")).expect("it is there");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let listed: BTreeSet<String> = lines.map(str::to_owned).collect();
    let fresh: Vec<_> = missing.difference(&listed).collect();
    assert!(fresh.is_empty(), "no recording of tests/clients/recordings has a good answer to {fresh:?}");
    let done: Vec<_> = listed.difference(&missing).collect();
    assert!(done.is_empty(), "take them off unexercised.txt, they are exercised or not served: {done:?}");
}

#[test]
fn the_page_of_actions() {
    let mut page = format!("# Actions of the provider wire\n\n{GENERATED}");
    page.push_str(
        "Every action that the provider publishes for the products below, and what this server does with it. A request \
         for an action that\nis not served is answered 404 `InvalidAction.NotFound`.\n\n\
         - *Tier* 1 is what controllers and the first Terraform resources call, 2 what the rest of them call; the \
         others have none.\n\
         - *Called by* names the clients whose sources call it, as far as they were surveyed; *exercised by* the suites of \
         `tests/clients`\n  in whose [recording](../recordings.md) it is answered well.\n\
         - *Minimal* actions answer from account and region alone; there is no state behind them.\n\
         - *Without effect* are documented parameters that are taken and checked like all others and change nothing.\n\
         - *Kept and shown*, without a further effect, are `IcmpReplyEnabled` and `EipBindMode` of NAT gateways: an echo \
         request to their\n  addresses is answered by nobody. So are, of listeners, `Gzip`, the `XForwardedFor` headers, \
         `ProxyProtocolV2Enabled`, `SynProxy`,\n  `HealthCheckDomain`, `HealthCheckURI` and `HealthCheckMethod`.\n\
         - The end of a subscription is shown and asked for, and one that renews itself ends later. What the provider does at \
         the end is not\n  simulated: nothing is stopped, locked or released. Gateways and router interfaces show no end. A \
         larger type is given to a\n  subscription while it is stopped, never while it runs.\n\
         - Answers leave empty or out what no source describes: the kinds of `CloudResources` of DescribeVSwitchAttributes, \
         the\n  `HealthCheckHttpVersion` of listeners, which no parameter sets, and `ServerCertificates` beside \
         `ServerCertificateId`.\n\
         - A parameter that the action does not document is ignored, as at the provider, be it inside a JSON text \
         (`BackendServers.1.Bogus`);\n  the answer's header `x-cloudnet-unknown-parameters` names it, and `--unknown-params \
         refuse` refuses it.\n\n",
    );
    let _ = writeln!(page, "| Product | Version | Published | Served |\n|---|---|---:|---:|");
    for product in catalogue::products() {
        let served = served(product).count();
        let link = product.name.to_lowercase();
        let _ = writeln!(
            page,
            "| [{}](#{link}-{}) | {} | {} | {served} |",
            product.name,
            product.version,
            product.version,
            product.actions.len()
        );
    }
    let (clients, suites) = (clients(), suites());
    for product in catalogue::products() {
        actions_of(&mut page, product, |action| {
            let clients = clients.get(&key(action)).map(|names| names.join(", ")).unwrap_or_default();
            let suites: Vec<&str> =
                suites.get(&key(action)).into_iter().flatten().map(String::as_str).collect();
            format!("{clients} | {}", suites.join(", "))
        });
    }
    hold("actions.md", &page);
}

fn served(product: &Product) -> impl Iterator<Item = &'static Action> {
    ACTIONS.iter().filter(|action| action.version == product.version)
}

fn actions_of(page: &mut String, product: &Product, used_by: impl Fn(&Action) -> String) {
    let _ = write!(page, "\n## {} {}\n", product.name, product.version);
    let mut served: Vec<&Action> = served(product).collect();
    served.sort_by_key(|action| action.name);
    if !served.is_empty() {
        page.push_str("\n| Served | Tier | Reads or writes | Called by | Exercised by | Without effect |\n|---|---|---|---|---|---|\n");
    }
    for action in &served {
        let spec = action.spec();
        let tier = spec.tier.map(|tier| tier.to_string()).unwrap_or_default();
        let does = if action.writes() { "writes" } else { "reads" };
        let inert: Vec<String> = action.inert().map(|name| format!("`{name}`")).collect();
        let minimal = if action.minimal { " (minimal)" } else { "" };
        let (name, used_by, inert) = (action.name, used_by(action), inert.join(", "));
        let _ = writeln!(page, "| {name}{minimal} | {tier} | {does} | {used_by} | {inert} |");
    }
    let mut rest: BTreeMap<u8, Vec<&str>> = BTreeMap::new();
    for name in product.actions.iter().filter(|name| actions::find(product.version, name).is_none()) {
        let tier = catalogue::lookup(product.version, name).and_then(|spec| spec.tier).unwrap_or(u8::MAX);
        rest.entry(tier).or_default().push(name);
    }
    for (tier, names) in rest {
        let title =
            if tier == u8::MAX { "Not served".to_owned() } else { format!("Not served, tier {tier}") };
        let _ = write!(page, "\n{title}:\n{}\n", wrapped(&names));
    }
}

/// What each kind of refusal means, in the order of the page.
const KINDS: &[(ErrorKind, &str)] = &[
    (ErrorKind::Invalid, "A value breaks a rule that holds whatever the state is"),
    (ErrorKind::NotFound, "The named object does not exist for this caller"),
    (ErrorKind::Conflict, "The value clashes with an existing object"),
    (ErrorKind::Dependency, "Something else still needs the object"),
    (ErrorKind::State, "The object is in a state that does not allow the operation"),
    (ErrorKind::Busy, "Another operation is under way; a later try succeeds"),
    (ErrorKind::Quota, "A quota is full"),
    (ErrorKind::Denied, "The operation is never allowed on this object"),
    (ErrorKind::Exhausted, "A resource such as free addresses has run out"),
    (ErrorKind::Token, "The idempotency token was used with other parameters"),
];

#[test]
fn the_page_of_errors() {
    let mut page = format!("# Errors\n\n{GENERATED}");
    page.push_str(
        "Every way in which a request can be refused. On the native wire the answer is a problem document (RFC 9457) \
         whose `code` is the\nfirst column and whose `type` is `/problems/CODE`; the server shows the row at that \
         address. On the provider wire the answer has\nthe first of the provider's codes that the called action \
         documents, with the status documented there; where it documents none of\nthem, the first code with the \
         status shown.\n",
    );
    for (kind, meaning) in KINDS {
        let rows: Vec<ErrorCode> =
            ErrorCode::ALL.iter().copied().filter(|code| code.kind() == *kind).collect();
        let _ = write!(
            page,
            "\n## {kind:?}\n\n{meaning}. Native status {}.\n\n| Code | Rule | Provider codes | Status |\n|---|---|---|---|\n",
            kind.http_status()
        );
        for code in rows {
            let row = code.row();
            let native = code.native();
            let provider: Vec<String> = row.provider_codes.iter().map(|code| format!("`{code}`")).collect();
            let _ = writeln!(
                page,
                "| <a id=\"{native}\"></a>`{native}` | {} | {} | {} |",
                cell(row.message),
                provider.join(", "),
                row.provider_status
            );
        }
    }
    page.push_str(
        "\n## The service itself\n\nProblems that no rule of the network makes; native wire only.\n\n| Code | Problem | Status |\n|---|---|---|\n",
    );
    for (code, title, statuses) in service_problems() {
        let _ = writeln!(page, "| <a id=\"{code}\"></a>`{code}` | {} | {statuses} |", cell(title));
    }
    hold("errors.md", &page);
}

/// Code, first title and statuses of the service's own problems.
fn service_problems() -> Vec<(&'static str, &'static str, String)> {
    let mut found: BTreeMap<&str, (&str, Vec<u16>)> = BTreeMap::new();
    for (status, code, title) in refusals::service_problems() {
        let (_, statuses) = found.entry(code).or_insert((title, Vec::new()));
        if !statuses.contains(&status) {
            statuses.push(status);
        }
    }
    let statuses = |list: Vec<u16>| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    found.into_iter().map(|(code, (title, list))| (code, title, statuses(list))).collect()
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[test]
fn every_kind_of_error_has_its_part_of_the_page() {
    for code in ErrorCode::ALL {
        assert!(KINDS.iter().any(|(kind, _)| *kind == code.kind()), "{} is on no page", code.native());
    }
}

#[test]
fn the_page_of_quotas() {
    let mut page = format!("# Quotas\n\n{GENERATED}");
    let _ = write!(
        page,
        "How many things there may be. `GET /v1/quotas` shows them with what is in use; `PUT /v1/quotas/NAME` adjusts \
         one for the\ncaller's account up to its ceiling. The provider publishes no ceilings; here they are {CEILING_FACTOR} times the default. \
         `--quotas lifted`\nlifts all of them for a world, and no rule about form. Names with a dot are cloudnet's \
         own; the others are the provider's.\n\n| Quota | Counts | Default | Ceiling |\n|---|---|---:|---:|\n",
    );
    for quota in Quota::ALL {
        let row = quota.row();
        let ceiling = if row.adjustable { row.ceiling.to_string() } else { "fixed".to_owned() };
        let _ = writeln!(page, "| `{}` | {} | {} | {ceiling} |", row.name, cell(row.what), row.default);
    }
    hold("quotas.md", &page);
}
