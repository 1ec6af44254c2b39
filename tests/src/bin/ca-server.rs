//! `ca-server`, declared here too so that tests find the program.

fn main() -> std::process::ExitCode {
    ca_server::main()
}
