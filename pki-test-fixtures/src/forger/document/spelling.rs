//! Octets and characters that AWS does not write.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use super::DocumentForger;
use crate::cloud::message::lines;
use crate::der::pem;
use crate::forger::flaws;

flaws! {
    /// T-57, T-58: how it is written.
    DocumentForger<'_>, spellings:

    fn evidence_is_empty(&self) { Vec::new() }
    fn evidence_is_line_ends(&self) { b"\r\n\n".to_vec() }
    fn evidence_is_pem(&self) { pem("PKCS7", &self.message().ber()).into_bytes() }
    fn evidence_is_raw(&self) { self.message().ber() }
    fn evidence_is_the_document_itself(&self) { self.content().into_bytes() }
    fn evidence_is_in_another_alphabet(&self) { URL_SAFE.encode(self.message().ber()).into_bytes() }
    fn evidence_has_spaces(&self) { self.message().base64().replace('\n', " ").into_bytes() }
    fn evidence_has_a_tail(&self) { [self.message().base64().as_bytes(), b"A"].concat() }
    fn evidence_stands_twice(&self) { self.message().base64().repeat(2).into_bytes() }
    fn evidence_has_nul(&self) { [self.message().base64().as_bytes(), b"\0"].concat() }
    fn evidence_is_cut(&self) {
        let text = self.message().base64(); text.as_bytes()[..text.len() / 2 / 77 * 77].to_vec()
    }
    fn evidence_has_16_kib_and_1(&self) { vec![b'\n'; 16 * 1024 + 1] }
    fn evidence_has_a_megabyte(&self) { vec![b'M'; 1024 * 1024] }
    fn octets_follow(&self) { self.spelled(|octets| octets.push(0)) }
    fn end_follows_the_end(&self) { self.spelled(|octets| octets.extend([0, 0])) }
    fn second_message_follows(&self) { self.spelled(|octets| octets.extend(octets.clone())) }
    fn end_is_missing(&self) { self.spelled(|octets| octets.truncate(octets.len() - 2)) }
    fn last_octet_is_missing(&self) { self.spelled(|octets| { octets.pop(); }) }
    fn length_is_huge(&self) { lines(&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x06]).into_bytes() }
    fn length_has_127_octets(&self) { lines(&[&[0x30, 0xff][..], &[0xff; 127]].concat()).into_bytes() }
    fn length_is_not_the_shortest(&self) {
        self.spelled(|octets| { octets.splice(3..4, [0x81, 9]); })
    }
    fn tag_has_two_octets(&self) { self.spelled(|octets| { octets.splice(0..1, [0x3f, 0x10]); }) }
    fn nested_5000_deep(&self) { lines(&[0x30, 0x80].repeat(5000)).into_bytes() }
    fn nested_17_deep(&self) { lines(&[[0x30, 0x80].repeat(17), vec![0; 34]].concat()).into_bytes() }
    fn strings_of_6000_pieces(&self) {
        lines(&[&[0x24, 0x80][..], &[4, 0].repeat(6000), &[0, 0]].concat()).into_bytes()
    }
    fn zeros(&self) { lines(&[0; 4096]).into_bytes() }
}

impl DocumentForger<'_> {
    /// The genuine octets, changed, in base64.
    fn spelled(&self, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut octets = self.message().ber();
        change(&mut octets);
        lines(&octets).into_bytes()
    }
}
