//! The rules, as far as they can be used.

use super::ports::RulesReader;
use crate::ports::{CallError, Cause};
use planning::rules::{Document, Fault, Rules};

/// Reads the rules.
///
/// # Errors
/// When they cannot be read, or have an error: [`Cause::Incomplete`] names its line and column.
pub(super) async fn usable(reader: &dyn RulesReader) -> Result<Rules, CallError> {
    let document = Document::read(&reader.text().await?);
    document.into_rules().map_err(|faults| CallError::new("read rules", "", faulty(&faults)))
}

/// Where the first fault is. Its text may quote names out of the rules, and stays out of logs.
fn faulty(faults: &[Fault]) -> Cause {
    let place = faults.first().map_or_else(String::new, |fault| format!(" at {}", fault.at));
    let missing = format!(
        "the rules have {} errors, the first{place}; nobody's access changes before they are corrected: look at them \
         with `entra-mirror rules check`, and store what it passes with `entra-mirror rules push`",
        faults.len()
    );
    Cause::Incomplete { missing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_by_its_place_and_not_by_names() {
        let faults = Document::read("[[grant]]\ngroup = \"Secret Project\"\npermission = 1\n").into_rules();
        let text = faulty(&faults.unwrap_err()).to_string();
        assert!(text.contains("errors, the first at ") && !text.contains("Secret"), "{text}");
    }
}
