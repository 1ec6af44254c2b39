//! How deep a policy text nests, from its tokens alone. Knows strings, comments and brackets; knows no grammar.
//!
//! Cedar 4.14 turns text into a tree, checks and evaluates it by recursion. Its evaluator looks at the stack that is left, and
//! its type checker passes what is too deep for it, but its parser does neither: 40 opening parentheses end a debug build of
//! this process on a thread of 2 MiB, which is what tokio gives (measured). So a text is judged before Cedar sees it, and a
//! policy that loads is evaluated whole on every thread.

/// Where a text is too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooDeep {
    /// The octet at which the limit is passed.
    pub(super) at: usize,
    /// Which of the two.
    pub(super) limit: Limit,
}

/// The two limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// [`MAX_BRACKETS`].
    Brackets,
    /// [`MAX_DEPTH`].
    Depth,
}

/// What is open at one level of brackets.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// `&&`, `||` and `if`, each of which holds all that comes before or after it at this level.
    terms: usize,
    /// Member accesses, calls, signs and sums of the term that is being read.
    chain: usize,
}

/// Judges a text. An upper bound of the tree's depth is counted: one for each open bracket, each `&&`, `||` and `if` before the
/// next comma, and each `.`, `+`, `-`, `*` and `!` of the current term.
pub(super) fn check(text: &str) -> Result<(), TooDeep> {
    let mut levels = vec![Level::default()];
    let mut tokens = Tokens { text, at: 0 };
    while let Some((at, token)) = tokens.next_token() {
        match token {
            b'(' | b'[' | b'{' => levels.push(Level::default()),
            b')' | b']' | b'}' => {
                levels.pop();
                if levels.is_empty() {
                    // More close than open: the parser says so.
                    levels.push(Level::default());
                }
            }
            _ => {
                if let Some(level) = levels.last_mut() {
                    level.see(token);
                }
            }
        }
        if levels.len() > MAX_BRACKETS.saturating_add(1) {
            return Err(TooDeep { at, limit: Limit::Brackets });
        }
        let depth =
            levels.iter().fold(levels.len(), |sum, level| sum.saturating_add(level.terms).saturating_add(level.chain));
        if depth > MAX_DEPTH {
            return Err(TooDeep { at, limit: Limit::Depth });
        }
    }
    Ok(())
}

impl Level {
    fn see(&mut self, token: u8) {
        match token {
            b',' | b';' => *self = Self::default(),
            TERM => {
                self.terms = self.terms.saturating_add(1);
                self.chain = 0;
            }
            b'.' | b'+' | b'-' | b'*' | b'!' => self.chain = self.chain.saturating_add(1),
            // A comparison, `then` and `else` begin a new term at the same depth.
            _ => self.chain = 0,
        }
    }
}

/// Reads the tokens that count, as one octet each; all else is passed over.
struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

/// Stands for `&&`, `||` and `if`.
const TERM: u8 = b'&';
/// Stands for a comparison, `then` and `else`.
const BREAK: u8 = b'=';

impl Tokens<'_> {
    fn next_token(&mut self) -> Option<(usize, u8)> {
        loop {
            let at = self.at;
            let rest = self.text.get(at..)?;
            let first = rest.chars().next()?;
            let (length, token) = match first {
                '"' => (string_octets(rest), None),
                '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), None),
                '&' | '|' => (rest.len().min(2), Some(TERM)),
                '=' | '<' | '>' => (1, Some(BREAK)),
                '!' if rest.starts_with("!=") => (2, Some(BREAK)),
                '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' | '.' | '+' | '-' | '*' | '!' => (1, rest.bytes().next()),
                first if first.is_alphanumeric() || first == '_' => {
                    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                    let token = match rest.get(..end) {
                        Some("if") => Some(TERM),
                        Some("then" | "else") => Some(BREAK),
                        _ => None,
                    };
                    (end, token)
                }
                first => (first.len_utf8(), None),
            };
            self.at = at.saturating_add(length.max(1));
            if let Some(token) = token {
                return Some((at, token));
            }
        }
    }
}

/// Octets of a string literal with both quotes; all that is left where it does not end.
fn string_octets(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at.saturating_add(1),
            _ => {}
        }
    }
    text.len()
}

/// Open brackets. A debug build passes 24 on a thread of 2 MiB and ends at 40 (measured, cedar-policy 4.14.1).
pub(super) const MAX_BRACKETS: usize = 12;
/// Depth as counted here. A debug build evaluates 30 on a thread of 2 MiB and refuses to at 40 (measured, as above).
pub(super) const MAX_DEPTH: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_stands(text: &str) {
        assert_eq!(check(text), Ok(()));
    }

    #[track_caller]
    fn check_refused(text: &str, at: usize, limit: Limit) {
        assert_eq!(check(text), Err(TooDeep { at, limit }));
    }

    #[test]
    fn ordinary_policies_stand() {
        check_stands(
            "permit(principal, action, resource) when { context.claims has namespace && \
             [\"a\", \"b\"].contains(context.claims.namespace) } unless { principal.path like \"/a/*\" };",
        );
        check_stands(&"permit(principal, action, resource); // (((((((((((((((((\n".repeat(500));
        check_stands(&format!("{:?}", "((((((((((((((((".repeat(20)));
        check_stands("\"\\\"((((((((((((((((((((((((((((((\"");
        check_stands(&format!("[{}]", "1, ".repeat(10_000)));
        check_stands(")))))))");
    }

    #[test]
    fn deep_ones_do_not() {
        check_refused(&"(".repeat(1_000_000), MAX_BRACKETS, Limit::Brackets);
        check_refused(&"!(".repeat(1_000_000), 19, Limit::Depth);
        check_refused(&"a.".repeat(1_000_000), 39, Limit::Depth);
        check_refused(&"a&&".repeat(1_000_000), 58, Limit::Depth);
        check_refused(&"a||".repeat(1_000_000), 58, Limit::Depth);
        check_refused(&"1+".repeat(1_000_000), 39, Limit::Depth);
        check_refused(&"if a then b else ".repeat(1_000_000), 17 * 19, Limit::Depth);
        check_refused(&"a.b&&(".repeat(1_000_000), 59, Limit::Depth);
    }

    #[test]
    fn any_text_is_judged() {
        for text in ["", "\"", "\"\\", "/", "//", "&", "|", "!", "\u{e9}\u{1f600}", "if", "\u{e9}f("] {
            check_stands(text);
        }
    }
}
