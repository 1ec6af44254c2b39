//! Claims, profile and request in; verdict out (Cedar). Knows no file, socket, clock, key or ledger.

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
