//! What the commands print: tables and sentences for people, JSON for scripts. The one place that writes to the terminal.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what the program prints")]

use serde::Serialize;

use super::CliError;
use crate::api::chain;

/// Where answers go, and in which form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether scripts read it.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// An answer: as JSON, or in the words of `people`.
    pub(super) fn answer<T: Serialize>(&self, answer: &T, people: impl FnOnce(&T) -> String) -> Result<(), CliError> {
        if self.json {
            let text =
                serde_json::to_string_pretty(answer).map_err(CliError::failed("the answer cannot be printed"))?;
            println!("{text}");
        } else {
            println!("{}", people(answer));
        }
        Ok(())
    }

    /// One line as it is, in either form: entries, secrets.
    pub(super) fn line(&self, text: &str) {
        println!("{text}");
    }

    /// How far something that takes long has come; only for people.
    pub(super) fn progress(&self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }

    /// What went wrong.
    pub(super) fn error(&self, error: &CliError) {
        if self.json {
            let text = serde_json::json!({ "error": chain(error) });
            eprintln!("{text}");
        } else {
            eprintln!("ca-server: {}", chain(error));
        }
    }
}

/// A table with aligned columns.
pub(super) fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = rows.into_iter().collect();
    if rows.is_empty() {
        return "none".to_owned();
    }
    let head = head.map(str::to_owned);
    let widths: Vec<usize> = (0..N)
        .map(|column| {
            let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    let lines: Vec<String> = [&head].into_iter().chain(&rows).map(line).collect();
    lines.join("\n")
}
