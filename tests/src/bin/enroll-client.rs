//! `enroll-client`, declared here too so that tests find the program.

fn main() -> std::process::ExitCode {
    enroll_client::main()
}
