//! Claims from attestors and policies into entries and back. Knows both shapes and nothing else.

use ledger::entry::{ClaimValue as Written, Claims as WrittenClaims};
use policies::claims::{ClaimError, ClaimValue, Claims};

/// Claims as an entry states them.
#[must_use]
pub fn of(claims: &Claims) -> WrittenClaims {
    let written = claims.iter().map(|(name, value)| {
        let value = match value {
            ClaimValue::Text(text) => Written::Text(text.clone()),
            ClaimValue::Number(number) => Written::Number(*number),
            ClaimValue::Bool(flag) => Written::Flag(*flag),
            ClaimValue::List(texts) => Written::List(texts.clone()),
        };
        (name.to_owned(), value)
    });
    WrittenClaims(written.collect())
}

/// Claims as policies take them.
///
/// # Errors
/// The entry states a claim that no attestor makes any more.
pub fn read(claims: &WrittenClaims) -> Result<Claims, ClaimError> {
    let mut read = Claims::new();
    for (name, value) in &claims.0 {
        let value = match value {
            Written::Text(text) => ClaimValue::Text(text.clone()),
            Written::Number(number) => ClaimValue::Number(*number),
            Written::Flag(flag) => ClaimValue::Bool(*flag),
            Written::List(texts) => ClaimValue::List(texts.clone()),
        };
        read.insert(name, value)?;
    }
    Ok(read)
}
