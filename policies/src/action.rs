//! Every thing that a host, an agent, a person or root on the socket can ask for. Knows names and who may ask at all; the
//! policies say who gets it.
//!
//! The table below is also the schema's list of actions (a test compares the two). What is not in a row's list of principals
//! can be permitted by no policy: such a policy is refused when it is loaded, and such a request is denied.

use std::fmt;
use std::str::FromStr;

use Asker::{Agent, Host, Local, Person};

/// Who can stand behind a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// A machine or pod that enrolled, or is about to.
    Host,
    /// A process with an identity of its own.
    Agent,
    /// An admin or auditor.
    Person,
    /// Root on the admin socket; never a person.
    Local,
}

/// Groups that policies may name instead of single actions, as in `action in Brevet::Action::"read"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// What hosts and agents do for themselves.
    Own,
    /// What shows something and changes nothing.
    Read,
    /// What changes something.
    Change,
    /// What only persons may do: the socket's root can never be permitted these (design, section 4).
    PersonsOnly,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident $name:literal $group:ident [$($asker:ident),+];)+) => {
        /// One thing that can be asked for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $($(#[$doc])* $variant,)+
        }

        impl Action {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name in policies and case tables.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The group it belongs to.
            #[must_use]
            pub const fn group(self) -> Group {
                match self { $(Self::$variant => Group::$group,)+ }
            }

            /// Who can ask for it at all.
            #[must_use]
            pub const fn askers(self) -> &'static [Asker] {
                match self { $(Self::$variant => &[$($asker),+],)+ }
            }
        }
    };
}

actions! {
    /// A host's first certificate, for evidence.
    Enrol "enrol" Own [Host];
    /// A host whose certificates ran out comes back, with fresh evidence and its bound key.
    Reenrol "reenrol" Own [Host];
    /// A host renews its own certificate.
    Renew "renew" Own [Host];
    /// A host asks for the first certificate of one of its agents.
    IssueAgent "issue_agent" Own [Host];
    /// A host renews the certificate of one of its agents.
    RenewAgent "renew_agent" Own [Host];
    /// A host reads the list of agents it may ask for.
    ReadOwnAgents "read_own_agents" Own [Host];
    /// A host or agent follows the feed, or reads its snapshot.
    FollowFeed "follow_feed" Own [Host, Agent];
    /// A host says what of the feed it has applied.
    AcknowledgeFeed "acknowledge_feed" Own [Host];

    /// Health, sizes, views, counters.
    ReadStatus "read_status" Read [Person, Local];
    /// Entries, whole: also entry bundles over HTTP.
    ReadLedger "read_ledger" Read [Person, Local];
    /// Profiles and policies in force, and what they would say.
    ReadPolicy "read_policy" Read [Person, Local];
    /// Hosts.
    ListHosts "list_hosts" Read [Person, Local];
    /// Agents listed for profiles.
    ListAgents "list_agents" Read [Person, Local];
    /// Certificates.
    ListCertificates "list_certificates" Read [Person, Local];
    /// Join tokens; never their secrets.
    ListTokens "list_tokens" Read [Person, Local];
    /// Persons, by their ids.
    ListPersons "list_persons" Read [Person, Local];

    /// A join token is made.
    CreateToken "create_token" Change [Person, Local];
    /// An unused join token is taken back.
    RevokeToken "revoke_token" Change [Person, Local];
    /// An agent is listed for a profile.
    AddAgent "add_agent" Change [Person, Local];
    /// An agent is listed no longer.
    RemoveAgent "remove_agent" Change [Person, Local];
    /// A host loses its binding and its certificates' renewal; it must prove anew what it is.
    EvictHost "evict_host" Change [Person, Local];
    /// A host is kept out.
    BanHost "ban_host" Change [Person, Local];
    /// A ban ends.
    UnbanHost "unban_host" Change [Person, Local];
    /// Certificates are revoked.
    Revoke "revoke" Change [Person, Local];
    /// Profiles and policies come into force.
    LoadPolicy "load_policy" Change [Person, Local];
    /// An authority is made, or goes on in its life.
    ChangeAuthority "change_authority" Change [Person, Local];
    /// A person is no longer one.
    RemovePerson "remove_person" Change [Person, Local];
    /// A legal hold is placed.
    PlaceHold "place_hold" Change [Person, Local];

    /// A person is admitted.
    AdmitPerson "admit_person" PersonsOnly [Person];
    /// A person approves what another one asked for.
    Approve "approve" PersonsOnly [Person];
    /// A legal hold is lifted.
    LiftHold "lift_hold" PersonsOnly [Person];
    /// A key version, or a blob's erase key, is destroyed.
    Destroy "destroy" PersonsOnly [Person];
}

/// Text that names no action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no action `{}`", name.escape_debug())]
pub struct ActionError {
    /// The text.
    pub name: String,
}

impl Action {
    /// Whether anybody of this kind can ask for it at all.
    #[must_use]
    pub fn can_be_asked_by(self, asker: Asker) -> bool {
        self.askers().contains(&asker)
    }
}

impl FromStr for Action {
    type Err = ActionError;

    fn from_str(name: &str) -> Result<Self, ActionError> {
        Self::ALL
            .iter()
            .copied()
            .find(|action| action.as_str() == name)
            .ok_or_else(|| ActionError { name: name.to_owned() })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Group {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Own, Self::Read, Self::Change, Self::PersonsOnly];

    /// Its name in policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Read => "read",
            Self::Change => "change",
            Self::PersonsOnly => "persons_only",
        }
    }
}

impl Asker {
    /// Its type's name in policies, below `Brevet::`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "Host",
            Self::Agent => "Agent",
            Self::Person => "Person",
            Self::Local => "Local",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for action in Action::ALL {
            assert_eq!(action.to_string().parse(), Ok(*action));
        }
        assert_eq!("Revoke".parse::<Action>(), Err(ActionError { name: "Revoke".to_owned() }));
    }

    /// Design, section 4: the socket's root may not approve, lift a hold, destroy or admit.
    #[test]
    fn local_is_never_a_person() {
        for action in [Action::Approve, Action::LiftHold, Action::Destroy, Action::AdmitPerson] {
            assert!(!action.can_be_asked_by(Local), "{action}");
            assert_eq!(action.group(), Group::PersonsOnly);
        }
    }
}
