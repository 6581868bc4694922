//! The character classes of the API model.

use unicode_general_category::{GeneralCategory, get_general_category};

/// `[\p{L}\p{M}\p{S}\p{N}\p{P}]`: what a user name may hold.
pub(super) fn is_visible(c: char) -> bool {
    use GeneralCategory::*;
    matches!(
        get_general_category(c),
        UppercaseLetter
            | LowercaseLetter
            | TitlecaseLetter
            | ModifierLetter
            | OtherLetter
            | NonspacingMark
            | SpacingMark
            | EnclosingMark
            | MathSymbol
            | CurrencySymbol
            | ModifierSymbol
            | OtherSymbol
            | DecimalNumber
            | LetterNumber
            | OtherNumber
            | ConnectorPunctuation
            | DashPunctuation
            | OpenPunctuation
            | ClosePunctuation
            | InitialPunctuation
            | FinalPunctuation
            | OtherPunctuation
    )
}

/// What other texts may hold: the same, tabs, line ends and three kinds of spaces.
pub(super) fn is_text(c: char) -> bool {
    is_visible(c) || matches!(c, '\t' | '\n' | '\r' | ' ' | '\u{a0}' | '\u{3000}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_can_see_is_no_text() {
        for c in ['\u{200b}', '\u{ad}', '\u{0}', '\u{202e}', '\u{2028}'] {
            assert!(!is_text(c), "{c:?} was taken");
        }
    }

    #[test]
    fn letters_of_every_script_and_symbols_are_text() {
        for c in ['é', 'Ж', '漢', 'ا', '🦀', '#', '@', '·'] {
            assert!(is_visible(c), "{c:?} was refused");
        }
    }
}
