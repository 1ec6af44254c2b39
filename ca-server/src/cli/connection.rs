//! How commands reach the server: through the admin socket. Knows problem documents; knows no route.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use protocol::problem::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::CliError;
use crate::config::Config;
use crate::service::new_request;

/// Where the server is.
#[derive(Clone, Debug, Args)]
pub(super) struct Reach {
    /// The server's configuration, from which the admin socket is taken.
    #[arg(long, short, value_name = "FILE", default_value = "/etc/brevet/ca-server.toml")]
    config: PathBuf,
    /// The admin socket, if the configuration is not at hand.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

/// Why the server gave no answer, or another one than was hoped for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It cannot be reached.
    #[error("the server cannot be reached at {at}: is it running?")]
    Unreachable {
        /// Where it should be.
        at: String,
        /// Why not.
        #[source]
        source: reqwest::Error,
    },
    /// It refused.
    #[error("{}", said(.0))]
    Problem(Box<Problem>),
    /// It answered something else than this program understands.
    #[error("the server's answer cannot be read: is it of another version?")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn said(problem: &Problem) -> String {
    let mut text = problem.title.clone();
    for part in
        [problem.rule.as_ref().map(|rule| format!(" ({rule})")), problem.detail.as_ref().map(|d| format!(": {d}"))]
    {
        text.push_str(&part.unwrap_or_default());
    }
    if let Some(fix) = &problem.fix {
        text.push_str(&format!("; to mend it: {fix}"));
    }
    if let Some(id) = &problem.id {
        text.push_str(&format!("; the server's log has more under {id}"));
    }
    text
}

/// A connection to the server.
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    at: String,
    runtime: tokio::runtime::Runtime,
}

impl Reach {
    /// The configuration.
    pub(super) fn config(&self) -> Result<Config, CliError> {
        Ok(Config::load(&self.config)?)
    }

    /// Opens the way to the admin socket.
    pub(super) fn connect(&self) -> Result<Client, CliError> {
        let socket = match &self.socket {
            Some(socket) => socket.clone(),
            None => self.config()?.admin_socket,
        };
        let at = socket.display().to_string();
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .timeout(TIMEOUT)
            .build()
            .map_err(CliError::failed("the client cannot be made"))?;
        Client::new(http, "http://localhost".to_owned(), at)
    }
}

impl Client {
    pub(super) fn new(http: reqwest::Client, base: String, at: String) -> Result<Self, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(CliError::failed("no event loop can be made"))?;
        Ok(Self { http, base, at, runtime })
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        let octets = self.octets(self.http.get(format!("{}{path}", self.base)))?;
        read(&octets)
    }

    pub(super) fn get_octets(&self, path: &str) -> Result<Vec<u8>, CliError> {
        self.octets(self.http.get(format!("{}{path}", self.base)))
    }

    pub(super) fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, CliError> {
        let octets = self.octets(self.http.post(format!("{}{path}", self.base)).json(body))?;
        read(&octets)
    }

    fn octets(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, CliError> {
        self.runtime.block_on(async {
            let unreachable = |source| ClientError::Unreachable { at: self.at.clone(), source };
            let response = request.send().await.map_err(unreachable)?;
            let status = response.status();
            let octets = response.bytes().await.map_err(unreachable)?;
            if status.is_success() {
                return Ok(octets.to_vec());
            }
            let problem: Problem =
                serde_json::from_slice(&octets).map_err(|error| ClientError::Answer(error.into()))?;
            Err(ClientError::Problem(Box::new(problem)).into())
        })
    }
}

fn read<T: DeserializeOwned>(octets: &[u8]) -> Result<T, CliError> {
    serde_json::from_slice(octets).map_err(|error| ClientError::Answer(error.into()).into())
}

/// A new random request id.
pub(super) fn request_id() -> Result<identity::RequestId, CliError> {
    new_request().map_err(CliError::failed("no request id can be made"))
}

/// Time for one command: a revocation of a million certificates takes less.
const TIMEOUT: Duration = Duration::from_secs(30);
