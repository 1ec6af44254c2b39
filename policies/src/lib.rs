//! Claims, profile and request in; verdict out (Cedar). Knows no file, socket, clock, key or ledger.

pub mod action;
pub mod agent;
pub mod claims;
pub mod cutoff;
pub mod name;
pub mod profile;
pub mod template;
pub mod verdict;
pub mod wanted;

pub use action::Action;
pub use agent::AgentRule;
pub use claims::{ClaimValue, Claims};
pub use cutoff::Cutoff;
pub use name::Name;
pub use profile::Profile;
pub use profile::pick::{PickRefusal, Wish, pick};
pub use profile::set::Profiles;
pub use verdict::{Denial, Fault, Permit, Verdict};
pub use wanted::{Wanted, WantedError};
