//! The whole product: the real server as a process, hosts that speak to it, the ledger that must hold afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

mod product {
    mod aws;
    mod canary;
    mod enrolment;
    mod kubernetes;
    mod metrics;
    mod operators;
    mod renewal;
    mod revocation;

    use std::path::Path;

    use brevet_tests::server::Server;

    pub(crate) fn server() -> Server {
        Server::start(Path::new(env!("CARGO_BIN_EXE_ca-server")), "")
    }
}
