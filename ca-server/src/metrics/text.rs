//! The text that Prometheus reads (exposition format 0.0.4): HELP, TYPE, samples. Knows the format; knows no metric.
//!
//! A hundred lines in the place of the crates `metrics` and `metrics-exporter-prometheus`, which bring twelve others: all
//! that is asked of them here is this text.

use std::fmt::{self, Write as _};

use super::family::{Family, Kind};
use super::histogram::Seen;

/// How `GET /metrics` names its content.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A number, as it is written: in base units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Things.
    Ones(u64),
    /// A time that may have passed: whole seconds, negative then.
    Seconds(i64),
    /// A time in nanoseconds, written as seconds.
    Nanoseconds(u64),
    /// A point in time or a time in milliseconds, written as seconds.
    Milliseconds(u64),
}

/// Writes families one after the other.
#[derive(Default)]
pub struct Text(String);

/// Writes the samples of one family.
pub struct Samples<'a> {
    family: &'static Family,
    text: &'a mut String,
}

impl Text {
    /// Begins a family: its samples follow, and nothing else may come between.
    pub fn family(&mut self, family: &'static Family) -> Samples<'_> {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let name = family.name;
        let help = family.help.replace('\\', r"\\").replace('\n', r"\n");
        write_line(&mut self.0, format_args!("# HELP {name} {help}"));
        write_line(&mut self.0, format_args!("# TYPE {name} {kind}"));
        Samples { family, text: &mut self.0 }
    }

    /// All that was written.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Samples<'_> {
    /// A sample with these labels.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: Amount) -> &mut Self {
        write_line(self.text, format_args!("{}{} {value}", self.family.name, Labels(labels)));
        self
    }

    /// The one sample of a family without labels.
    pub fn value(&mut self, value: Amount) {
        self.sample(&[], value);
    }

    /// The samples of a histogram.
    pub(super) fn histogram(&mut self, seen: &Seen) {
        let name = self.family.name;
        for (bound, count) in &seen.buckets {
            write_line(self.text, format_args!("{name}_bucket{{le=\"{bound}\"}} {count}"));
        }
        write_line(self.text, format_args!("{name}_bucket{{le=\"+Inf\"}} {}", seen.count));
        write_line(self.text, format_args!("{name}_sum {}", seen.sum));
        write_line(self.text, format_args!("{name}_count {}", seen.count));
    }
}

struct Labels<'a>(&'a [(&'a str, &'a str)]);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.0.iter().enumerate() {
            let value = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            write!(f, "{}{name}=\"{value}\"", if at == 0 { '{' } else { ',' })?;
        }
        if self.0.is_empty() { Ok(()) } else { f.write_char('}') }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ones(ones) => write!(f, "{ones}"),
            Self::Seconds(seconds) => write!(f, "{seconds}"),
            Self::Nanoseconds(nanoseconds) => decimal(f, *nanoseconds, 1_000_000_000, 9),
            Self::Milliseconds(milliseconds) => decimal(f, *milliseconds, 1000, 3),
        }
    }
}

/// `value / unit` without rounding, and without zeros at the end.
fn decimal(f: &mut fmt::Formatter<'_>, value: u64, unit: u64, digits: usize) -> fmt::Result {
    let fraction = format!("{:0digits$}", value % unit);
    match fraction.trim_end_matches('0') {
        "" => write!(f, "{}", value / unit),
        fraction => write!(f, "{}.{fraction}", value / unit),
    }
}

/// Writing to a String does not fail.
fn write_line(text: &mut String, line: fmt::Arguments<'_>) {
    if text.write_fmt(line).is_ok() {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(amount: Amount, written: &str) {
        assert_eq!(amount.to_string(), written);
    }

    #[test]
    fn amounts_are_written_in_base_units() {
        check(Amount::Ones(u64::MAX), "18446744073709551615");
        check(Amount::Seconds(-3), "-3");
        check(Amount::Nanoseconds(100_000), "0.0001");
        check(Amount::Nanoseconds(1), "0.000000001");
        check(Amount::Nanoseconds(5_000_000_000), "5");
        check(Amount::Nanoseconds(0), "0");
        check(Amount::Milliseconds(1_800_000_000_250), "1800000000.25");
    }

    #[test]
    fn labels_are_escaped() {
        let family = &Family { name: "a_total", kind: Kind::Counter, help: "A\\b\nc." };
        let mut text = Text::default();
        text.family(family).sample(&[("x", "\"\\\n"), ("y", "é")], Amount::Ones(1)).value(Amount::Ones(2));
        let wanted = concat!(
            "# HELP a_total A\\\\b\\nc.\n",
            "# TYPE a_total counter\n",
            "a_total{x=\"\\\"\\\\\\n\",y=\"é\"} 1\n",
            "a_total 2\n",
        );
        assert_eq!(text.into_string(), wanted);
    }
}
