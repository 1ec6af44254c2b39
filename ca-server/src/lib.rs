//! ca-server: skeleton.

pub mod api;
pub mod apply;
pub mod attestation;
pub mod caller;
pub mod committer;
pub mod config;
pub mod crl_publisher;
pub mod crl_shelf;
pub mod csr;
pub mod custody;
pub mod decide;
pub mod decision;
pub mod disk;
pub mod draft;
pub mod issuance;
pub mod listeners;
pub mod followers;
pub mod genesis;
pub mod heartbeats;
pub mod issuance;
pub mod issuing;
pub mod ledger_key;
pub mod live;
pub mod log;
pub mod opening;
pub mod public_key;
pub mod recent;
pub mod refusal;
pub mod refusals;
pub mod rules_in_force;
pub mod server;
pub mod service;
pub mod snapshot;
pub mod state;
pub mod tiles;
pub mod tree;
pub mod views;

/// The program, from arguments to exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
