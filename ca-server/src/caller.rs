//! Who is asking: made in one place, from the connection and State. Knows no route; routes ask for the variant they need.
//!
//! A client certificate is verified once, at the handshake. Whether it may still speak is looked up at every request, so
//! that a revocation ends a kept connection too.

use identity::{HostId, KeyHash, PersonId, Serial, SpiffeId, Timestamp};
use ledger::entry::{Actor, Role};

use crate::draft::Draft;
use crate::state::rows::{Party, Standing};

/// What a connection has proved: a certificate of ours and its key, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Its serial.
    pub serial: Serial,
    /// The identity that it states.
    pub spiffe_id: SpiffeId,
    /// Hash of its key.
    pub key: KeyHash,
    /// End of its validity.
    pub not_after: Timestamp,
}

/// What a connection is.
#[derive(Clone, Debug)]
pub enum Connection {
    /// The admin socket, whose peer is root or the server's own user.
    Socket,
    /// TLS with a client certificate that the handshake verified.
    Certified(ClientCertificate),
    /// TLS without one, or plain HTTP.
    Bare,
}

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A host.
    Host(HostCaller),
    /// An agent on a host.
    Agent {
        /// The host that it runs on.
        host: HostId,
        /// Its identity.
        spiffe_id: SpiffeId,
        /// The certificate that it shows.
        serial: Serial,
    },
    /// A person who may change things.
    Admin(PersonCaller),
    /// A person who reads.
    Auditor(PersonCaller),
    /// The root of the admin socket; never a person.
    Local,
    /// Somebody who has shown nothing.
    Anonymous,
}

/// A host that is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCaller {
    /// Its random id.
    pub host: HostId,
    /// Its identity.
    pub spiffe_id: SpiffeId,
    /// The certificate that it shows.
    pub serial: Serial,
}

/// A person who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonCaller {
    /// The random id.
    pub person: PersonId,
    /// The identity in the person's certificate.
    pub spiffe_id: SpiffeId,
}

/// Why a certificate that the handshake took may not speak.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallerError {
    /// It is not in the ledger, or not as what it says.
    #[error("the certificate is not one that the ledger knows")]
    Unknown,
    /// It has expired since the handshake.
    #[error("the certificate expired at {not_after}, it is {now}")]
    Expired {
        /// End of its validity.
        not_after: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// It was revoked.
    #[error("the certificate was revoked by entry {index}")]
    Revoked {
        /// The revoking entry.
        index: u64,
    },
    /// It was superseded and its cutoff has passed.
    #[error("the certificate was superseded and refused from {cutoff} on")]
    CutOff {
        /// Since when.
        cutoff: Timestamp,
    },
    /// Its host may not act.
    #[error("the host is {standing:?}")]
    HostNotGood {
        /// Its standing.
        standing: Standing,
    },
    /// Its person was removed.
    #[error("the person was removed")]
    PersonRemoved,
}

impl Connection {
    /// Whose doing a request over this connection is, also when its certificate may not speak any more.
    #[must_use]
    pub fn actor(&self, draft: &Draft<'_>) -> Actor {
        match self {
            Self::Socket => Actor::Local,
            Self::Bare => Actor::Stranger,
            Self::Certified(certificate) => {
                let holder = draft.certificate(&certificate.serial).and_then(|row| draft.holder(row.holder));
                match holder.map(|holder| holder.party) {
                    Some(Party::Host(host) | Party::Agent(host)) => Actor::Host(HostId::from_bytes(host)),
                    Some(Party::Person(person)) => Actor::Person(PersonId::from_bytes(person)),
                    Some(Party::Server) | None => Actor::Stranger,
                }
            }
        }
    }
}

impl CallerError {
    /// The stable name of the rule.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Unknown => "certificate-unknown",
            Self::Expired { .. } => "certificate-expired",
            Self::Revoked { .. } => "certificate-revoked",
            Self::CutOff { .. } => "certificate-cut-off",
            Self::HostNotGood { standing: Standing::Banned } => "host-banned",
            Self::HostNotGood { .. } => "host-evicted",
            Self::PersonRemoved => "person-removed",
        }
    }
}

impl Caller {
    /// Who speaks over `connection` now.
    ///
    /// # Errors
    /// [`CallerError`] when the certificate shown may not speak any more.
    pub fn of(connection: &Connection, draft: &Draft<'_>) -> Result<Self, CallerError> {
        match connection {
            Connection::Socket => Ok(Self::Local),
            Connection::Bare => Ok(Self::Anonymous),
            Connection::Certified(certificate) => certified(certificate, draft),
        }
    }

    /// The actor that entries of this caller bear. Agents act through their host.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::Host(HostCaller { host, .. }) | Self::Agent { host, .. } => Actor::Host(*host),
            Self::Admin(person) | Self::Auditor(person) => Actor::Person(person.person),
            Self::Local => Actor::Local,
            Self::Anonymous => Actor::Stranger,
        }
    }
}

fn certified(certificate: &ClientCertificate, draft: &Draft<'_>) -> Result<Caller, CallerError> {
    let (now, not_after) = (draft.time(), certificate.not_after);
    if not_after < now {
        return Err(CallerError::Expired { not_after, now });
    }
    if let Some(revoked) = draft.revocation(&certificate.serial) {
        return Err(CallerError::Revoked { index: revoked.index });
    }
    if let Some(row) = draft.cutoff(&certificate.serial) {
        let cutoff = Timestamp::from_millis(row.cutoff_millis).unwrap_or(Timestamp::EPOCH);
        if cutoff <= now {
            return Err(CallerError::CutOff { cutoff });
        }
    }
    let row = draft.certificate(&certificate.serial).ok_or(CallerError::Unknown)?;
    let holder = draft.holder(row.holder).ok_or(CallerError::Unknown)?;
    // Serial, name and key must be those that were recorded together: a certificate that somebody signed with a stolen
    // issuer key under a live serial is none of ours.
    let key_is_recorded = draft.key(&certificate.key).is_some_and(|key| key.holder == row.holder);
    if holder.spiffe_id != certificate.spiffe_id || !key_is_recorded {
        return Err(CallerError::Unknown);
    }
    match holder.party {
        Party::Host(host) => {
            let host = good_host(HostId::from_bytes(host), draft)?;
            let (spiffe_id, serial) = (certificate.spiffe_id.clone(), certificate.serial);
            Ok(Caller::Host(HostCaller { host, spiffe_id, serial }))
        }
        Party::Agent(host) => {
            let host = good_host(HostId::from_bytes(host), draft)?;
            let (spiffe_id, serial) = (certificate.spiffe_id.clone(), certificate.serial);
            Ok(Caller::Agent { host, spiffe_id, serial })
        }
        Party::Person(id) => person(PersonId::from_bytes(id), certificate, draft),
        // The server asks itself nothing.
        Party::Server => Err(CallerError::Unknown),
    }
}

fn good_host(host: HostId, draft: &Draft<'_>) -> Result<HostId, CallerError> {
    let row = draft.host(&host).ok_or(CallerError::Unknown)?;
    match row.standing {
        Standing::Good => Ok(host),
        standing @ (Standing::Evicted | Standing::Banned) => Err(CallerError::HostNotGood { standing }),
    }
}

fn person(person: PersonId, certificate: &ClientCertificate, draft: &Draft<'_>) -> Result<Caller, CallerError> {
    let row = draft.person(&person).ok_or(CallerError::Unknown)?;
    if row.removed {
        return Err(CallerError::PersonRemoved);
    }
    if row.key != certificate.key {
        return Err(CallerError::Unknown);
    }
    let caller = PersonCaller { person, spiffe_id: certificate.spiffe_id.clone() };
    Ok(match row.role {
        Role::Admin => Caller::Admin(caller),
        Role::Auditor => Caller::Auditor(caller),
    })
}

/// Path of a person's identity below the trust domain; the person's id follows.
pub const PERSON_PATH: &str = "/brevet/person/";
