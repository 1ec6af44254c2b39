//! What a request asks for and does not get, in words. For reports only: knows no decision.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tagged};
use serde::Serialize;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::{Extension, Extensions};
use x509_cert::name::Name;

use super::attributes::Attributes;
use super::{CsrError, Parts};

/// The parts of a request that Brevet reads past. Texts are escaped: they come from strangers and go to terminals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ignored {
    /// The subject, where it is not empty, after RFC 4514.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The subject alternative names, `uri:`, `dns:`, `mail:` or `other:` and the name.
    pub names: Vec<String>,
    /// The object identifiers of the extensions.
    pub extensions: Vec<String>,
    /// The object identifiers of attributes other than the challenge password.
    pub attributes: Vec<String>,
}

impl Ignored {
    /// Reads what [`super::open`] reads past.
    ///
    /// # Errors
    /// [`CsrError::Malformed`] where not even the outer structure holds.
    pub fn of(der: &[u8]) -> Result<Self, CsrError> {
        let parts = Parts::of(der)?;
        let mut ignored = Self { subject: subject(parts.subject), ..Self::default() };
        for (oid, values) in Attributes::read(parts.attributes)?.ignored() {
            ignored.attributes.push(oid.to_string());
            if *oid == EXTENSION_REQUEST {
                ignored.read_extensions(values);
            }
        }
        Ok(ignored)
    }

    /// Extensions that cannot be read are named by the attribute alone.
    fn read_extensions(&mut self, values: &[u8]) {
        for extension in Extensions::from_der(values).unwrap_or_default() {
            self.extensions.push(extension.extn_id.to_string());
            if extension.extn_id == SUBJECT_ALT_NAME {
                self.names.append(&mut names(&extension));
            }
        }
    }
}

fn subject(der: &[u8]) -> Option<String> {
    let name = Name::from_der(der).ok()?;
    if name.is_empty() { None } else { Some(printable(&name.to_string())) }
}

fn names(extension: &Extension) -> Vec<String> {
    match SubjectAltName::from_der(extension.extn_value.as_bytes()) {
        Ok(names) => names.0.iter().map(name).collect(),
        // Not names that the decoder knows, for example a DNS name with octets that are not IA5: shown as they are.
        Err(_) => raw_names(extension.extn_value.as_bytes()).unwrap_or_default(),
    }
}

fn name(name: &GeneralName) -> String {
    match name {
        GeneralName::UniformResourceIdentifier(uri) => format!("uri:{}", printable(uri.as_str())),
        GeneralName::DnsName(dns) => format!("dns:{}", printable(dns.as_str())),
        GeneralName::Rfc822Name(mail) => format!("mail:{}", printable(mail.as_str())),
        GeneralName::DirectoryName(directory) => format!("directory:{}", printable(&directory.to_string())),
        GeneralName::IpAddress(address) => format!("ip:{}", hex::encode(address.as_bytes())),
        GeneralName::RegisteredId(id) => format!("id:{id}"),
        GeneralName::OtherName(other) => format!("other:{}", other.type_id),
        GeneralName::EdiPartyName(_) => "edi:".to_owned(),
    }
}

fn raw_names(der: &[u8]) -> Option<Vec<String>> {
    let names = AnyRef::from_der(der).ok()?;
    let mut reader = SliceReader::new(names.value()).ok()?;
    let mut found = Vec::new();
    while !reader.is_finished() {
        let name = AnyRef::decode(&mut reader).ok()?;
        found.push(format!("[{}]:{}", name.tag().number(), printable(&String::from_utf8_lossy(name.value()))));
    }
    Some(found)
}

/// Without control characters, and without characters that change the direction or look of what stands beside them.
fn printable(text: &str) -> String {
    text.escape_default().to_string()
}

/// pkcs-9-at-extensionRequest: RFC 2985, section 5.4.2.
const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
/// id-ce-subjectAltName: RFC 5280, section 4.2.1.6.
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
