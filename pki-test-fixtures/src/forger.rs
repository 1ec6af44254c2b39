//! Forgeries: genuine evidence with exactly one thing false. Knows what each flaw is called and which T-nn of
//! the security notes it stands for; must not know what Brevet answers to it.
//!
//! Each flaw is one method, and its name is the flaw. The lists (`times`, `audiences`, ...) are made from the
//! methods themselves, so a test that walks a list cannot miss one.

pub mod document;
pub mod request;
pub mod token;

pub use document::DocumentForger;
pub use request::RequestForger;
pub use token::TokenForger;

/// One forgery with the name of its flaw.
pub struct Forgery {
    /// Name of the method that made it.
    pub name: &'static str,
    /// What is shown to the server.
    pub evidence: Vec<u8>,
}

/// Defines methods, one per flaw, and beside them the list of what they make.
macro_rules! flaws {
    (
        $(#[$list_doc:meta])*
        $forger:ty, $list:ident:
        $($(#[$doc:meta])* fn $name:ident(&$this:ident) $body:block)*
    ) => {
        impl $forger {
            $(#[$list_doc])*
            #[must_use]
            pub fn $list(&self) -> Vec<$crate::forger::Forgery> {
                vec![$($crate::forger::Forgery { name: stringify!($name), evidence: self.$name() }),*]
            }

            $(
                $(#[$doc])*
                #[allow(missing_docs, reason = "the name says what is false")]
                #[must_use]
                pub fn $name(&$this) -> Vec<u8> $body
            )*
        }
    };
}
pub(crate) use flaws;
