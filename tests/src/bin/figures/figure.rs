//! A figure, its bound, and how both are printed.

use serde::Serialize;
use std::fmt;

/// What a figure may be at the most, or must be at the least.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Met by this and everything below.
    AtMost(f64),
    /// Met by this and everything above.
    AtLeast(f64),
}

/// A measured value beside its bound.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Words joined by `-`, from the general to the particular, so that a prefix selects what belongs together.
    pub name: String,
    /// What was measured.
    pub value: f64,
    /// Of the value and the bound.
    pub unit: &'static str,
    /// What the project holds itself to.
    pub bound: Bound,
    /// How often it was measured; the last one counts.
    pub tries: u32,
}

impl Figure {
    /// A figure that was measured once.
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str, bound: Bound) -> Self {
        Self { name: name.into(), value, unit, bound, tries: 1 }
    }

    /// True if the bound is kept. A value that is no number keeps none.
    pub fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtMost(limit) => self.value <= limit,
            Bound::AtLeast(limit) => self.value >= limit,
        }
    }

    /// One JSON object on one line.
    ///
    /// # Errors
    /// When the value is no number that JSON can hold.
    pub fn json(&self) -> serde_json::Result<String> {
        let (limit, kind) = match self.bound {
            Bound::AtMost(limit) => (limit, "at most"),
            Bound::AtLeast(limit) => (limit, "at least"),
        };
        serde_json::to_string(&Line {
            name: &self.name,
            value: self.value,
            unit: self.unit,
            bound: limit,
            bound_is: kind,
            met: self.is_met(),
            tries: self.tries,
        })
    }
}

impl fmt::Display for Figure {
    /// Name, value, unit, bound, and whether it is met.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = shown(self.value);
        let bound = match self.bound {
            Bound::AtMost(limit) => format!("at most {}", shown(limit)),
            Bound::AtLeast(limit) => format!("at least {}", shown(limit)),
        };
        let met = if self.is_met() { "met" } else { "MISSED" };
        write!(f, "{:<50} {value:>10} {:<19} {bound:<16} {met}", self.name, self.unit)?;
        if self.tries > 1 {
            write!(f, " (measured {} times)", self.tries)?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    value: f64,
    unit: &'a str,
    bound: f64,
    bound_is: &'a str,
    met: bool,
    tries: u32,
}

/// Counts are whole, times have two places.
fn shown(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_its_bound_meets_it_and_one_beyond_does_not() {
        let calls = |value| Figure::new("calls", value, "calls", Bound::AtMost(2.0)).is_met();
        let rate = |value| Figure::new("rate", value, "a second", Bound::AtLeast(2.0)).is_met();
        assert_eq!((calls(2.0), calls(2.1)), (true, false));
        assert_eq!((rate(2.0), rate(1.9)), (true, false));
    }

    #[test]
    fn what_is_no_number_meets_no_bound() {
        assert!(!Figure::new("lag", f64::NAN, "ms", Bound::AtMost(10.0)).is_met());
        assert!(!Figure::new("rate", f64::NAN, "a second", Bound::AtLeast(10.0)).is_met());
    }

    #[test]
    fn a_missed_figure_says_so_in_both_forms() {
        let figure = Figure::new("lag-median", 12.5, "ms", Bound::AtMost(10.0));
        assert!(figure.to_string().ends_with("MISSED"), "{figure}");
        assert!(figure.json().unwrap().contains(r#""met":false"#));
    }
}
