//! ca-server: skeleton.

pub mod disk;

/// The program, from arguments to exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
