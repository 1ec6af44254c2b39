//! Files for programs that want files. Knows PEM.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pki_test_fixtures::der::pem;

/// A directory that goes when it is dropped.
pub struct Files(tempfile::TempDir);

impl Files {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn certificate(&self, name: &str, der: &[u8]) {
        self.pem(name, "CERTIFICATE", der);
    }

    pub fn pem(&self, name: &str, label: &str, der: &[u8]) {
        self.write(&format!("{name}.pem"), pem(label, der).as_bytes());
    }

    pub fn write(&self, name: &str, octets: &[u8]) {
        let path = self.path().join(name);
        fs::write(&path, octets).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }
}
