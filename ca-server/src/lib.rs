//! ca-server: skeleton.

pub mod csr;
pub mod disk;
pub mod public_key;

/// The program, from arguments to exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
