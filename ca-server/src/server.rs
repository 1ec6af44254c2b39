//! `serve`: the composition root. Opens keys and ledger, starts the committer and everything that follows it, and the three
//! listeners; stops them in order. The one place in the library that knows them all.
//!
//! Nothing is served before the ledger was checked. Whatever can no longer be trusted (a disk that does not sync, a
//! committer that ended) ends the process: a restart finds out what is durable.

use std::sync::{Arc, OnceLock};

use identity::{KeyHash, KeyKind, Timestamp};
use ledger::entry::{Actor, AuthorityRole, AuthorityState};
use policies::Name;
use protocol::trust::Trust;
use tokio::task::JoinSet;

use crate::agents_in_force::AgentsInForce;
use crate::attestation::aws_iid::AwsAttestor;
use crate::attestation::join_token::{JoinTokenAttestor, TokenFacts};
use crate::attestation::kubernetes::KubernetesAttestor;
use crate::attestation::nonce::Nonces;
use crate::attestation::{Attestor, Attestors};
use crate::committer::Committer;
use crate::config::Config;
use crate::custody::{self, KeyName, Passphrase};
use crate::decide::Command;
use crate::decide::approve::TwoPersons;
use crate::decide::refused::Refused;
use crate::disk::{Disk, whole};
use crate::draft::Draft;
use crate::followers::Followers;
use crate::genesis;
use crate::heartbeats::Heartbeats;
use crate::issuance::{Issuer, Issuers};
use crate::issuing::Issuing;
use crate::ledger_key::LedgerKey;
use crate::live::Live;
use crate::log::{Prepare, SegmentOptions};
use crate::opening::{self, Opened};
use crate::public_key::spki_of;
use crate::refusals::Refusals;
use crate::rules_in_force::RulesInForce;
use crate::service::{Clock, Fixed, Service, new_request};

/// Why the server does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The directory holds no ledger.
    #[error("{0} holds no ledger: run ca-server init first")]
    NotInitialised(String),
    /// Something that is needed cannot be had.
    #[error("{what}")]
    Cannot {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What the server cannot do without has ended.
    #[error("{0} has ended")]
    Ended(&'static str),
}

pub(crate) fn cannot<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    what: &'static str,
) -> impl Fn(E) -> ServeError {
    move |source| ServeError::Cannot { what, source: source.into() }
}

/// Everything that runs behind the listeners.
pub struct Running {
    /// What the routes share.
    pub service: Arc<Service>,
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// Ends with an error when the server must end.
    pub tasks: JoinSet<ServeError>,
}

/// Opens keys and ledger and starts all that needs no listener. Must be called within a tokio runtime.
///
/// # Errors
/// [`ServeError`].
pub fn start(
    disk: Arc<dyn Disk>,
    config: &Config,
    passphrase: &Passphrase,
    clock: Clock,
) -> Result<Running, ServeError> {
    let trust_octets = genesis::trust_path()
        .and_then(|path| whole::read_whole(&*disk, &path, protocol::limits::MAX_TRUST_OCTETS))
        .map_err(cannot("trust.json cannot be read"))?
        .ok_or_else(|| ServeError::NotInitialised(config.data_dir.display().to_string()))?;
    let trust = Trust::from_bytes(&trust_octets).map_err(cannot("trust.json cannot be read"))?;
    check_domain(&trust, config)?;
    let identity = genesis::log_identity(&trust).map_err(cannot("trust.json names no ledger"))?;
    let key = spki_of(KeyKind::Ed25519, identity.key.public_key());
    let key = custody::open(&*disk, &KeyName::ledger(), passphrase, KeyHash::of(&key))
        .map_err(cannot("the ledger's key cannot be opened"))?;
    let ledger_key = LedgerKey::new(identity.origin.as_str(), Arc::new(key)).map_err(cannot("the ledger's key"))?;
    let options = SegmentOptions { octets: config.segment_octets, prepare: Prepare::Ahead };
    let opened = opening::open(&disk, options, identity.clone()).map_err(cannot("the ledger is not served"))?;
    tracing::info!(size = opened.live.head().size, "the ledger was opened and checked");
    let issuers = open_issuers(&*disk, &opened.live, config, passphrase, clock())?;
    let mut tasks = JoinSet::new();
    let committer_clock = Arc::clone(&clock);
    let (committer, handle) = Committer::new(
        Arc::clone(&opened.live),
        identity.origin.clone(),
        Box::new(ledger_key.clone()),
        Box::new(move || committer_clock()),
    );
    run_committer(committer, &mut tasks)?;
    let attestors = attestors(config, &trust_octets, &opened.live)?;
    let service = Arc::new(Service {
        committer: handle,
        rules: RulesInForce::new(Arc::clone(&disk)),
        agents: AgentsInForce::default(),
        attestors,
        nonces: Nonces::new().map_err(cannot("nonces cannot be made"))?,
        issuing: Issuing::new(issuers, ledger_key),
        refusals: Refusals::default(),
        followers: Followers::default(),
        heartbeats: Heartbeats::default(),
        views: OnceLock::new(),
        fixed: Fixed {
            trust_domain: config.trust_domain.clone(),
            trust: trust_octets.into(),
            policy_needs: if config.policy_needs_two { TwoPersons::Needed } else { TwoPersons::NotNeeded },
        },
        clock,
    });
    service.rules().map_err(cannot("the policy in force cannot be read"))?;
    follow(&service, &disk, &opened, config, &mut tasks);
    Ok(Running { service, disk, tasks })
}

fn check_domain(trust: &Trust, config: &Config) -> Result<(), ServeError> {
    if trust.trust_domain == config.trust_domain {
        return Ok(());
    }
    let why =
        format!("the ledger is of trust domain {}, the configuration says {}", trust.trust_domain, config.trust_domain);
    Err(cannot("configuration and ledger do not fit")(why))
}

/// Opens the key of every issuer that still signs something: leaves, or its own CRL.
fn open_issuers(
    disk: &dyn Disk,
    live: &Live,
    config: &Config,
    passphrase: &Passphrase,
    now: Timestamp,
) -> Result<Issuers, ServeError> {
    let state = live.state();
    let draft = Draft::over(&state, now);
    let mut rows: Vec<_> = draft.authorities().filter(|(_, row)| row.role == AuthorityRole::Issuer).collect();
    rows.sort_unstable_by_key(|(_, row)| row.number);
    let mut issuers = Issuers::default();
    for (number, (_, row)) in (1..).zip(rows) {
        match row.state {
            AuthorityState::Published | AuthorityState::Active | AuthorityState::Retiring => {}
            AuthorityState::Prepared | AuthorityState::Retired | AuthorityState::Compromised => continue,
        }
        let key = custody::open(disk, &KeyName::issuer(number), passphrase, row.key)
            .map_err(cannot("an issuer's key cannot be opened"))?;
        let issuer = Issuer::open(&row.certificate, Arc::new(key), config.publication.clone())
            .map_err(cannot("an issuer cannot be taken into use"))?;
        issuers.add(Arc::new(issuer));
    }
    Ok(issuers)
}

/// The committer has a thread of its own: it blocks on the disk.
fn run_committer(committer: Committer, tasks: &mut JoinSet<ServeError>) -> Result<(), ServeError> {
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("committer".to_owned())
        .spawn(move || drop(ended.send(committer.run())))
        .map_err(cannot("the committer's thread cannot be started"))?;
    tasks.spawn(async move {
        match end.await {
            Ok(Err(fatal)) => cannot("the ledger cannot be written")(fatal),
            Ok(Ok(())) | Err(_) => ServeError::Ended("the committer"),
        }
    });
    Ok(())
}

fn attestors(config: &Config, trust: &[u8], live: &Arc<Live>) -> Result<Attestors, ServeError> {
    let shelf = Arc::clone(live);
    let join = JoinTokenAttestor::new(protocol::trust::hash(trust), move |id: &_, now| {
        TokenFacts::of(&Draft::over(&shelf.state(), now), id)
    });
    let mut all: Vec<Box<dyn Attestor>> = vec![Box::new(join)];
    for cluster in &config.clusters {
        Name::parse(cluster.name()).map_err(cannot("a cluster's name"))?;
        let attestor = KubernetesAttestor::new(cluster.clone()).map_err(cannot("a cluster"))?;
        all.push(Box::new(attestor));
    }
    for aws in &config.aws {
        all.push(Box::new(AwsAttestor::new(aws.clone())));
    }
    Attestors::new(all).map_err(cannot("the attestors"))
}

/// Starts what follows the entries.
fn follow(
    service: &Arc<Service>,
    disk: &Arc<dyn Disk>,
    opened: &Opened,
    config: &Config,
    tasks: &mut JoinSet<ServeError>,
) {
    use crate::snapshot::EVERY_ENTRIES;
    use crate::snapshot::keeper::Keeper;
    use crate::tiles::publisher::Publisher;
    use crate::views::Views;
    use crate::views::follower::follow;
    let publisher = Publisher::new(Arc::clone(disk), Arc::clone(&opened.live), opened.published);
    tasks.spawn(async move {
        match publisher.run().await {
            Ok(()) => ServeError::Ended("the publisher"),
            Err(error) => cannot("the ledger cannot be published")(error),
        }
    });
    let keeper = Keeper::new(Arc::clone(disk), Arc::clone(&opened.live), EVERY_ENTRIES, opened.snapshot);
    tasks.spawn(async move {
        keeper.run().await;
        ServeError::Ended("the keeper of snapshots")
    });
    let (viewing, live, path) = (Arc::clone(service), Arc::clone(&opened.live), config.data_dir.join("views"));
    tasks.spawn(async move {
        let is_ours = |size, root| live.root_at(size).is_ok_and(|ours| ours == root);
        let views = match Views::open(&path, is_ours) {
            Ok(views) => Arc::clone(viewing.views.get_or_init(|| Arc::new(views))),
            Err(error) => return cannot("the views cannot be opened")(error),
        };
        match follow(views, Arc::clone(&live)).await {
            Ok(()) => ServeError::Ended("the views"),
            Err(error) => cannot("the views cannot follow")(error),
        }
    });
    let beats = service.heartbeats.clone();
    let (beating, origin) = (Arc::clone(service), opened.live.identity().origin.clone());
    tasks.spawn(async move {
        beats.run(beating, origin).await;
        ServeError::Ended("the heartbeat")
    });
    let ending = Arc::clone(service);
    tasks.spawn(async move {
        crate::cutoffs::run(&ending).await;
        ServeError::Ended("the end of superseded certificates")
    });
    let summing = Arc::clone(service);
    tasks.spawn(async move {
        sum_up_refusals(&summing).await;
        ServeError::Ended("the summary of refusals")
    });
    // Damage halts issuing and leaves the rest served, so that its end is not the server's.
    tokio::spawn(crate::scrub::run(Arc::clone(&opened.live)));
    let warming = Arc::clone(service);
    tokio::spawn(async move { warming.attestors.warm(std::time::Instant::now()).await });
}

/// Writes down once a minute what was refused to strangers, and to known requesters beyond their share.
async fn sum_up_refusals(service: &Service) {
    let mut minutes = tokio::time::interval(std::time::Duration::from_secs(60));
    minutes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        let (Some(summed), Ok(request)) = (service.refusals.sum_up(service.now()), new_request()) else { continue };
        let command = Command::Refused(Box::new(Refused::Summed(summed)));
        if let Err(error) = service.submit(Actor::Server, request, command).await {
            tracing::warn!(error = %crate::api::chain(&error), "refusals were counted but not recorded");
        }
    }
}
