//! Instance identity documents with one thing false. Knows genuine regions and has a key of its own.

mod content;
mod envelope;
mod signers;
mod spelling;

use super::Forgery;
use crate::cloud::{Instance, Message, Region, message};
use crate::der;

/// Makes forgeries of the document of one instance.
pub struct DocumentForger<'a> {
    region: &'a Region,
    /// Another region, as genuine as the first.
    other: &'a Region,
    instance: &'a Instance,
    /// A key that AWS never had, under the region's name.
    own: Region,
}

impl<'a> DocumentForger<'a> {
    /// A forger of the documents of `region`, who has genuine ones of `other` too.
    #[must_use]
    pub fn new(region: &'a Region, other: &'a Region, instance: &'a Instance) -> Self {
        DocumentForger { region, other, instance, own: Region::new(region.name()) }
    }

    /// Every forgery there is.
    #[must_use]
    pub fn all(&self) -> Vec<Forgery> {
        let lists = [self.contents(), self.signers(), self.envelopes(), self.spellings()];
        lists.into_iter().flatten().collect()
    }

    fn content(&self) -> String {
        self.region.content(self.instance)
    }

    /// The genuine message.
    fn message(&self) -> Message {
        self.region.message(self.content().as_bytes())
    }

    /// Genuine but for one text in the document, signed by the region: what AWS would have to sign.
    fn signed_with(&self, from: &str, to: &str) -> Vec<u8> {
        let content = self.content();
        let changed = content.replacen(from, to, 1);
        assert_ne!(changed, content, "{from} does not stand in the document");
        self.signed(changed.as_bytes())
    }

    /// Any content, signed by the region.
    fn signed(&self, content: &[u8]) -> Vec<u8> {
        self.region.message(content).base64().into_bytes()
    }

    /// Genuine but for one change of the message, which the signature does not cover.
    fn changed(&self, change: impl FnOnce(&mut Message)) -> Vec<u8> {
        let mut message = self.message();
        change(&mut message);
        message.base64().into_bytes()
    }

    /// Genuine but for the signed attributes, which the region signs as they are.
    fn attributed(&self, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
        let mut attributes = message::attributes(self.content().as_bytes());
        change(&mut attributes);
        self.changed(|message| {
            let signed = der::element(0x31, &message::sorted(&attributes).concat());
            message.signer().signature = self.region.sign(&signed);
            message.signer().attributes = Some(attributes);
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use identity::Timestamp;

    use super::*;

    #[test]
    fn names_are_unique() {
        let (region, other) = (Region::new("test-one-1"), Region::new("test-other-1"));
        let instance = Instance::new("111122223333", "i-0123456789abcdef0", Timestamp::EPOCH);
        let all = DocumentForger::new(&region, &other, &instance).all();
        let names: BTreeSet<_> = all.iter().map(|forgery| forgery.name).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.len() > 90, "{} forgeries", all.len());
    }
}
