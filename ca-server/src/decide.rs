//! Decisions: a command and the State that precedes it in, entries or a refusal out. Pure; one file per command.
//!
//! Everything here is checked again although the request was checked before it was queued, because State may have moved
//! on since. Nothing here knows a disk, a socket, a key or a clock.

pub mod agent;
pub mod approve;
pub mod authorise;
pub mod authority;
pub mod begin;
pub mod crl;
pub mod host;
pub mod person;
pub mod policy;
pub mod proof;
pub mod refused;
pub mod revoke;
pub mod token;

use std::time::Duration;

use ledger::entry::Body;

use crate::draft::Draft;
use crate::refusal::Refusal;

/// Something that would change State.
#[derive(Clone, Debug)]
pub enum Command {
    /// The first entries of a new ledger.
    Begin(Box<begin::Begin>),
    /// Issue a certificate.
    Authorise(Box<authorise::Authorise>),
    /// Sign a CRL.
    Crl(Box<crl::AuthoriseCrl>),
    /// Revoke certificates.
    Revoke(Box<revoke::Revoke>),
    /// Make a join token.
    CreateToken(Box<token::CreateToken>),
    /// Take a join token back.
    RevokeToken(token::RevokeToken),
    /// Let hosts of a class ask for an agent.
    AddAgent(Box<agent::AddAgent>),
    /// No longer let them.
    RemoveAgent(Box<agent::RemoveAgent>),
    /// Change the standing of a host.
    StandHost(Box<host::StandHost>),
    /// Put a policy bundle into force.
    LoadPolicy(Box<policy::LoadPolicy>),
    /// Approve somebody else's action.
    Approve(Box<approve::Approve>),
    /// Admit a person.
    AdmitPerson(Box<person::AdmitPerson>),
    /// Remove a person.
    RemovePerson(Box<person::RemovePerson>),
    /// Bring an authority into being.
    CreateAuthority(Box<authority::CreateAuthority>),
    /// Move an authority along its life.
    ChangeAuthority(Box<authority::ChangeAuthority>),
    /// Write down refusals.
    Refused(Box<refused::Refused>),
}

/// What was decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Decided {
    /// These entries follow.
    New(Vec<Body>),
    /// It was decided before, by this entry; the asker did not hear of it.
    Already(u64),
    /// No.
    Refused(Refusal),
}

impl From<Result<Vec<Body>, Refusal>> for Decided {
    fn from(result: Result<Vec<Body>, Refusal>) -> Self {
        match result {
            Ok(bodies) => Self::New(bodies),
            Err(refusal) => Self::Refused(refusal),
        }
    }
}

/// Decides one command against the State that precedes it.
#[must_use]
pub fn decide(draft: &Draft<'_>, command: &Command) -> Decided {
    match command {
        Command::Begin(command) => begin::decide(draft, command).into(),
        Command::Authorise(command) => authorise::decide(draft, command),
        Command::Crl(command) => crl::decide(draft, command).into(),
        Command::Revoke(command) => revoke::decide(draft, command).into(),
        Command::CreateToken(command) => token::create(draft, command).into(),
        Command::RevokeToken(command) => token::revoke(draft, command).into(),
        Command::AddAgent(command) => agent::add(draft, command).into(),
        Command::RemoveAgent(command) => agent::remove(draft, command).into(),
        Command::StandHost(command) => host::decide(draft, command).into(),
        Command::LoadPolicy(command) => policy::decide(draft, command).into(),
        Command::Approve(command) => approve::decide(draft, command).into(),
        Command::AdmitPerson(command) => person::admit(draft, command).into(),
        Command::RemovePerson(command) => person::remove(draft, command).into(),
        Command::CreateAuthority(command) => authority::create(draft, command).into(),
        Command::ChangeAuthority(command) => authority::change(draft, command).into(),
        Command::Refused(command) => refused::decide(draft, command).into(),
    }
}

/// Refuses a text that is longer than `limit` octets.
fn within(what: &'static str, text: &str, limit: usize) -> Result<(), Refusal> {
    let octets = text.len();
    if octets > limit { Err(Refusal::TextTooLong { what, octets, limit }) } else { Ok(()) }
}

/// How long the answer to a spent proof or a renewal can be had again with the same key (design, section 1).
pub const LOST_ANSWER_WITHIN: Duration = Duration::from_secs(600);

/// Octets of a reason or comment, at most: a sentence or two.
pub const MAX_REASON_OCTETS: usize = 512;

/// Octets of a name (profile, agent), at most: the length of a DNS label, twice.
pub const MAX_NAME_OCTETS: usize = 128;

#[cfg(test)]
mod tests;
