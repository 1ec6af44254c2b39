//! What leaves say, what is refused before it is recorded, and what is signed: T-04, T-30, T-35 to T-37, T-42.

mod authorities;
pub(super) mod fixture;
mod leaves;
mod linted;
mod signed;
