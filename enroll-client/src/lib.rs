//! The host's side of Brevet: the key roller, and the verifier library for agents.
//!
//! The roller proves what the host is, asks for certificates, checks each answer against pins and ledger before it hands
//! anything out, renews in time, and takes away what has ended. Keys of agents live in its memory only.

pub mod bundle;
pub mod check;
mod cli;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod driver;
pub mod evidence;
pub mod identities;
pub mod keep;
pub mod key;
pub mod machine;
pub mod offers;
pub mod pins;
pub mod process;
mod report;
pub mod socket;
mod sse;
pub mod upstream;
pub mod verifier;
pub mod workload_api;

#[cfg(test)]
mod testing;

/// The program `enroll-client`, from arguments to exit code. The only place that looks at the environment.
#[must_use]
pub fn main() -> std::process::ExitCode {
    // Parts that make a TLS configuration name their provider; a dependency that does not must find the same.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(Into::into);
    cli::main(std::env::args_os(), &config::Surroundings { credentials })
}
