//! Clusters and authorities to test Brevet against, and forgeries of what they sign.
//! Knows how genuine evidence looks and how it is faked; must not know how Brevet checks it.
//!
//! Only ever a dev-dependency. It builds with rcgen and its own few lines of DER, the server with
//! x509-cert, so that the forger does not share the signer's mistakes; it never depends on `ca-server`.
//!
//! ```text
//! cluster     a Kubernetes cluster: signs service-account tokens, serves its JWKS, rotates its keys
//! cloud       a region of AWS: signs instance identity documents, serves them over IMDSv2
//! authority   a root, an issuer, leaves in X509-SVID shape, certificate requests
//! forger      one method per flaw, named by the flaw, for tokens, documents and certificate requests
//! weak        keys that no sound library makes
//! ```
//!
//! A fixture that cannot be made ends the test that asked for it, with a message: there is nobody to
//! hand an error to.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a fixture that cannot be made ends the test"
)]

pub mod authority;
pub mod cloud;
pub mod cluster;
pub mod der;
pub mod forger;
pub mod jws;
pub mod weak;

mod uuid;
