//! Claims, profile and request in; verdict out (Cedar).
