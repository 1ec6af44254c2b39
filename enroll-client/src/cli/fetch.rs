//! `enroll-client fetch`: the certificate that an agent gets, and its files where somebody wants files.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use identity::svid::{CertificateFacts, Svid};
use serde::Serialize;

use super::arguments::FetchOptions;
use super::{CliError, block_on, failed, local, print};
use crate::delivery::is_in_memory;
use crate::delivery::pem::{CERTIFICATE, PRIVATE_KEY, pem};
use crate::workload_api::generated::{X509svid, X509svidResponse};

/// What is shown of a certificate.
#[derive(Debug, Serialize)]
struct Shown {
    agent: String,
    spiffe_id: String,
    serial: String,
    not_before: String,
    not_after: String,
    key: String,
    chain: usize,
    roots: usize,
}

/// Why there is nothing to show, or nothing to write.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("this process may have no agent {asked:?}; it may have: {may_have}")]
    NotOurs { asked: String, may_have: String },
    #[error("the certificate cannot be read")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("{} is on a disk, where a key would rest; give a directory on tmpfs, or --key-may-rest", .path.display())]
    Disk { path: PathBuf },
    #[error("{} cannot be written", .path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

pub(super) fn fetch(options: &FetchOptions) -> Result<(), CliError> {
    // This process is about to hold a key.
    crate::process::close().map_err(|error| failed("this process must not hold keys", error))?;
    let message = block_on(async {
        local::identities(&options.socket).await.map_err(|error| failed("there is no identity", error))
    })?;
    let found = pick(&message, options.agent.as_deref()).map_err(|error| failed("there is no such identity", error))?;
    let shown = show(found).map_err(|error| failed("the identity cannot be shown", error))?;
    if let Some(directory) = &options.out {
        write(directory, found, options.key_may_rest).map_err(|error| failed("the files are not written", error))?;
    }
    if options.json {
        let json =
            serde_json::to_string_pretty(&shown).map_err(|error| failed("the identity cannot be shown", error))?;
        return print(&format!("{json}\n"));
    }
    print(&format!(
        "agent       {}\nidentity    {}\nserial      {}\nvalid from  {}\nvalid until {}\nkey         {}\nchain       {} certificates\nbundle      {} roots\n",
        shown.agent,
        shown.spiffe_id,
        shown.serial,
        shown.not_before,
        shown.not_after,
        shown.key,
        shown.chain,
        shown.roots
    ))
}

fn pick<'a>(message: &'a X509svidResponse, agent: Option<&str>) -> Result<&'a X509svid, FetchError> {
    let mut all = message.svids.iter();
    let found = match agent {
        None => all.next(),
        Some(name) => all.find(|svid| svid.hint == name),
    };
    let names = || message.svids.iter().map(|svid| svid.hint.as_str()).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| FetchError::NotOurs { asked: agent.unwrap_or_default().to_owned(), may_have: names() })
}

fn show(found: &X509svid) -> Result<Shown, FetchError> {
    let chain = certificates(&found.x509_svid)?;
    let leaf = chain.first().copied().unwrap_or_default();
    let facts = CertificateFacts::from_der(leaf).map_err(|error| FetchError::Certificate(error.into()))?;
    let svid = Svid::leaf(&facts).map_err(|error| FetchError::Certificate(error.into()))?;
    Ok(Shown {
        agent: found.hint.clone(),
        spiffe_id: svid.spiffe_id().to_string(),
        serial: svid.serial().to_string(),
        not_before: svid.not_before().to_string(),
        not_after: svid.not_after().to_string(),
        key: svid.key_kind().to_string(),
        chain: chain.len(),
        roots: certificates(&found.bundle)?.len(),
    })
}

/// Certificates that stand one after the other (SPIFFE Workload API, section 5.2): each begins with a SEQUENCE that says how long it is.
fn certificates(mut octets: &[u8]) -> Result<Vec<&[u8]>, FetchError> {
    let cut = || FetchError::Certificate("it is cut off".into());
    let mut all = Vec::new();
    while !octets.is_empty() {
        // X.690, section 8.1.3: a certificate is longer than 127 octets and shorter than 64 KiB, so its length has one or two octets.
        let (content, header) = match octets {
            [0x30, 0x81, length, ..] => (usize::from(*length), 3),
            [0x30, 0x82, high, low, ..] => (usize::from(u16::from_be_bytes([*high, *low])), 4),
            _ => return Err(cut()),
        };
        let (one, rest) = octets.split_at_checked(header + content).ok_or_else(cut)?;
        all.push(one);
        octets = rest;
    }
    Ok(all)
}

/// Writes three files, each there as a whole or not at all. The key's first, so that no certificate lies beside an older key for long.
fn write(directory: &Path, found: &X509svid, key_may_rest: bool) -> Result<(), FetchError> {
    let failed = |path: &Path, source| FetchError::Write { path: path.to_owned(), source };
    if !key_may_rest {
        let opened = std::fs::File::open(directory).map_err(|source| failed(directory, source))?;
        if !is_in_memory(&opened).map_err(|source| failed(directory, source))? {
            return Err(FetchError::Disk { path: directory.to_owned() });
        }
    }
    let key = pem(PRIVATE_KEY, &[&found.x509_svid_key]);
    let files = [
        ("key.pem", key),
        ("svid.pem", pem(CERTIFICATE, &certificates(&found.x509_svid)?)),
        ("bundle.pem", pem(CERTIFICATE, &certificates(&found.bundle)?)),
    ];
    for (name, text) in files {
        let (path, aside) = (directory.join(name), directory.join(format!(".{name}.new")));
        let put = || {
            let mut options = std::fs::OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&aside, &path)
        };
        put().map_err(|source| failed(&path, source))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Ca, moment};

    fn answer() -> X509svidResponse {
        let ca = Ca::new("example.org", moment());
        let (chain, key) = ca.pair("/host/one/web", moment());
        let svid = |hint: &str| X509svid {
            spiffe_id: "spiffe://example.org/host/one/web".into(),
            x509_svid: chain[..2].iter().flat_map(|der| der.to_vec()).collect(),
            x509_svid_key: key.pkcs8().to_vec(),
            bundle: ca.root.der.clone(),
            hint: hint.into(),
        };
        X509svidResponse {
            svids: vec![svid("db"), svid("web")],
            crl: Vec::new(),
            federated_bundles: Default::default(),
        }
    }

    #[test]
    fn an_identity_is_picked_and_shown() {
        let answer = answer();
        assert_eq!(pick(&answer, None).unwrap().hint, "db");
        let shown = show(pick(&answer, Some("web")).unwrap()).unwrap();
        assert_eq!((shown.agent.as_str(), shown.chain, shown.roots, shown.key.as_str()), ("web", 2, 1, "p256"));
        assert_eq!(shown.spiffe_id, "spiffe://example.org/host/one/web");
        let refused = pick(&answer, Some("other")).unwrap_err().to_string();
        assert_eq!(refused, r#"this process may have no agent "other"; it may have: db, web"#);
    }

    #[test]
    fn files_with_a_key_are_for_memory() {
        let answer = answer();
        let on_disk = std::path::absolute("target-does-not-matter").unwrap();
        let on_disk = on_disk.parent().unwrap();
        if !is_in_memory(std::fs::File::open(on_disk).unwrap()).unwrap() {
            assert!(matches!(write(on_disk, &answer.svids[0], false), Err(FetchError::Disk { .. })));
        }
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &answer.svids[0], true).unwrap();
        let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
        let key = rcgen::KeyPair::from_pem(&read("key.pem")).unwrap();
        assert_eq!(key.serialized_der(), answer.svids[0].x509_svid_key);
        assert_eq!(read("svid.pem").matches("BEGIN CERTIFICATE").count(), 2);
        assert!(read("bundle.pem").lines().all(|line| line.len() <= 64));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 3);
    }

    #[test]
    fn certificates_one_after_the_other() {
        let found = answer().svids[0].x509_svid.clone();
        assert_eq!(certificates(&found).unwrap().concat(), found);
        assert!(certificates(&found[..found.len() - 1]).is_err());
        assert!(certificates(&[0x31, 0x81, 1, 0]).is_err());
        assert!(certificates(&[]).unwrap().is_empty());
    }
}
