//! Which paths are taken at all (T-53). Knows octets; knows no route.
//!
//! A path is refused unless it is in the one form that every reader understands in the same way. So nothing has to be
//! normalised, and nothing means one thing to the router and another to whoever authorises.

use identity::is_path_character;

/// Whether a path has one reading: segments of SPIFFE path characters, none empty, none `.` or `..`, no `/` at the end, no
/// percent sign. All paths that we serve are of this form.
pub(super) fn is_plain(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    path.len() <= MAX_PATH_OCTETS
        && rest.split('/').all(|segment| {
            !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(is_path_character)
        })
}

/// The longest of ours names an agent: a profile and a name of 255 octets each, and 30 around them.
const MAX_PATH_OCTETS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[track_caller]
    fn check(path: &str, plain: bool) {
        assert_eq!(is_plain(path), plain, "{path}");
    }

    #[test]
    fn paths_have_one_reading_t53() {
        check("/v1/health", true);
        check("/tile/0/x001/234", true);
        check("/tile/0/000.p/5", true);
        check("/v1/admin/agents/web_1/a-b.c/remove", true);
        check("", false);
        check("*", false);
        check("/", false);
        check("//v1/health", false);
        check("/v1//health", false);
        check("/v1/health/", false);
        check("/v1/./health", false);
        check("/v1/x/../health", false);
        check("/v1/%68ealth", false);
        check("/v1%2fhealth", false);
        check("/v1/..%2fhealth", false);
        check("/v1/health;a=b", false);
        check("/v1\\health", false);
        check("/v1/h\u{e9}alth", false);
        check("v1/health", false);
        check(&format!("/{}", "a".repeat(1023)), true);
        check(&format!("/{}", "a".repeat(1024)), false);
    }

    #[test]
    fn every_octet_in_a_segment() {
        for octet in 0..=127_u8 {
            let taken = octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
            check(&format!("/a{}a", char::from(octet)), taken || octet == b'/');
        }
    }
}
