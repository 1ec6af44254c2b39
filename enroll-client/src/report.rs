//! An error with its causes in one line, as logs and `status` show it. Knows no error in particular.

use std::error::Error;

/// The error and its causes, outermost first, joined by `: `.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    for _ in 0..MAX_CAUSES {
        let Some(cause) = next else { break };
        line.push_str(": ");
        line.push_str(&cause.to_string());
        next = cause.source();
    }
    line
}

/// Causes that are shown. Ours: an error that is its own cause must not fill a log.
const MAX_CAUSES: usize = 16;
