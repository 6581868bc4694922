//! The character classes and patterns of the API model.

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

/// The id of an identity store, or its ARN.
pub(super) fn is_store_id(text: &str) -> bool {
    let id = match text.starts_with("arn:") {
        true => text.split_once(":identitystore::").and_then(|(partition, rest)| {
            let (account, id) = rest.split_once(":identitystore/")?;
            let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
            (is_partition(partition) && digits).then_some(id)
        }),
        false => Some(text),
    };
    id.is_some_and(|id| match id.strip_prefix("d-") {
        Some(digits) => digits.len() == 10 && digits.bytes().all(is_lower_hex),
        None => is_uuid(id) && !id.bytes().any(|byte| byte.is_ascii_uppercase()),
    })
}

/// The id of a user, group or membership, or its ARN.
pub(super) fn is_resource_id(text: &str) -> bool {
    let id = match resource_of_arn(text) {
        Some((kind, id)) => ["user", "group", "membership"].contains(&kind).then_some(id),
        None => Some(text),
    };
    id.is_some_and(|id| {
        let prefixed = id.split_once('-').filter(|(prefix, _)| prefix.len() == 10);
        match prefixed {
            Some((prefix, uuid)) => prefix.bytes().all(is_lower_hex) && is_uuid(uuid),
            None => is_uuid(id),
        }
    })
}

/// `arn:aws:sso:::instance/ssoins-` and sixteen characters.
pub(super) fn is_instance_arn(text: &str) -> bool {
    let parts = text.split_once(":sso:::instance/");
    parts.is_some_and(|(partition, instance)| is_partition(partition) && is_instance(instance))
}

/// `arn:aws:sso:::permissionSet/`, the instance, `/ps-` and sixteen characters.
pub(super) fn is_permission_set_arn(text: &str) -> bool {
    let parts = text.split_once(":sso:::permissionSet/").and_then(|(partition, rest)| {
        let (instance, set) = rest.split_once('/')?;
        Some((partition, instance, set.strip_prefix("ps-")?))
    });
    parts.is_some_and(|(partition, instance, set)| {
        is_partition(partition) && is_instance(instance) && set.len() == 16 && set.bytes().all(is_admin_id)
    })
}

fn is_instance(text: &str) -> bool {
    let id = text.strip_prefix("sso").unwrap_or(text).strip_prefix("ins-");
    id.is_some_and(|id| id.len() == 16 && id.bytes().all(is_admin_id))
}

fn is_admin_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.".contains(&byte)
}

/// The kind and the id in `arn:aws:identitystore:::user/{id}`.
pub(super) fn resource_of_arn(text: &str) -> Option<(&str, &str)> {
    let (partition, resource) = text.split_once(":identitystore:::")?;
    let (kind, id) = resource.split_once('/')?;
    is_partition(partition).then_some((kind, id))
}

/// `letters(.letters){0,2}` or `letters:letters:letters(.letters){0,3}`.
pub(super) fn is_attribute_path(text: &str) -> bool {
    let mut parts = text.split('.');
    let first: Vec<&str> = parts.next().unwrap_or_default().split(':').collect();
    let rest: Vec<&str> = parts.collect();
    let most = match first.len() {
        1 => 2,
        3 => 3,
        _ => return false,
    };
    rest.len() <= most
        && first.iter().chain(&rest).all(|part| !part.is_empty() && part.chars().all(is_letter))
}

/// `aws:identitystore:` and 1 to 20 lower-case letters.
pub(super) fn is_extension_name(text: &str) -> bool {
    text.strip_prefix("aws:identitystore:").is_some_and(|name| {
        (1..=20).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase())
    })
}

/// `[-a-zA-Z0-9+=/:_]*`
pub(super) fn is_page_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+=/:_".contains(&byte))
}

fn is_partition(text: &str) -> bool {
    let rest = text.strip_prefix("arn:aws");
    rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
}

pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// `\p{L}`
fn is_letter(c: char) -> bool {
    use GeneralCategory::*;
    let letters = [UppercaseLetter, LowercaseLetter, TitlecaseLetter, ModifierLetter, OtherLetter];
    letters.contains(&get_general_category(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_may_be_an_arn_and_nothing_that_only_looks_like_one() {
        let uuid = "00000000-0000-4000-8000-00000000000A";
        for good in [uuid, &format!("9067642ac7-{uuid}"), &format!("arn:aws-cn:identitystore:::group/{uuid}")]
        {
            assert!(is_resource_id(good), "{good} was refused");
        }
        for bad in
            [&format!("9067642AC7-{uuid}"), &format!("arn:aws:identitystore:::role/{uuid}"), &uuid[1..]]
        {
            assert!(!is_resource_id(bad), "{bad} was taken");
        }
        assert!(is_store_id("arn:aws:identitystore::111122223333:identitystore/d-9067642ac7"));
        for bad in
            ["d-9067642AC7", "x/d-9067642ac7", "arn:aws:identitystore::1:identitystore/d-9067642ac7", uuid]
        {
            assert!(!is_store_id(bad), "{bad} was taken");
        }
    }

    #[test]
    fn a_path_has_letters_between_dots() {
        for good in ["userName", "a.b.c", "aws:identitystore:enterprise", "a:b:c.d.e.f", "größe"] {
            assert!(is_attribute_path(good), "{good} was refused");
        }
        for bad in ["a.b.c.d", "a:b", "a:b:c.d.e.f.g", "a..b", "user_name", "emails[0].value"] {
            assert!(!is_attribute_path(bad), "{bad} was taken");
        }
    }

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
