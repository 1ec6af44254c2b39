//! `ca-server status`: how the server is, and digests of its views.

use clap::Args;
use serde_json::Value;

use super::CliError;
use super::connection::Reach;
use super::output::Output;

/// How the server is.
#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    reach: Reach,
    /// A SHA-256 per view and per table of State, so that a rebuild can be compared.
    #[arg(long)]
    views: bool,
}

pub(super) fn run(command: &Status, output: &Output) -> Result<(), CliError> {
    let path = if command.views { "/v1/admin/views" } else { "/v1/admin/status" };
    let status: Value = command.reach.connect()?.get(path)?;
    output.answer(&status, |status| lines(status, ""))
}

/// One member a line; nested ones with their path.
fn lines(value: &Value, path: &str) -> String {
    match value {
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                lines(value, &path)
            };
            members.iter().map(member).collect::<Vec<_>>().join("\n")
        }
        Value::Array(items) => {
            let item = |(number, value): (usize, &Value)| lines(value, &format!("{path}.{number}"));
            items.iter().enumerate().map(item).collect::<Vec<_>>().join("\n")
        }
        Value::String(text) => format!("{path}: {text}"),
        Value::Null => format!("{path}: none"),
        Value::Bool(_) | Value::Number(_) => format!("{path}: {value}"),
    }
}
