//! `init`: the first entries of a ledger, the keys behind them, and `trust.json`. Run again it finishes what a crash left
//! half done, and changes nothing that is whole.
//!
//! Order of durable writes: keys, policy bundle, entries 0 and on (one batch), `trust.json`. Keys without entries have
//! signed nothing that anybody trusts, so that they are made anew.

use std::io;
use std::sync::Arc;

use identity::{KeyHash, KeyKind, PersonId, Serial, SpiffeId, Timestamp};
use ledger::entry::{Actor, AuthorityState, Body, LedgerCreated, PersonAdmitted, PolicyLoaded, Role};
use ledger::origin::Origin;
use policies::bundle::Bundle;
use protocol::trust::{FORMAT, LedgerTrust, SERVER_PATH, Trust};

use crate::committer::{Asked, CommitError, Committer};
use crate::config::Config;
use crate::custody::{self, Custody, KeyFileError, KeyName, Passphrase};
use crate::decide::Command;
use crate::decide::begin::Begin;
use crate::disk::{Disk, DiskPath, SyncPoint, whole};
use crate::draft::Draft;
use crate::issuance::{CeremonyError, Root};
use crate::ledger_key::{LedgerKey, LedgerKeyError};
use crate::live::{Live, LogIdentity};
use crate::log::{Prepare, SegmentOptions};
use crate::opening::{self, OpenError};
use crate::rules_in_force::RulesInForce;
use crate::service::{NoRandom, new_request, random};

/// What `init` is told beside the configuration.
#[derive(Debug)]
pub struct Founding {
    /// Kind of the authorities' keys.
    pub key_kind: KeyKind,
    /// Credential keys of the first two admins.
    pub admins: [KeyHash; 2],
    /// The first policy.
    pub policy: Bundle,
}

/// What `init` did.
#[derive(Debug)]
pub struct Founded {
    /// Octets of `trust.json`.
    pub trust: Vec<u8>,
    /// The first two admins, in the order of their keys as given.
    pub admins: Vec<PersonId>,
    /// Whether the ledger was there already.
    pub was_there: bool,
}

/// Why there is no new ledger.
#[derive(Debug, thiserror::Error)]
pub enum FoundingError {
    /// The two admins are one.
    #[error("the first two admins have the same credential key {0}: an approval needs two persons")]
    OneAdmin(KeyHash),
    /// The policy is not taken.
    #[error("the policy is not taken: {0}")]
    Policy(String),
    /// A key cannot be made or opened.
    #[error("a key cannot be made")]
    Key(#[from] KeyFileError),
    /// The ledger's key is none.
    #[error(transparent)]
    LedgerKey(#[from] LedgerKeyError),
    /// An authority cannot be made.
    #[error("an authority cannot be made")]
    Ceremony(#[from] CeremonyError),
    /// The ledger cannot be opened.
    #[error("the ledger cannot be opened")]
    Open(#[from] OpenError),
    /// The entries cannot be written.
    #[error("the first entries cannot be written")]
    Commit(#[from] CommitError),
    /// The disk fails.
    #[error("the data directory cannot be written")]
    Disk(#[from] io::Error),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] NoRandom),
    /// A name or number is out of bounds.
    #[error("{0}")]
    Form(String),
    /// The ledger is of another trust domain than the configuration.
    #[error("the ledger is of trust domain {ledger}, the configuration says {config}")]
    OtherDomain {
        /// In entry 0.
        ledger: String,
        /// In the configuration.
        config: String,
    },
}

/// Makes a ledger, or finishes one.
///
/// # Errors
/// [`FoundingError`].
pub fn found(
    disk: &Arc<dyn Disk>,
    config: &Config,
    passphrase: &Passphrase,
    founding: &Founding,
    now: Timestamp,
) -> Result<Founded, FoundingError> {
    let [first, second] = founding.admins;
    if first == second {
        return Err(FoundingError::OneAdmin(first));
    }
    let origin = format!("{}/brevet", config.trust_domain);
    let ledger_key = match read_trust(&**disk)? {
        Some(trust) => return already(disk, config, founding, trust),
        // The key of an `init` that did not finish may have signed entry 0: it must not be made anew.
        None => match custody::open_unfinished(&**disk, &KeyName::ledger(), passphrase)? {
            Some(key) => key,
            None => custody::create(&**disk, &KeyName::ledger(), KeyKind::Ed25519, passphrase)?,
        },
    };
    let ledger_key = LedgerKey::new(&origin, Arc::new(ledger_key))?;
    let form = |error: &dyn std::error::Error| FoundingError::Form(error.to_string());
    let identity = LogIdentity {
        origin: Origin::parse(&origin).map_err(|error| form(&error))?,
        key: ledger_key.verifier().clone(),
    };
    let options = SegmentOptions { octets: config.segment_octets, prepare: Prepare::OnDemand };
    let live = opening::open(disk, options, identity.clone())?.live;
    let was_there = live.head().size > 0;
    if !was_there {
        let bodies = first_entries(disk, config, passphrase, founding, &ledger_key, now)?;
        commit(&live, &identity, ledger_key.clone(), bodies, now)?;
    }
    let trust = trust_file(&live, config, &ledger_key)?;
    whole::write_whole(&**disk, &trust_path()?, &trust, TRUST_POINTS)?;
    Ok(Founded { trust, admins: admins(&live, founding, now), was_there })
}

/// Where `trust.json` lies.
///
/// # Errors
/// None that is known.
pub fn trust_path() -> io::Result<DiskPath> {
    DiskPath::parse("trust.json").map_err(io::Error::other)
}

fn read_trust(disk: &dyn Disk) -> io::Result<Option<Vec<u8>>> {
    whole::read_whole(disk, &trust_path()?, protocol::limits::MAX_TRUST_OCTETS)
}

/// Everything is there: nothing to do but to say so.
fn already(
    disk: &Arc<dyn Disk>,
    config: &Config,
    founding: &Founding,
    trust: Vec<u8>,
) -> Result<Founded, FoundingError> {
    let form = |error: &dyn std::error::Error| FoundingError::Form(error.to_string());
    let read = Trust::from_bytes(&trust).map_err(|error| form(&error))?;
    if read.trust_domain != config.trust_domain {
        let (ledger, config) = (read.trust_domain.to_string(), config.trust_domain.to_string());
        return Err(FoundingError::OtherDomain { ledger, config });
    }
    let identity = log_identity(&read).map_err(FoundingError::Form)?;
    let options = SegmentOptions { octets: config.segment_octets, prepare: Prepare::OnDemand };
    let live = opening::open(disk, options, identity)?.live;
    if live.head().size == 0 {
        return Err(FoundingError::Form("trust.json is there but the ledger is empty: restore the ledger, or move the directory away and start anew".to_owned()));
    }
    let admins = admins(&live, founding, Timestamp::EPOCH);
    Ok(Founded { trust, admins, was_there: true })
}

/// Name and key of the log that a trust file speaks of.
///
/// # Errors
/// In words, what is wrong with them.
pub fn log_identity(trust: &Trust) -> Result<LogIdentity, String> {
    Ok(LogIdentity {
        origin: Origin::parse(&trust.ledger.origin).map_err(|error| error.to_string())?,
        key: ledger::note::VerifierKey::parse(&trust.ledger.key).map_err(|error| error.to_string())?,
    })
}

fn first_entries(
    disk: &Arc<dyn Disk>,
    config: &Config,
    passphrase: &Passphrase,
    founding: &Founding,
    ledger_key: &LedgerKey,
    now: Timestamp,
) -> Result<Vec<Body>, FoundingError> {
    let set = founding.policy.check().map_err(|problems| {
        FoundingError::Policy(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })?;
    let serial = || -> Result<Serial, FoundingError> {
        Serial::new(now, random()?).map_err(|error| FoundingError::Form(error.to_string()))
    };
    let key = |name: &KeyName| -> Result<Arc<dyn Custody>, FoundingError> {
        custody::discard_unfinished(&**disk, name)?;
        Ok(Arc::new(custody::create(&**disk, name, founding.key_kind, passphrase)?))
    };
    let root = Root::create(&config.trust_domain, key(&KeyName::root())?, now, serial()?)?;
    let issuer = root.certify(key(&KeyName::issuer(1))?, config.publication.clone(), now, serial()?)?;
    let bundle = RulesInForce::new(Arc::clone(disk)).keep(&founding.policy)?;
    let mut bodies = vec![
        Body::from(LedgerCreated {
            trust_domain: config.trust_domain.clone(),
            origin: ledger_key.verifier().name().to_owned(),
            key: ledger_key.verifier().to_string(),
        }),
        Body::from(root.created(AuthorityState::Active)),
        Body::from(issuer.created(AuthorityState::Active)),
    ];
    for key in founding.admins {
        let person = PersonId::from_bytes(random()?);
        bodies.push(Body::from(PersonAdmitted { person, role: Role::Admin, key, approvals: Vec::new() }));
    }
    bodies.push(Body::from(PolicyLoaded {
        bundle,
        octets: u64::try_from(founding.policy.to_bytes().len()).unwrap_or(u64::MAX),
        profiles: set.profiles().iter().map(|profile| profile.name().to_string()).collect(),
        policies: set.rules().map(str::to_owned).collect(),
        approvals: Vec::new(),
    }));
    Ok(bodies)
}

fn commit(
    live: &Arc<Live>,
    identity: &LogIdentity,
    key: LedgerKey,
    bodies: Vec<Body>,
    now: Timestamp,
) -> Result<(), FoundingError> {
    let (mut committer, handle) =
        Committer::new(Arc::clone(live), identity.origin.clone(), Box::new(key), Box::new(move || now));
    let command = Command::Begin(Box::new(Begin { bodies }));
    let pending = handle.queue(Asked { actor: Actor::Local, request: new_request()?, command })?;
    committer.turn().map_err(|error| FoundingError::Form(error.to_string()))?;
    handle.wait(pending)?;
    Ok(())
}

fn trust_file(live: &Live, config: &Config, ledger_key: &LedgerKey) -> Result<Vec<u8>, FoundingError> {
    let form = |error: &dyn std::error::Error| FoundingError::Form(error.to_string());
    let head = live.head();
    let checkpoint = head.checkpoint.ok_or_else(|| FoundingError::Form("the ledger has no checkpoint".to_owned()))?;
    let state = live.state();
    let draft = Draft::over(&state, Timestamp::EPOCH);
    let trust = Trust {
        v: FORMAT,
        trust_domain: config.trust_domain.clone(),
        url: config.api_url.clone(),
        server_id: SpiffeId::from_path(&config.trust_domain, SERVER_PATH).map_err(|error| form(&error))?,
        root_keys: draft.roots().into_iter().map(|(_, row)| row.key).collect(),
        ledger: LedgerTrust { origin: ledger_key.verifier().name().to_owned(), key: ledger_key.verifier().to_string() },
        checkpoint: checkpoint.as_str().to_owned(),
    };
    trust.to_bytes().map_err(|error| form(&error))
}

fn admins(live: &Live, founding: &Founding, now: Timestamp) -> Vec<PersonId> {
    let state = live.state();
    let draft = Draft::over(&state, now);
    let of_key = |key: &KeyHash| draft.persons().find(|(_, row)| row.key == *key).map(|(person, _)| person);
    founding.admins.iter().filter_map(of_key).collect()
}

/// Sync points of `trust.json`, for fault injection.
const TRUST_POINTS: whole::WholePoints =
    whole::WholePoints { content: SyncPoint::new("trust: file"), name: SyncPoint::new("trust: name") };
