//! The `enroll-client` program: one line over the library.

fn main() -> std::process::ExitCode {
    enroll_client::main()
}
