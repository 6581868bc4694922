//! Finds what was probably meant by a name that does not exist.

/// The known name nearest to this one, unless none is near: at most one letter in three is wrong, capital or
/// small is no matter.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let most = (wanted.chars().count() / 3).max(1);
    let measured =
        known.into_iter().map(|known| (strsim::osa_distance(&wanted, &known.to_lowercase()), known));
    measured.filter(|(distance, _)| *distance <= most).min().map(|(_, known)| known)
}

/// How a message goes on after a name that does not exist.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map(|known| format!("; did you mean `{known}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_what_was_meant_and_another_word_finds_nothing() {
        let known = ["accounts", "except", "group"];
        assert_eq!(nearest("acounts", known), Some("accounts"));
        assert_eq!(nearest("Gruop", known), Some("group"));
        assert_eq!(nearest("users", known), None);
    }

    #[test]
    fn of_two_that_are_as_near_the_first_by_name_is_meant_in_every_run() {
        assert_eq!(nearest("prod-3", ["prod-2", "prod-1"]), Some("prod-1"));
    }
}
