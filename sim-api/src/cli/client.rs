//! Questions to a running server.

use super::runtime;
use sim_api::exchange;
use sim_api::problem::Problem;

/// Which server, and for whom.
#[derive(clap::Args)]
pub struct Connection {
    /// The server
    #[arg(long, env = "CLOUDNET_ADDRESS", default_value = "127.0.0.1:8080", value_name = "URL")]
    server: String,
    /// The world; default if absent
    #[arg(long)]
    world: Option<String>,
    /// The account, if it is not the world's first one
    #[arg(long)]
    account: Option<String>,
    /// The region; cn-hangzhou if absent
    #[arg(long)]
    region: Option<String>,
    /// The bearer token of a server with a credentials file
    #[arg(long, env = "CLOUDNET_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// An answer, or why there is none.
type Answer<T> = Result<T, Box<dyn std::error::Error>>;

impl Connection {
    /// Posts a body and answers with that of the answer.
    ///
    /// # Errors
    /// What a problem document says, or why there was no answer.
    pub fn ask(&self, path: &str, body: &str) -> Answer<String> {
        match runtime()?.block_on(self.post(path, body))? {
            (200, text) => Ok(text),
            (status, text) => Err(refused(status, &text).into()),
        }
    }

    /// Sends a request and reads the whole answer: its status and its body.
    async fn post(&self, path: &str, body: &str) -> Answer<(u16, String)> {
        let Connection { world, account, region, token, .. } = self;
        let bearer = token.as_ref().map(|token| format!("Bearer {token}"));
        let headers = [
            ("Authorization", bearer.as_deref()),
            ("Cloudnet-World", world.as_deref()),
            ("Cloudnet-Account", account.as_deref()),
            ("Cloudnet-Region", region.as_deref()),
            ("Content-Type", Some("application/json")),
        ];
        let headers: Vec<(&str, &str)> =
            headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        Ok(exchange::send(&self.server, "POST", path, &headers, body).await?)
    }
}

/// What a problem document says, in a line.
fn refused(status: u16, text: &str) -> String {
    let Ok(problem) = serde_json::from_str::<Problem>(text) else {
        return format!("the server answered {status}: {}", text.chars().take(200).collect::<String>());
    };
    let fields = problem.errors.iter().filter(|field| !field.accepted.is_empty());
    let accepted: Vec<String> = fields.map(|field| format!(" Accepted: {}.", field.accepted)).collect();
    // Without a detail of its own a problem repeats its title.
    let detail = Some(problem.detail).filter(|detail| *detail != problem.title);
    format!("{}{}{}", problem.title, detail.map_or(String::new(), |d| format!(" {d}")), accepted.concat())
}
