//! Doors: functions that make a proof, or use one up. Whoever goes through one is listed here, so that a new caller is a
//! decision that somebody reads.

use std::collections::BTreeSet;

use crate::source::{Source, none, sources};

/// A word to find; the files that define it, where it is not looked for; the files that say it.
struct Door {
    word: &'static str,
    homes: &'static [&'static str],
    callers: &'static [&'static str],
}

const DOORS: [Door; 20] = [
    // Permitted by the policies.
    Door { word: "Verdict::Permit(Permit {", homes: &[], callers: &["policies/src/engine.rs"] },
    // Evidence that was checked, and a request whose key was shown to be held.
    Door {
        word: "Ok(Attested {",
        homes: &[],
        callers: &[
            "ca-server/src/attestation/aws_iid.rs",
            "ca-server/src/attestation/join_token.rs",
            "ca-server/src/attestation/kubernetes.rs",
        ],
    },
    Door { word: "Ok(CheckedNonce {", homes: &[], callers: &["ca-server/src/attestation/nonce.rs"] },
    Door { word: "Ok(OpenedCsr {", homes: &[], callers: &["ca-server/src/csr.rs"] },
    // Who is asking: from the connection, in one place.
    Door { word: "Caller::of(", homes: &["ca-server/src/caller.rs"], callers: &["ca-server/src/api/asking.rs"] },
    // Leave to issue: from a permit, or for the server itself.
    Door { word: "Grant::enrolment(", homes: &[DECISION], callers: &["ca-server/src/api/enroll.rs"] },
    Door { word: "Grant::renewal(", homes: &[DECISION], callers: &["ca-server/src/api/renew.rs"] },
    Door { word: "Grant::agent(", homes: &[DECISION], callers: &["ca-server/src/api/agents.rs"] },
    Door { word: "Grant::person(", homes: &[DECISION], callers: &["ca-server/src/api/operate/persons.rs"] },
    Door { word: "Grant::server(", homes: &[DECISION], callers: &["ca-server/src/own_leaf.rs"] },
    // Durable in the ledger: after a batch has landed, or read back from what had landed.
    Door { word: "Recorded::of_batch(", homes: &[], callers: &["ca-server/src/committer.rs"] },
    Door { word: "Recorded::read_back(", homes: &[], callers: &["ca-server/src/committer/handle.rs"] },
    // The way to an authority's key: with something recorded in hand.
    Door {
        word: "sign(&recorded",
        homes: &[],
        callers: &["ca-server/src/api/issue.rs", "ca-server/src/crl_publisher.rs", "ca-server/src/own_leaf.rs"],
    },
    Door { word: " sign(recorded,", homes: &[], callers: &["ca-server/src/issuing.rs"] },
    Door {
        word: "assemble(",
        homes: &["ca-server/src/issuance/authority.rs"],
        // The ceremony makes roots and issuers, whose entries are written at `init`.
        callers: &[
            "ca-server/src/issuance/ceremony.rs",
            "ca-server/src/issuance/crl.rs",
            "ca-server/src/issuance/sign.rs",
        ],
    },
    // A key of our own at work: an authority, a request for a person's certificate, a note of the ledger.
    Door {
        word: " key.sign(",
        homes: &["ca-server/src/custody/software.rs"],
        callers: &["ca-server/src/csr/make.rs", "ca-server/src/issuance/authority.rs"],
    },
    Door { word: "custody.sign(", homes: &[], callers: &["ca-server/src/ledger_key.rs"] },
    Door {
        word: "SoftwareKey::generate(",
        homes: &[],
        callers: &["ca-server/src/cli/admin.rs", "ca-server/src/custody/file.rs", "ca-server/src/own_leaf.rs"],
    },
    Door { word: ".unseal(", homes: &[], callers: &["ca-server/src/cli/admin.rs", "ca-server/src/custody/file.rs"] },
    // One place lets commands into the ledger.
    Door { word: "log().commit(", homes: &[], callers: &["ca-server/src/committer.rs"] },
];

const DECISION: &str = "ca-server/src/decision.rs";

#[test]
fn doors_are_opened_by_those_listed() {
    let sources: Vec<(Source, String)> = sources()
        .into_iter()
        .filter(|source| source.path.contains("/src/") && !source.is_test())
        // The doors are the server's; whoever only tests may go through them.
        .filter(|source| source.path.starts_with("ca-server/") || source.path.starts_with("policies/"))
        .map(|source| {
            let code = source.code();
            (source, code)
        })
        .collect();
    let mut complaints = Vec::new();
    for door in DOORS {
        let found: BTreeSet<&str> = sources
            .iter()
            .filter(|(source, code)| code.contains(door.word) && !door.homes.contains(&source.path.as_str()))
            .map(|(source, _)| source.path.as_str())
            .collect();
        let listed: BTreeSet<&str> = door.callers.iter().copied().collect();
        complaints
            .extend(found.difference(&listed).map(|path| format!("{path} says `{}` and is not listed", door.word)));
        complaints.extend(
            listed.difference(&found).map(|path| format!("{path} is listed for `{}` and does not say it", door.word)),
        );
    }
    none("TYPES 10: the callers of a proof's door are a list", &complaints);
}
