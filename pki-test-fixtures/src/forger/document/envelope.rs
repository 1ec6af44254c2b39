//! Messages of another type, version or shape than the one that AWS makes.

use super::DocumentForger;
use crate::cloud::message::{self, lines, open};
use crate::der::{element, integer, null, octet_string, oid, sequence};
use crate::forger::flaws;

flaws! {
    /// RFC 5652: the shape of the message.
    DocumentForger<'_>, envelopes:

    fn type_is_data(&self) { self.changed(|message| message.content_type = oid(message::DATA)) }
    fn type_is_a_text(&self) { self.changed(|message| message.content_type = octet_string(b"signedData")) }
    fn encapsulated_type_is_signed_data(&self) {
        self.changed(|message| message.encapsulated_type = oid(message::SIGNED_DATA))
    }
    fn version_is_3(&self) { self.changed(|message| message.version = integer(&[3])) }
    fn version_is_missing(&self) { self.changed(|message| message.version.clear()) }
    fn version_of_the_signer_is_3(&self) { self.changed(|message| message.signer().version = integer(&[3])) }
    fn signer_is_named_by_key_id(&self) { self.changed(|message| message.signer().sid = element(0x80, &[7; 20])) }
    fn signer_is_not_named(&self) { self.changed(|message| message.signer().sid.clear()) }
    fn content_is_detached(&self) {
        let message = self.message();
        let signers = element(0x31, &[]);
        let data = open(0x30, &[&oid(message::DATA)]);
        let digests = element(0x31, &message.digests.concat());
        let signed_data = open(0x30, &[&message.version, &digests, &data, &signers]);
        lines(&open(0x30, &[&oid(message::SIGNED_DATA), &open(0xa0, &[&signed_data])])).into_bytes()
    }
    fn content_is_a_sequence(&self) {
        lines(&self.message().around(&sequence(&[&octet_string(self.content().as_bytes())]))).into_bytes()
    }
    fn content_is_a_bit_string(&self) {
        lines(&self.message().around(&element(0x03, self.content().as_bytes()))).into_bytes()
    }
    fn content_is_in_pieces_of_pieces(&self) {
        let inner = open(0x24, &[&octet_string(self.content().as_bytes())]);
        lines(&self.message().around(&open(0x24, &[&inner]))).into_bytes()
    }
    fn content_is_in_pieces_of_bits(&self) {
        lines(&self.message().around(&open(0x24, &[&element(0x03, self.content().as_bytes())]))).into_bytes()
    }
    fn message_has_a_third_element(&self) {
        let genuine = self.message().ber();
        lines(&[&genuine[..genuine.len() - 2], &null(), &[0, 0]].concat()).into_bytes()
    }
    fn something_stands_before_the_signers(&self) { self.changed(|message| message.bag = null()) }
    fn message_is_a_sequence_of_nothing(&self) { lines(&[0x30, 0x80, 0, 0]).into_bytes() }
    fn message_is_null(&self) { lines(&null()).into_bytes() }
    fn message_is_the_document(&self) { lines(self.content().as_bytes()).into_bytes() }
    fn message_is_a_certificate(&self) { lines(&self.region.certificate()).into_bytes() }
}
