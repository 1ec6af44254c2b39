//! `ca-server token`: make, list, take back join tokens.

use std::collections::BTreeMap;

use clap::Subcommand;
use identity::{Lifetime, TokenId};
use protocol::admin::{CreateToken, Done, Plain, TokenCreated, TokenView};

use super::CliError;
use super::connection::{Reach, request_id};
use super::output::{Output, table};

/// Join tokens.
#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Make a token. It is printed once and kept nowhere.
    ///
    /// Example: ca-server token create --profile host --claim name=web-1
    Create {
        #[command(flatten)]
        reach: Reach,
        /// The profile under which its holder enrols.
        #[arg(long)]
        profile: String,
        /// What the token says of its holder, NAME=VALUE; repeat for several. The profile's template says which are needed.
        #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
        claims: Vec<(String, String)>,
        /// How long it may wait for its use: a number and s, m, h or d.
        #[arg(long, default_value = "1h")]
        lifetime: Lifetime,
    },
    /// List the tokens that have not expired.
    List {
        #[command(flatten)]
        reach: Reach,
    },
    /// Take a token back before its use.
    Revoke {
        #[command(flatten)]
        reach: Reach,
        /// Its id.
        id: TokenId,
    },
}

pub(super) fn run(command: Token, output: &Output) -> Result<(), CliError> {
    match command {
        Token::Create { reach, profile, claims, lifetime } => {
            let claims: BTreeMap<String, String> = claims.into_iter().collect();
            let body = CreateToken { request: request_id()?, profile, claims, lifetime };
            let created: TokenCreated = reach.connect()?.post("/v1/admin/tokens", &body)?;
            if output.is_json() {
                return output.answer(&created, |_| String::new());
            }
            output.progress(&format!("token {}, to be used before {}:", created.id, created.expires));
            output.line(&created.token);
            Ok(())
        }
        Token::List { reach } => {
            let tokens: Vec<TokenView> = reach.connect()?.get("/v1/admin/tokens")?;
            output.answer(&tokens, |tokens| {
                let row = |t: &TokenView| [t.id.to_string(), t.profile.clone(), t.state.clone(), t.expires.to_string()];
                table(["TOKEN", "PROFILE", "STATE", "EXPIRES"], tokens.iter().map(row))
            })
        }
        Token::Revoke { reach, id } => {
            let body = Plain { request: request_id()?, reason: String::new() };
            let done: Done = reach.connect()?.post(&format!("/v1/admin/tokens/{id}/revoke"), &body)?;
            output.answer(&done, |done| format!("taken back by entry {}", done.index))
        }
    }
}

fn claim(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a claim is NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
