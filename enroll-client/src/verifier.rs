//! The verifier library for agents. Knows peers' certificates and revocations; knows no server and no disk.

#[cfg(test)]
pub(crate) mod testing;
