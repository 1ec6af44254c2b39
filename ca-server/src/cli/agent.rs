//! `ca-server agent`: which agents hosts of a class may ask for.

use clap::{Args, Subcommand};
use identity::{KeyKind, Lifetime};
use protocol::admin::{AddAgent, AgentView, Done, HostView, Plain};

use super::CliError;
use super::connection::{Reach, request_id};
use super::output::{Output, table};

/// Agents.
#[derive(Debug, Subcommand)]
pub(super) enum Agent {
    /// Let hosts of a class ask for an agent; one of the same name is replaced.
    ///
    /// Example: ca-server agent add web --profile host --uid 1000
    Add(Add),
    /// List all agents.
    List {
        #[command(flatten)]
        reach: Reach,
    },
    /// No longer let hosts ask for an agent. Certificates that it has stay valid until they expire.
    Remove {
        #[command(flatten)]
        reach: Reach,
        /// Its name.
        agent: String,
        /// The class of hosts: the name of their profile.
        #[arg(long)]
        profile: String,
    },
    /// Show which hosts may ask for an agent, and which identity each would get.
    Explain {
        #[command(flatten)]
        reach: Reach,
        /// Its name.
        agent: String,
        /// The class of hosts: the name of their profile.
        #[arg(long)]
        profile: String,
    },
}

/// An agent.
#[derive(Debug, Args)]
pub(super) struct Add {
    #[command(flatten)]
    reach: Reach,
    /// Its name, unique in the class.
    agent: String,
    /// The class of hosts: the name of their profile.
    #[arg(long)]
    profile: String,
    /// Template of the path of its SPIFFE id; {host} is the host's own path. Default: {host}/agent/NAME.
    #[arg(long)]
    id: Option<String>,
    /// Numeric user id that the process must have.
    #[arg(long)]
    uid: Option<u32>,
    /// Numeric group id that the process must have.
    #[arg(long)]
    gid: Option<u32>,
    /// Absolute path of the executable that the process must run.
    #[arg(long)]
    executable: Option<String>,
    /// Kind of its key: p256 or ed25519.
    #[arg(long, default_value = "p256")]
    key: KeyKind,
    /// Life of its certificates: a number and s, m, h or d.
    #[arg(long, default_value = "1h")]
    lifetime: Lifetime,
    /// What becomes of a renewed certificate: expire, refuse or revoke. Default: what the profile says.
    #[arg(long)]
    cutoff: Option<String>,
}

pub(super) fn run(command: Agent, output: &Output) -> Result<(), CliError> {
    match command {
        Agent::Add(add) => {
            let id = add.id.unwrap_or_else(|| format!("{{host}}/agent/{}", add.agent));
            let view = AgentView {
                agent: add.agent,
                profile: add.profile,
                id,
                uid: add.uid,
                gid: add.gid,
                executable: add.executable,
                key: add.key,
                lifetime: add.lifetime,
                cutoff: add.cutoff,
            };
            let body = AddAgent { request: request_id()?, agent: view };
            let done: Done = add.reach.connect()?.post("/v1/admin/agents", &body)?;
            output.answer(&done, |done| format!("added by entry {}", done.index))
        }
        Agent::List { reach } => {
            let agents: Vec<AgentView> = reach.connect()?.get("/v1/admin/agents")?;
            output.answer(&agents, |agents| {
                table(["PROFILE", "AGENT", "ID", "PROCESS", "KEY", "LIFETIME"], agents.iter().map(row))
            })
        }
        Agent::Remove { reach, agent, profile } => {
            let body = Plain { request: request_id()?, reason: String::new() };
            let done: Done = reach.connect()?.post(&format!("/v1/admin/agents/{profile}/{agent}/remove"), &body)?;
            output.answer(&done, |done| format!("removed by entry {}", done.index))
        }
        Agent::Explain { reach, agent, profile } => explain(&reach, &agent, &profile, output),
    }
}

fn row(agent: &AgentView) -> [String; 6] {
    [
        agent.profile.clone(),
        agent.agent.clone(),
        agent.id.clone(),
        process(agent),
        agent.key.to_string(),
        agent.lifetime.to_string(),
    ]
}

fn process(agent: &AgentView) -> String {
    let uid = agent.uid.map(|uid| format!("uid {uid}"));
    let gid = agent.gid.map(|gid| format!("gid {gid}"));
    [uid, gid, agent.executable.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[derive(serde::Serialize)]
struct Explained {
    agent: AgentView,
    hosts: Vec<HostOfAgent>,
}

#[derive(serde::Serialize)]
struct HostOfAgent {
    host: String,
    standing: String,
    identity: String,
}

fn explain(reach: &Reach, agent: &str, profile: &str, output: &Output) -> Result<(), CliError> {
    let client = reach.connect()?;
    let agents: Vec<AgentView> = client.get("/v1/admin/agents")?;
    let found = agents.into_iter().find(|view| view.agent == agent && view.profile == profile);
    let found = found.ok_or_else(|| CliError::No(format!("hosts of class {profile} have no agent {agent}")))?;
    let hosts: Vec<HostView> = client.get("/v1/admin/hosts")?;
    let hosts = hosts.into_iter().filter(|host| host.profile == profile).map(|host| {
        let path = found.id.replace("{host}", host.spiffe_id.path());
        HostOfAgent {
            host: host.spiffe_id.to_string(),
            standing: host.standing,
            identity: format!("spiffe://{}{path}", host.spiffe_id.trust_domain()),
        }
    });
    let explained = Explained { hosts: hosts.collect(), agent: found };
    output.answer(&explained, |explained| {
        let rows = explained.hosts.iter().map(|h| [h.host.clone(), h.standing.clone(), h.identity.clone()]);
        let process = process(&explained.agent);
        format!("a process must be: {process}\n{}", table(["HOST", "STANDING", "IDENTITY OF THE AGENT"], rows))
    })
}
