//! The `ca-server` program: one line over the library.

fn main() -> std::process::ExitCode {
    ca_server::main()
}
