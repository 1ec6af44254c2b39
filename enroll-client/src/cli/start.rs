//! What the key roller starts from: the trust file, from the operator, from the last life, or by the join token's hash.

use std::path::Path;
use std::sync::Arc;

use protocol::limits::MAX_TRUST_OCTETS;
use protocol::token::JoinToken;
use reqwest::Url;

use super::{CliError, failed, print};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::delivery::{Order, Paging, Place};
use crate::keep::{Keep, KeepError};
use crate::machine::Backoff;
use crate::pins::{Pins, PinsError};
use crate::report::chain;
use crate::upstream::{FetchTrustError, UpstreamError, fetch_trust};

/// Why there is nothing to start from.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("the trust file {path} cannot be read")]
    Read { path: String, source: std::io::Error },
    #[error("the trust file {path} has more than {MAX_TRUST_OCTETS} octets")]
    TooLong { path: String },
    #[error("{whence}")]
    Pins { whence: &'static str, source: PinsError },
    #[error(
        "the state directory belongs to another CA: it holds the trust file {kept}, and the configured one is {configured}"
    )]
    OtherAuthority { kept: identity::Sha256Hash, configured: identity::Sha256Hash },
    #[error(transparent)]
    Keep(#[from] KeepError),
}

/// The trust file: the configured one, else the kept one, else the one that the join token names, which is fetched until the server
/// answers. It is kept, so that the next start needs no token.
pub(super) async fn trust(config: &Config, keep: &Keep, clock: &Arc<dyn Clock>) -> Result<Pins, CliError> {
    let (octets, pins) = match local_trust(config, Some(keep)).map_err(unusable)? {
        Some(found) => found,
        None => fetched_trust(config, clock).await?,
    };
    let kept = keep.trust().map_err(|error| failed("the trust file cannot be kept", error))?;
    if kept.as_ref() != Some(&octets) {
        keep.set_trust(&octets).map_err(|error| failed("the trust file cannot be kept", error))?;
    }
    Ok(at(pins, config))
}

/// All that starting does, short of binding the socket and asking the server.
pub(super) async fn check(config: &Config) -> Result<(), CliError> {
    let keep = match Keep::open(&config.state_dir, config.seal.clone()) {
        Ok(keep) => Some(keep),
        Err(error @ KeepError::Locked { .. }) => {
            tracing::warn!(why = chain(&error), "what is kept is not checked");
            None
        }
        Err(error) => return Err(failed("the state directory cannot be used", error)),
    };
    let pins = local_trust(config, keep.as_ref()).map_err(unusable)?.map(|(_, pins)| pins);
    if pins.is_none() {
        named_trust(config)?;
    }
    if let (Some(keep), Some(pins)) = (&keep, &pins) {
        crate::driver::check(keep, pins).map_err(|error| failed("what was kept cannot be taken up", error))?;
    }
    places(&config.files)?;
    if let Err(error) = config.evidence.read().await {
        // A host that has its certificate needs none until it loses it.
        tracing::warn!(why = chain(&error), "there is no evidence at the moment");
    }
    print("the configuration is sound\n")
}

/// Looks at every directory that files go to. One that is refused stops the start; what becomes of it later is the courier's to tell.
pub(super) fn places(orders: &[Order]) -> Result<(), CliError> {
    for order in orders {
        let place = Place::open(order).map_err(|error| failed("files cannot be delivered", error))?;
        if place.paging == Paging::Possible {
            tracing::warn!(
                directory = %order.directory.display(),
                "this machine has swap, so what lies in tmpfs may reach a disk: mount it with noswap, or set MemorySwapMax=0 for this service"
            );
        }
    }
    Ok(())
}

fn unusable(error: StartError) -> CliError {
    failed("there is no trust file to start from", error)
}

/// The configured or the kept file. A configured one replaces a kept one of the same CA: that is how root pins change.
fn local_trust(config: &Config, keep: Option<&Keep>) -> Result<Option<(Vec<u8>, Pins)>, StartError> {
    let kept = keep.map(Keep::trust).transpose()?.flatten();
    let parse = |octets: Vec<u8>, whence| match Pins::from_trust_file(&octets) {
        Ok(pins) => Ok((octets, pins)),
        Err(source) => Err(StartError::Pins { whence, source }),
    };
    let kept = kept.map(|octets| parse(octets, "the trust file in the state directory")).transpose()?;
    let Some(path) = &config.trust_file else { return Ok(kept) };
    let (octets, pins) = parse(read(path)?, "the configured trust file")?;
    match kept {
        Some((_, kept)) if !kept.is_same_authority(&pins) => {
            Err(StartError::OtherAuthority { kept: kept.hash(), configured: pins.hash() })
        }
        Some(_) | None => Ok(Some((octets, pins))),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, StartError> {
    use std::io::Read as _;
    let name = || path.display().to_string();
    let mut octets = Vec::new();
    let limit = u64::try_from(MAX_TRUST_OCTETS).unwrap_or(u64::MAX);
    std::fs::File::open(path)
        .and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut octets))
        .map_err(|source| StartError::Read { path: name(), source })?;
    if octets.len() > MAX_TRUST_OCTETS { Err(StartError::TooLong { path: name() }) } else { Ok(octets) }
}

/// Where the trust file that the join token names can be fetched.
fn named_trust(config: &Config) -> Result<(Url, JoinToken), CliError> {
    let token = config.evidence.join_token().map_err(|error| failed("there is no evidence", error))?;
    let missing =
        ConfigError::Missing { what: "trust_file", how: "trust_file in the file, or --trust-file, or a join token" };
    let token = token.ok_or(missing)?;
    let missing = ConfigError::Missing { what: "server", how: "server in the file, or --server" };
    Ok((config.server.clone().ok_or(missing)?, token))
}

async fn fetched_trust(config: &Config, clock: &Arc<dyn Clock>) -> Result<(Vec<u8>, Pins), CliError> {
    let (url, token) = named_trust(config)?;
    let mut failures = 0;
    loop {
        let error = match fetch_trust(&url, token.trust, clock).await {
            Ok((pins, octets)) => return Ok((octets.to_vec(), pins)),
            Err(FetchTrustError::Upstream(error)) => error,
            // Another file than the token names: somebody else answers there, or the token is of another CA.
            Err(error @ FetchTrustError::Pins(_)) => return Err(failed("the server's trust file is refused", error)),
        };
        failures += 1;
        tracing::warn!(server = %url, why = chain(&error), "the trust file was not fetched; trying again");
        let wait = wait_after(&error, failures, token.id.as_bytes());
        clock.sleep_until(clock.now().boot.plus(wait)).await;
    }
}

fn wait_after(error: &UpstreamError, failures: u32, seed: &[u8; 16]) -> std::time::Duration {
    Backoff::new(*seed).after(failures, error.failure().retry_after, None)
}

/// The server's address is not a matter of trust: a configured one wins.
fn at(pins: Pins, config: &Config) -> Pins {
    match &config.server {
        Some(server) => pins.at(server.clone()),
        None => pins,
    }
}
