//! Documents that somebody else signed, or nobody, or two, or in a way that says less than it seems.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{RSA_PKCS1_SHA512, RSA_PSS_SHA256};

use super::DocumentForger;
use crate::cloud::Signer;
use crate::cloud::message::{self, attribute, message_digest};
use crate::der::{element, null, octet_string, oid, sequence};
use crate::forger::flaws;

flaws! {
    /// T-02, T-14: who signed, and what.
    DocumentForger<'_>, signers:

    fn signed_by_a_stranger(&self) { self.own.message(self.content().as_bytes()).base64().into_bytes() }
    /// Genuine but for the key: that of another region.
    fn signed_by_another_region(&self) { self.other.message(self.content().as_bytes()).base64().into_bytes() }
    /// T-02: what the command in AWS's own guide accepts.
    fn signed_by_a_stranger_who_is_embedded(&self) { self.bagged(&[self.own.certificate()]) }
    fn signed_by_a_stranger_embedded_first(&self) { self.bagged(&[self.own.certificate(), self.region.certificate()]) }
    fn signed_by_a_stranger_embedded_last(&self) { self.bagged(&[self.region.certificate(), self.own.certificate()]) }
    fn certificate_is_foreign(&self) { self.changed(|message| message.bag = element(0xa0, &self.own.certificate())) }
    fn certificate_is_the_regions(&self) {
        self.changed(|message| message.bag = element(0xa0, &self.region.certificate()))
    }
    fn certificates_are_none(&self) { self.changed(|message| message.bag = element(0xa0, &[])) }
    fn crls_are_there(&self) { self.changed(|message| message.bag = element(0xa1, &sequence(&[]))) }
    /// T-14.
    fn signers_are_two(&self) {
        self.changed(|message| message.signers.push(self.own.message(self.content().as_bytes()).signer().clone()))
    }
    fn signers_are_two_stranger_first(&self) {
        self.changed(|message| message.signers.insert(0, self.own.message(self.content().as_bytes()).signer().clone()))
    }
    fn signers_are_the_same_twice(&self) { self.changed(|message| message.signers.push(message.signers[0].clone())) }
    fn signers_are_none(&self) { self.changed(|message| message.signers.clear()) }
    fn signature_has_a_bit_flipped(&self) { self.changed(|message| message.signer().signature[100] ^= 1) }
    fn signature_is_empty(&self) { self.changed(|message| message.signer().signature.clear()) }
    fn signature_is_zeros(&self) { self.changed(|message| message.signer().signature.fill(0)) }
    fn signature_is_one(&self) {
        self.changed(|message| { message.signer().signature.fill(0); message.signer().signature[255] = 1 })
    }
    fn signature_is_short(&self) { self.changed(|message| { message.signer().signature.pop(); }) }
    fn signature_is_long(&self) { self.changed(|message| message.signer().signature.insert(0, 0)) }
    fn signature_is_by_sha512(&self) { self.resigned(|signed| self.region.sign_by(&RSA_PKCS1_SHA512, signed)) }
    fn signature_is_pss(&self) { self.resigned(|signed| self.region.sign_by(&RSA_PSS_SHA256, signed)) }
    /// RFC 5652, section 5.4: the tag in the message is not the one that is signed.
    fn signature_is_over_the_implicit_tag(&self) {
        self.resigned(|signed| self.region.sign(&[&[0xa0], &signed[1..]].concat()))
    }
    fn signature_is_over_the_content(&self) { self.resigned(|_| self.region.sign(self.content().as_bytes())) }
    /// A signature over the content itself, as other clouds make it.
    fn attributes_are_missing(&self) {
        self.changed(|message| {
            message.signer().signature = self.region.sign(self.content().as_bytes());
            message.signer().attributes = None;
        })
    }
    /// The attributes themselves as content, which AWS's signature over them is a signature of.
    fn attributes_are_the_content(&self) {
        self.changed(|message| {
            let attributes = message.signer().attributes.take().expect("attributes");
            message.pieces = vec![element(0x31, &message::sorted(&attributes).concat())];
        })
    }
    fn attributes_are_empty(&self) { self.attributed(Vec::clear) }
    fn content_type_is_missing(&self) { self.attributed(|attributes| { attributes.remove(0); }) }
    fn content_type_is_signed_data(&self) {
        self.attributed(|attributes| attributes[0] = attribute(message::CONTENT_TYPE, &[&oid(message::SIGNED_DATA)]))
    }
    fn content_type_stands_twice(&self) { self.attributed(|attributes| attributes.push(attributes[0].clone())) }
    fn content_type_has_two_values(&self) {
        self.attributed(|attributes| {
            attributes[0] = attribute(message::CONTENT_TYPE, &[&oid(message::DATA), &oid(message::SIGNED_DATA)])
        })
    }
    fn content_type_has_no_value(&self) {
        self.attributed(|attributes| attributes[0] = attribute(message::CONTENT_TYPE, &[]))
    }
    fn content_type_is_a_text(&self) {
        self.attributed(|attributes| attributes[0] = attribute(message::CONTENT_TYPE, &[&octet_string(b"data")]))
    }
    fn message_digest_is_missing(&self) { self.attributed(|attributes| { attributes.pop(); }) }
    /// T-14: signed, and of something else.
    fn message_digest_is_of_other_content(&self) {
        self.attributed(|attributes| attributes[3] = message_digest(digest(&SHA256, b"other").as_ref()))
    }
    fn message_digest_stands_twice(&self) {
        self.attributed(|attributes| attributes.push(message_digest(digest(&SHA256, b"other").as_ref())))
    }
    fn message_digest_has_two_values(&self) {
        let other = octet_string(digest(&SHA256, b"other").as_ref());
        let right = octet_string(digest(&SHA256, self.content().as_bytes()).as_ref());
        self.attributed(|attributes| attributes[3] = attribute(message::MESSAGE_DIGEST, &[&right, &other]))
    }
    fn message_digest_is_sha1(&self) {
        self.attributed(|attributes| {
            attributes[3] = message_digest(digest(&SHA1_FOR_LEGACY_USE_ONLY, self.content().as_bytes()).as_ref())
        })
    }
    fn message_digest_is_cut(&self) {
        self.attributed(|attributes| {
            attributes[3] = message_digest(&digest(&SHA256, self.content().as_bytes()).as_ref()[..31])
        })
    }
    fn message_digest_is_empty(&self) { self.attributed(|attributes| attributes[3] = message_digest(b"")) }
    /// RFC 6211.
    fn protected_digest_is_sha1(&self) { self.protected(&message::algorithm(SHA1), message::SHA256_WITH_RSA) }
    fn protected_signature_is_sha1(&self) { self.protected(&message::sha256(), SHA1_WITH_RSA) }
    fn protected_algorithms_are_a_text(&self) {
        self.attributed(|attributes| {
            attributes[2] = attribute(message::ALGORITHM_PROTECTION, &[&octet_string(b"sha256")])
        })
    }
    fn attribute_is_no_pair(&self) { self.attributed(|attributes| attributes.push(sequence(&[&oid(&[1, 2, 3])]))) }
    fn attribute_values_are_no_set(&self) {
        self.attributed(|attributes| attributes.push(sequence(&[&oid(&[1, 2, 3]), &sequence(&[&null()])])))
    }
    fn unsigned_attributes_are_there(&self) {
        self.changed(|message| message.signer().unsigned = element(0xa1, &attribute(&[1, 2, 3], &[&null()])))
    }
    fn digest_is_md5(&self) { self.digested(&[1, 2, 840, 113_549, 2, 5]) }
    fn digest_is_sha1(&self) { self.digested(SHA1) }
    fn digest_is_sha512(&self) { self.digested(&[2, 16, 840, 1, 101, 3, 4, 2, 3]) }
    fn digest_of_the_signer_is_sha1(&self) {
        self.changed(|message| message.signer().digest = message::algorithm(SHA1))
    }
    fn digest_of_the_message_is_sha1(&self) { self.changed(|message| message.digests = vec![message::algorithm(SHA1)]) }
    fn digests_are_two(&self) { self.changed(|message| message.digests.push(message::algorithm(SHA1))) }
    fn digests_are_none(&self) { self.changed(|message| message.digests.clear()) }
    fn digest_has_parameters(&self) {
        self.changed(|message| message.signer().digest = sequence(&[&oid(message::SHA256_DIGEST), &octet_string(b"x")]))
    }
    fn algorithm_is_sha1(&self) {
        self.changed(|message| message.signer().algorithm = message::algorithm(SHA1_WITH_RSA))
    }
    fn algorithm_is_pss(&self) {
        self.changed(|message| message.signer().algorithm = message::algorithm(&[1, 2, 840, 113_549, 1, 1, 10]))
    }
    fn algorithm_is_ecdsa(&self) {
        self.changed(|message| message.signer().algorithm = sequence(&[&oid(&[1, 2, 840, 10_045, 4, 3, 2])]))
    }
    fn algorithm_is_dsa(&self) {
        self.changed(|message| message.signer().algorithm = sequence(&[&oid(&[1, 2, 840, 10_040, 4, 3])]))
    }
    fn algorithm_is_missing(&self) { self.changed(|message| message.signer().algorithm.clear()) }
}

impl DocumentForger<'_> {
    /// Signed by the forger, with these certificates beside it.
    fn bagged(&self, certificates: &[Vec<u8>]) -> Vec<u8> {
        let mut message = self.own.message(self.content().as_bytes());
        message.bag = element(0xa0, &certificates.concat());
        message.base64().into_bytes()
    }

    /// Genuine but for the signature, made anew from what should be signed.
    fn resigned(&self, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        self.changed(|message| {
            let signed = element(0x31, &message::sorted(&message::attributes(self.content().as_bytes())).concat());
            *message.signer() = Signer { signature: sign(&signed), ..message.signer().clone() };
        })
    }

    /// Every digest algorithm is this one; the signature is the region's.
    fn digested(&self, name: &[u64]) -> Vec<u8> {
        self.changed(|message| {
            message.digests = vec![message::algorithm(name)];
            message.signer().digest = message::algorithm(name);
        })
    }

    fn protected(&self, digest: &[u8], signature: &[u64]) -> Vec<u8> {
        let value = sequence(&[digest, &element(0xa1, &[oid(signature), null()].concat())]);
        self.attributed(|attributes| attributes[2] = attribute(message::ALGORITHM_PROTECTION, &[&value]))
    }
}

const SHA1: &[u64] = &[1, 3, 14, 3, 2, 26];
const SHA1_WITH_RSA: &[u64] = &[1, 2, 840, 113_549, 1, 1, 5];
