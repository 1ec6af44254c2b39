//! T-52: the calendar, counted day by day, against what a timestamp writes and reads.

use identity::{Timestamp, TimestampError};
use proptest::prelude::*;

const DAY: u64 = 86_400_000;

/// Days of a month, by the rule of Gregory XIII.
fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[track_caller]
fn check(text: &str, millis: u64) {
    let moment = Timestamp::from_millis(millis).unwrap();
    assert_eq!(moment.to_string(), text);
    assert_eq!(text.parse(), Ok(moment));
}

/// The first and last day of every month to 9999, and each day of those years in which a certificate of ours may live.
#[test]
fn every_month_of_eight_thousand_years() {
    let mut before = 0;
    for year in 1970..=9999 {
        for month in 1..=12 {
            let last = days(year, month);
            for day in 1..=last {
                if day == 1 || day == last || (2020..2060).contains(&year) {
                    let start = (before + u64::from(day) - 1) * DAY;
                    check(&format!("{year:04}-{month:02}-{day:02}T00:00:00.000Z"), start);
                    check(&format!("{year:04}-{month:02}-{day:02}T23:59:59.999Z"), start + DAY - 1);
                }
            }
            let none = format!("{year:04}-{month:02}-{:02}T00:00:00.000Z", last + 1);
            assert_eq!(none.parse::<Timestamp>(), Err(TimestampError::Form));
            before += u64::from(last);
        }
    }
    assert_eq!(before * DAY - 1, Timestamp::MAX.millis());
}

/// Whether the text is a time: digits where digits are, the rest as it is, each number within its bounds.
fn allowed(text: &str) -> bool {
    let form = "dddd-dd-ddTdd:dd:dd.dddZ";
    let fits = |(found, form): (u8, u8)| if form == b'd' { found.is_ascii_digit() } else { found == form };
    if text.len() != form.len() || !text.bytes().zip(form.bytes()).all(fits) {
        return false;
    }
    let number = |range: std::ops::Range<usize>| text[range].parse::<u32>().unwrap();
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let (hour, minute, second) = (number(11..13), number(14..16), number(17..19));
    year >= 1970
        && (1..=12).contains(&month)
        && (1..=days(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
}

#[test]
fn every_character_in_every_position() {
    for sample in ["2026-11-23T00:17:07.123Z", "2024-02-29T23:59:59.999Z", "1970-01-01T00:00:00.000Z"] {
        for position in 0..=sample.len() {
            let (before, after) = sample.split_at(position);
            for character in '\0'..='\u{ff}' {
                for text in [
                    format!("{before}{character}{}", after.get(1..).unwrap_or_default()),
                    format!("{before}{character}{after}"),
                ] {
                    let parsed = text.parse::<Timestamp>();
                    assert_eq!(parsed.is_ok(), allowed(&text), "{text:?}: {parsed:?}");
                    assert!(parsed.is_err() || parsed.unwrap().to_string() == text);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(256))]

    #[test]
    fn text_reads_back_and_sorts(one in 0..=253_402_300_799_999_u64, other in 0..=253_402_300_799_999_u64) {
        let [one, other] = [one, other].map(|millis| Timestamp::from_millis(millis).unwrap());
        prop_assert_eq!(one.to_string().parse(), Ok(one));
        prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
        prop_assert_eq!(Timestamp::from_system_time(one.to_system_time()), Ok(one));
        prop_assert_eq!(other.plus(one.since(other)), one.max(other));
        prop_assert_eq!(one.floor_second(), Timestamp::from_seconds(one.seconds()).unwrap());
    }
}
