//! T-63: no key and no token in what is logged, at the most talkative level.

use std::io;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// Everything that was logged, by all tests that ran meanwhile: a subscriber for one thread alone may miss what others saw first.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Option<Vec<u8>>>>);

impl io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if let Some(log) = &mut *self.0.lock().unwrap() {
            log.extend_from_slice(octets);
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Whether `text` holds the secret, as octets or in any of the forms in which it could have been written.
fn holds(text: &[u8], secret: &[u8]) -> bool {
    let forms = [
        secret.to_vec(),
        hex::encode(secret).into_bytes(),
        // Base64 of a part depends on where it begins; the first 16 octets are enough to know it by.
        STANDARD.encode(secret).into_bytes(),
        URL_SAFE_NO_PAD.encode(secret).into_bytes(),
        format!("{secret:?}").trim_matches(['[', ']']).as_bytes().to_vec(),
    ];
    forms.iter().any(|form| {
        let known = form.get(..form.len().min(24)).unwrap();
        text.windows(known.len()).any(|window| window == known)
    })
}

#[tokio::test]
async fn nothing_secret_is_logged() {
    let log = Log(Arc::new(Mutex::new(Some(Vec::new()))));
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let mut rig = Rig::stopped(&["web"]).await;
    // Failures are logged too, with what failed.
    rig.server.world().loses = 1;
    rig.server.world().refuses.push("proof-already-used");
    rig.run().unwrap();
    rig.until_passing("web", Duration::from_secs(2), |rig| rig.serial("web").is_some()).await;
    let web = rig.identities().snapshot().agents.values().next().unwrap().key_pkcs8.to_vec();
    rig.stop().await;
    let host: serde_json::Value =
        serde_json::from_slice(&std::fs::read(rig.state_dir().join("host.json")).unwrap()).unwrap();
    let pem = host["key"].as_str().unwrap().to_owned();
    let host = rcgen::KeyPair::from_pem(&pem).unwrap();

    let log = log.0.lock().unwrap().take().unwrap();
    let text = String::from_utf8_lossy(&log).into_owned();
    for logged in ["TRACE", "the agent has a certificate", "proof-already-used"] {
        assert!(text.contains(logged), "{logged} was not logged");
    }
    // The private numbers of both keys (RFC 5915: the 32 octets after version and tag), the whole of them, the token's secret.
    for key in [web.as_slice(), host.serialized_der()] {
        assert!(!holds(&log, key.get(36..68).unwrap()), "a private key was logged");
        assert!(!holds(&log, key), "a private key was logged");
    }
    assert!(!text.contains(pem.lines().nth(1).unwrap()), "the kept key was logged");
    assert!(!holds(&log, &[2; 32]), "the token's secret was logged");
    assert!(!text.contains("brevet-join-v1."), "the token was logged");
}
