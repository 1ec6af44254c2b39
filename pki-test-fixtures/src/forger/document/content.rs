//! Documents that say something false, or in a way that two readers would read differently.

use super::DocumentForger;
use crate::cloud::Instance;
use crate::cloud::message::{lines, open};
use crate::der::octet_string;
use crate::forger::flaws;

flaws! {
    /// T-01, T-11, T-12, T-13, T-15, T-16: what the document says.
    DocumentForger<'_>, contents:

    /// A digit of the account.
    fn content_has_a_bit_flipped(&self) {
        self.changed(|message| message.pieces[0][18] ^= 1)
    }
    /// T-16: genuine, of somebody else.
    fn account_is_another(&self) {
        let instance = Instance { account: "999988887777".to_owned(), ..self.instance.clone() };
        self.region.document(&instance).into_bytes()
    }
    /// The same document without its white space.
    fn content_is_written_anew(&self) {
        self.changed(|message| {
            let text = String::from_utf8(message.pieces.concat()).expect("text").replace(['\n', ' '], "");
            message.pieces = vec![text.into_bytes()];
        })
    }
    /// T-14: the document of another instance under the signature of this one.
    fn content_is_of_another_instance(&self) {
        let other = Instance { id: "i-0fedcba9876543210".to_owned(), ..self.instance.clone() };
        self.changed(|message| message.pieces = vec![self.region.content(&other).into_bytes()])
    }
    fn content_has_a_tail(&self) {
        self.changed(|message| message.pieces.push(b"\n".to_vec()))
    }
    /// T-01: a forged document beside the signed one.
    fn sibling_is_forged(&self) {
        let forged = self.content().replace(&self.instance.account, "999988887777");
        let genuine = open(0x24, &[&octet_string(self.content().as_bytes())]);
        lines(&self.message().around(&[genuine, octet_string(forged.as_bytes())].concat())).into_bytes()
    }
    fn sibling_is_forged_and_first(&self) {
        let forged = self.content().replace(&self.instance.account, "999988887777");
        let genuine = open(0x24, &[&octet_string(self.content().as_bytes())]);
        lines(&self.message().around(&[octet_string(forged.as_bytes()), genuine].concat())).into_bytes()
    }
    fn content_is_empty(&self) { self.signed(b"") }
    fn content_is_no_json(&self) { self.signed(b"accountId=111122223333") }
    fn content_is_a_list(&self) { self.signed(b"[]") }
    fn content_is_not_utf8(&self) { self.signed(b"{\"region\":\"\xff\"}") }
    fn content_is_two_documents(&self) { self.signed(self.content().repeat(2).as_bytes()) }
    fn content_is_40_deep(&self) {
        let deep = format!("{{ \"x\" : {}{},", "[".repeat(40), "]".repeat(40));
        self.signed_with("{", &deep)
    }
    /// Signed by the key of the region of the machine, and naming another, whose key is known.
    fn region_is_another(&self) {
        self.signed_with(
            &format!("\"region\" : \"{}\"", self.region.name()),
            &format!("\"region\" : \"{}\"", self.other.name()),
        )
    }
    fn region_is_unknown(&self) {
        self.signed_with(&format!("\"region\" : \"{}\"", self.region.name()), "\"region\" : \"us-west-9\"")
    }
    fn region_is_in_capitals(&self) {
        self.signed_with(
            &format!("\"region\" : \"{}\"", self.region.name()),
            &format!("\"region\" : \"{}\"", self.region.name().to_uppercase()),
        )
    }
    fn region_is_missing(&self) { self.signed_with("\"region\"", "\"noregion\"") }
    fn region_is_spelled_in_capitals(&self) { self.signed_with("\"region\"", "\"Region\"") }
    fn region_is_null(&self) {
        self.signed_with(&format!("\"region\" : \"{}\"", self.region.name()), "\"region\" : null")
    }
    fn region_is_a_list(&self) {
        self.signed_with(
            &format!("\"region\" : \"{}\"", self.region.name()),
            &format!("\"region\" : [\"{}\"]", self.region.name()),
        )
    }
    /// T-13.
    fn region_stands_twice(&self) { self.signed_with("{", &format!("{{ \"region\" : \"{}\",", self.other.name())) }
    fn account_stands_twice(&self) { self.signed_with("{", "{ \"accountId\" : \"999988887777\",") }
    fn account_stands_twice_in_capitals(&self) { self.signed_with("{", "{ \"ACCOUNTID\" : \"999988887777\",") }
    fn account_stands_twice_escaped(&self) { self.signed_with("{", "{ \"account\\u0049d\" : \"999988887777\",") }
    fn account_is_missing(&self) { self.signed_with("accountId", "account") }
    fn account_is_a_number(&self) {
        self.signed_with(&format!("\"{}\"", self.instance.account), &self.instance.account)
    }
    fn account_has_11_digits(&self) { self.signed_with(&self.instance.account, &self.instance.account[1..]) }
    fn account_has_a_space(&self) { self.signed_with(&self.instance.account, &format!(" {}", &self.instance.account)) }
    fn account_has_other_digits(&self) {
        self.signed_with(&self.instance.account, "\u{0661}\u{0662}\u{0663}\u{0664}\u{0665}\u{0666}")
    }
    fn instance_is_missing(&self) { self.signed_with("instanceId", "instance") }
    fn instance_is_null(&self) { self.signed_with(&format!("\"{}\"", self.instance.id), "null") }
    /// T-03.
    fn instance_is_a_path(&self) { self.signed_with(&self.instance.id, "../i-0123456789abcdef0") }
    fn instance_is_in_capitals(&self) { self.signed_with(&self.instance.id, &self.instance.id.to_uppercase()) }
    fn instance_has_nul(&self) { self.signed_with(&self.instance.id, "i-0123456789abcde\\u0000") }
    fn instance_is_short(&self) { self.signed_with(&self.instance.id, "i-0123456") }
    fn zone_is_a_path(&self) { self.signed_with(&format!("{}a", self.region.name()), "../../root") }
    fn zone_is_a_number(&self) { self.signed_with(&format!("\"{}a\"", self.region.name()), "7") }
    fn image_is_a_path(&self) { self.signed_with("ami-0123456789abcdef0", "ami-/../..") }
    fn type_has_a_slash(&self) { self.signed_with("t3.micro", "t3/micro") }
    fn architecture_is_long(&self) { self.signed_with("x86_64", &"x".repeat(65)) }
    fn address_is_a_name(&self) { self.signed_with("10.0.0.17", "metadata.internal") }
    fn pending_time_is_missing(&self) { self.signed_with("pendingTime", "pendingDate") }
    fn pending_time_is_a_number(&self) { self.retimed("1800000000") }
    fn pending_time_has_an_offset(&self) { self.retimed("\"2027-01-15T07:59:00+00:00\"") }
    fn pending_time_is_no_day(&self) { self.retimed("\"2027-02-30T08:00:00Z\"") }
    /// T-15.
    fn pending_time_is_ahead(&self) { self.retimed("\"2027-01-15T08:00:06Z\"") }
    fn pending_time_is_a_year_ahead(&self) { self.retimed("\"2028-01-15T08:00:00Z\"") }
}

impl DocumentForger<'_> {
    /// Genuine but for the time of its start.
    fn retimed(&self, time: &str) -> Vec<u8> {
        let content = self.content();
        let at = content.find("\"pendingTime\" : ").expect("a time") + "\"pendingTime\" : ".len();
        let end = at + content[at..].find(',').expect("more members");
        self.signed([&content[..at], time, &content[end..]].concat().as_bytes())
    }
}
