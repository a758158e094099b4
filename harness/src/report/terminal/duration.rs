//! Lengths of time as people say them.

/// Seconds in a unit, largest first.
const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];

/// Virtual time, in its two largest units: `3h 20m`, `30d`, `45s`.
#[must_use]
pub fn virtually(seconds: f64) -> String {
    let mut rest = whole(seconds);
    let Some(first) = UNITS.iter().position(|(size, _)| rest >= *size) else {
        return "0s".to_owned();
    };
    let mut parts = Vec::new();
    for (size, name) in UNITS.iter().skip(first).take(2) {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            parts.push(format!("{count}{name}"));
        }
    }
    parts.join(" ")
}

/// Real time, with as many digits as matter: `0.004 s`, `12.3 s`, `2m 5s`.
#[must_use]
pub fn real(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.3} s", seconds.max(0.0))
    } else if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else {
        virtually(seconds)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float's cast to u64 saturates, and a negative or missing time is none"
)]
fn whole(seconds: f64) -> u64 {
    seconds.max(0.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_are_enough() {
        for (seconds, text) in [
            (0.0, "0s"),
            (0.4, "0s"),
            (45.0, "45s"),
            (600.0, "10m"),
            (12_000.0, "3h 20m"),
            (12_030.0, "3h 20m"),
            (86_400.0, "1d"),
            (86_459.0, "1d"),
            (2_592_000.0, "30d"),
            (2_599_200.0, "30d 2h"),
            (-1.0, "0s"),
            (f64::NAN, "0s"),
        ] {
            assert_eq!(virtually(seconds), text);
        }
    }

    #[test]
    fn real_time_keeps_three_digits() {
        for (seconds, text) in
            [(0.0042, "0.004 s"), (0.96, "0.960 s"), (12.34, "12.3 s"), (125.0, "2m 5s")]
        {
            assert_eq!(real(seconds), text);
        }
    }
}
