//! Claims, profile and request in; verdict out (Cedar). Knows no file, socket, clock, key or ledger.
//!
//! `README.md` beside this crate teaches how a bundle is written. The way of one request through it:
//!
//! ```
//! use identity::{KeyKind, TrustDomain};
//! use policies::{Claims, Evidence, Name, Request, Wanted, Wish, starter};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let set = starter::DEFAULT.bundle()?.check().map_err(|problems| format!("{problems:?}"))?;
//!
//! // An attestor has checked a join token that was made for the profile `host`, and for this name.
//! let claims = Claims::from_pairs([("name", "web-1")])?;
//! let (attestor, fixed) = (Name::parse("join-token")?, Name::parse("host")?);
//!
//! let wish = Wish { attestor: attestor.as_str(), fixed: Some(fixed.as_str()), asked: None };
//! let profile = set.profiles().pick(wish)?;
//! let wanted = Wanted::host(profile, &TrustDomain::parse("example.org")?, &claims, KeyKind::P256)?;
//! let evidence = Evidence { attestor: &attestor, fixed_profile: Some(&fixed), claims: &claims };
//!
//! let permit = set.decide(&Request::enrol(evidence, &wanted)).into_result()?;
//! assert_eq!(permit.identity().map(|wanted| wanted.id().as_str()), Some("spiffe://example.org/host/web-1"));
//! assert_eq!(permit.rules(), ["hosts-enrol-under-the-profile-of-their-token"]);
//! # Ok(())
//! # }
//! ```
//!
//! | module | the noun |
//! |---|---|
//! | [`claims`] | what evidence says, and the [catalogue](claims::catalogue) of what is known by name |
//! | [`profile`], [`template`] | how claims become an identity; [`profile::pick`] says under which profile |
//! | [`agent`] | agents that hosts of a profile may ask for; [`agent::beside`] keeps identities apart |
//! | [`wanted`] | the identity that is asked for, whole |
//! | [`action`], [`request`], [`schema`] | what can be asked at all, by whom, with which facts |
//! | [`engine`], [`verdict`] | the policies in force, and what they say |
//! | [`bundle`], [`problem`] | profiles and policies as one document, and what is wrong with it |
//! | [`question`], [`explain`], [`cases`] | the same questions asked without earnest: tables and traces |
//! | [`starter`] | what we ship |

pub mod action;
pub mod agent;
pub mod bundle;
pub mod cases;
pub mod claims;
pub mod cutoff;
pub mod engine;
pub mod explain;
pub mod name;
pub mod problem;
pub mod profile;
pub mod question;
#[cfg(test)]
mod readme;
pub mod request;
pub mod schema;
pub mod starter;
pub mod template;
pub mod verdict;
pub mod wanted;

pub use action::Action;
pub use agent::AgentRule;
pub use bundle::Bundle;
pub use claims::{ClaimValue, Claims};
pub use cutoff::Cutoff;
pub use engine::PolicySet;
pub use name::Name;
pub use problem::Problem;
pub use profile::Profile;
pub use profile::pick::{PickRefusal, Wish, pick};
pub use profile::set::Profiles;
pub use request::{Act, Evidence, Host, Operator, Read, Request, Role};
pub use verdict::{Denial, Fault, Permit, Verdict};
pub use wanted::{Wanted, WantedError};
