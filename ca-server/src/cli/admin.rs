//! `ca-server admin`: credentials of persons, login, approvals, admission and removal.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use identity::{KeyHash, KeyKind, PersonId, Sha256Hash};
use protocol::admin::{AdmitPerson, Approve, Done, LoggedIn, Login, PersonView, Plain};
use protocol::enroll::{Challenge, ChallengeRequest};
use serde::Serialize;

use super::CliError;
use super::connection::{Reach, request_id};
use super::output::{Output, table};
use super::remote::Remote;
use crate::csr::make;
use crate::custody::{Custody as _, Passphrase, SealedKey, SoftwareKey};
use crate::decide::person::scope_of_admission;

/// Persons.
#[derive(Debug, Subcommand)]
pub(super) enum Admin {
    /// Make a credential key, sealed by a passphrase. Nobody else ever holds it; the ledger knows its hash.
    NewKey {
        /// File of the sealed key, made anew.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// File with the passphrase; nobody but you may read it.
        #[arg(long, value_name = "FILE")]
        passphrase_file: PathBuf,
    },
    /// Get a certificate of at most 24 hours for your credential key, through the admin socket.
    Login {
        #[command(flatten)]
        reach: Reach,
        /// Your id, as `ca-server init` or `ca-server admin list` shows it.
        #[arg(long)]
        person: PersonId,
        #[command(flatten)]
        credential: Credential,
    },
    /// List persons.
    List {
        #[command(flatten)]
        reach: Reach,
    },
    /// Approve, as yourself, what somebody else will ask for. Needs your certificate: log in first.
    Approve {
        #[command(flatten)]
        remote: Remote,
        #[command(flatten)]
        what: What,
    },
    /// Admit a person whom two admins have approved. Needs your certificate: log in first.
    Admit {
        #[command(flatten)]
        remote: Remote,
        /// admin or auditor.
        #[arg(long)]
        role: String,
        /// The person's credential key, as `ca-server admin new-key` printed it.
        #[arg(long, value_name = "SHA256")]
        key: KeyHash,
    },
    /// Remove a person. The last two admins stay.
    Remove {
        #[command(flatten)]
        reach: Reach,
        /// Who.
        person: PersonId,
        /// Why; must not name a person.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// A credential key and what opens it.
#[derive(Clone, Debug, Args)]
pub(super) struct Credential {
    /// File of the sealed key; the certificate is kept beside it with the ending .pem.
    #[arg(long, value_name = "FILE")]
    pub(super) credential: PathBuf,
    /// File with its passphrase.
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: PathBuf,
}

/// What is approved.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct What {
    /// Admit an admin with this credential key.
    #[arg(long, value_name = "SHA256")]
    admit_admin: Option<KeyHash>,
    /// Admit an auditor with this credential key.
    #[arg(long, value_name = "SHA256")]
    admit_auditor: Option<KeyHash>,
    /// Load the policy with this SHA-256, as `ca-server policy check` prints it.
    #[arg(long, value_name = "SHA256")]
    policy: Option<Sha256Hash>,
}

#[derive(Serialize)]
struct NewKey {
    credential: PathBuf,
    #[serde(with = "identity::text")]
    key: KeyHash,
}

pub(super) fn run(command: Admin, output: &Output) -> Result<(), CliError> {
    match command {
        Admin::NewKey { out, passphrase_file } => new_key(&out, &passphrase_file, output),
        Admin::Login { reach, person, credential } => login(&reach, person, &credential, output),
        Admin::List { reach } => {
            let persons: Vec<PersonView> = reach.connect()?.get("/v1/admin/persons")?;
            output.answer(&persons, |persons| {
                let row = |p: &PersonView| {
                    let state = if p.removed { "removed" } else { "admitted" };
                    [p.person.to_string(), p.role.clone(), state.to_owned(), p.key.to_string()]
                };
                table(["PERSON", "ROLE", "STATE", "KEY"], persons.iter().map(row))
            })
        }
        Admin::Approve { remote, what } => {
            let (action, scope) = what.scope()?;
            let client = remote.connect()?;
            let status: serde_json::Value = client.get("/v1/admin/status")?;
            let seen = status.get("size").and_then(serde_json::Value::as_u64).unwrap_or(0);
            let body = Approve { request: request_id()?, action: action.to_owned(), scope, seen };
            let done: Done = client.post("/v1/admin/approvals", &body)?;
            output.answer(&done, |done| format!("approved by entry {}", done.index))
        }
        Admin::Admit { remote, role, key } => {
            let body = AdmitPerson { request: request_id()?, role, key };
            let done: Done = remote.connect()?.post("/v1/admin/persons", &body)?;
            output.answer(&done, |done| format!("admitted by entry {}", done.index))
        }
        Admin::Remove { reach, person, reason } => {
            let body = Plain { request: request_id()?, reason };
            let done: Done = reach.connect()?.post(&format!("/v1/admin/persons/{person}/remove"), &body)?;
            output.answer(&done, |done| format!("removed by entry {}", done.index))
        }
    }
}

impl What {
    fn scope(&self) -> Result<(&'static str, Sha256Hash), CliError> {
        use ledger::entry::Role;
        let admission = |role, key: &KeyHash| ("person-admitted", scope_of_admission(role, key));
        let admin = self.admit_admin.as_ref().map(|key| admission(Role::Admin, key));
        let auditor = self.admit_auditor.as_ref().map(|key| admission(Role::Auditor, key));
        let policy = self.policy.map(|bundle| ("policy-loaded", bundle));
        admin.or(auditor).or(policy).ok_or_else(|| CliError::Usage("say what to approve".to_owned()))
    }
}

fn new_key(out: &Path, passphrase_file: &Path, output: &Output) -> Result<(), CliError> {
    let passphrase = Passphrase::from_file(passphrase_file).map_err(CliError::failed("the passphrase"))?;
    let key = SoftwareKey::generate(KeyKind::P256).map_err(CliError::failed("the key cannot be made"))?;
    let sealed = SealedKey::seal(&key, &passphrase).map_err(CliError::failed("the key cannot be sealed"))?;
    write_new(out, sealed.as_pem().as_bytes())?;
    let made = NewKey { credential: out.to_owned(), key: key.public_key().hash() };
    output.answer(&made, |made| {
        format!("{}\n(the key's hash, for ca-server init --admin or ca-server admin admit)", made.key)
    })
}

/// Writes a private file that was not there before.
fn write_new(path: &Path, octets: &[u8]) -> Result<(), CliError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let failed = |source| CliError::File { path: path.to_owned(), source };
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(octets).and_then(|()| file.sync_all()).map_err(failed)
}

fn login(reach: &Reach, person: PersonId, credential: &Credential, output: &Output) -> Result<(), CliError> {
    let key = credential.open()?;
    let client = reach.connect()?;
    let challenge: Challenge = client.post("/v1/challenge", &ChallengeRequest {})?;
    let csr = make::make(&key, Some(&challenge.nonce)).map_err(CliError::failed("the request cannot be made"))?;
    let body = Login { request: request_id()?, person, nonce: challenge.nonce, csr: csr.into() };
    let logged_in: LoggedIn = client.post("/v1/admin/login", &body)?;
    let pem: String = logged_in.chain.iter().map(|der| pem_of(&der.0)).collect();
    let path = credential.certificate();
    std::fs::write(&path, pem).map_err(|source| CliError::File { path: path.clone(), source })?;
    output.answer(&logged_in.done, |done| format!("{} holds your certificate; entry {}", path.display(), done.index))
}

fn pem_of(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<String> =
        text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

impl Credential {
    /// Opens the key.
    pub(super) fn open(&self) -> Result<SoftwareKey, CliError> {
        let passphrase = Passphrase::from_file(&self.passphrase_file).map_err(CliError::failed("the passphrase"))?;
        let pem = std::fs::read(&self.credential)
            .map_err(|source| CliError::File { path: self.credential.clone(), source })?;
        SealedKey::parse(&pem)
            .and_then(|sealed| sealed.unseal(&passphrase))
            .map_err(CliError::failed(self.credential.display().to_string()))
    }

    /// Where the certificate is kept.
    pub(super) fn certificate(&self) -> PathBuf {
        self.credential.with_extension("pem")
    }
}
