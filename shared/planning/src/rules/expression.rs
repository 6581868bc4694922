//! A naming convention: a regular expression that reads account and permission set out of a group's name.

use regex::Regex;
use regex_syntax::ast::{self, Ast, GroupKind};
use serde::{Serialize, Serializer};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The named groups that an expression must have.
const ACCOUNT: &str = "account";
const PERMISSION_SET: &str = "permission_set";

/// Stand around the two parts while a reading is tried. Unicode sets these aside for such use; no name of a
/// group holds one (AWS refuses it, too).
const MARKS: [char; 4] = ['\u{fdd0}', '\u{fdd1}', '\u{fdd2}', '\u{fdd3}'];

/// An expression that has both named groups. It has to match a group's whole name.
#[derive(Debug, Clone)]
pub struct Expression {
    pattern: String,
    plain: Regex,
    /// As `plain`, with a mark on either side of what each of the two named groups takes.
    marked: Regex,
}

/// What a group's name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Id or name of the account.
    pub account: String,
    /// Name of the permission set.
    pub permission_set: String,
}

/// Why an expression cannot be used, and at which byte if one is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExpressionFault {
    pub(super) byte: Option<usize>,
    pub(super) message: String,
}

impl Expression {
    /// Takes an expression that can be used.
    pub(super) fn parse(pattern: &str) -> Result<Self, ExpressionFault> {
        regex_syntax::parse(pattern).map_err(|error| syntax_fault(&error))?;
        let parsed = ast::parse::Parser::new().parse(pattern).map_err(|error| syntax_fault(&error.into()))?;
        let parts = ast::visit(&parsed, Parts::default())?;
        let marked = with_marks(pattern, &parts)?;
        Ok(Self { pattern: pattern.to_owned(), plain: compile(pattern)?, marked: compile(&marked)? })
    }

    /// As the operator wrote it.
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Reads a group's name; `None` if it does not follow the convention. A name may be read in several ways
    /// (`AWS-prod-eu-Admin`): of those that the expression allows and whose account and permission set are
    /// known, the one with the longest account, then with the longest permission set. If there is none, what
    /// the expression reads by itself.
    pub fn read(
        &self,
        name: &str,
        accounts: &BTreeSet<&str>,
        permission_sets: &BTreeSet<&str>,
    ) -> Option<Reading> {
        if name.contains(MARKS) {
            return None;
        }
        let captures = self.plain.captures(name)?;
        let (account, permission_set) = (captures.name(ACCOUNT)?, captures.name(PERMISSION_SET)?);
        self.known(name, accounts, permission_sets).or_else(|| {
            Some(Reading {
                account: account.as_str().to_owned(),
                permission_set: permission_set.as_str().to_owned(),
            })
        })
    }

    fn known(
        &self,
        name: &str,
        accounts: &BTreeSet<&str>,
        permission_sets: &BTreeSet<&str>,
    ) -> Option<Reading> {
        let permission_sets = places(name, permission_sets);
        for (from, account) in places(name, accounts) {
            let to = from + account.len();
            for (start, permission_set) in &permission_sets {
                let end = start + permission_set.len();
                let apart = to <= *start || end <= from;
                if apart && self.marked.is_match(&marked_name(name, (from, to), (*start, end))) {
                    return Some(Reading {
                        account: account.to_owned(),
                        permission_set: (*permission_set).to_owned(),
                    });
                }
            }
        }
        None
    }
}

/// Where in the name known words stand, the longest word first.
fn places<'n>(name: &'n str, known: &BTreeSet<&str>) -> Vec<(usize, &'n str)> {
    let bounds: Vec<usize> = name.char_indices().map(|(at, _)| at).chain([name.len()]).collect();
    let mut places = Vec::new();
    // A name is short and an organization may be large: look up every part of the name, not every word in it.
    for (number, from) in bounds.iter().enumerate() {
        let parts = bounds[number + 1..].iter().filter_map(|to| name.get(*from..*to));
        places.extend(parts.filter(|part| known.contains(part)).map(|part| (*from, part)));
    }
    places.sort_by_key(|(_, word)| (Reverse(word.chars().count()), *word));
    places
}

fn marked_name(name: &str, account: (usize, usize), permission_set: (usize, usize)) -> String {
    insert(
        name,
        [
            (account.0, MARKS[0].to_string()),
            (account.1, MARKS[1].to_string()),
            (permission_set.0, MARKS[2].to_string()),
            (permission_set.1, MARKS[3].to_string()),
        ],
    )
}

/// Marks inside the two named groups: a marked name has each mark once, so that the marked expression matches
/// it only if the groups take exactly what stands between the marks.
fn with_marks(pattern: &str, parts: &Parts) -> Result<String, ExpressionFault> {
    let (Some(account), Some(permission_set)) = (parts.account, parts.permission_set) else {
        return Err(missing_group(parts));
    };
    if account.0 < permission_set.1 && permission_set.0 < account.1 {
        return Err(ExpressionFault {
            byte: Some(account.0.max(permission_set.0)),
            message: "one of the two named groups is inside the other: write them beside each other".into(),
        });
    }
    let around = |(from, to): (usize, usize), open: char, close: char| {
        [(from, format!("{open}(?:")), (to, format!("){close}"))]
    };
    let [a, b] = around(account, MARKS[0], MARKS[1]);
    let [c, d] = around(permission_set, MARKS[2], MARKS[3]);
    Ok(insert(pattern, [a, b, c, d]))
}

/// Inserts texts at bytes; a part that ends where the other begins is closed first.
fn insert(text: &str, mut insertions: [(usize, String); 4]) -> String {
    if insertions[2].0 < insertions[0].0 {
        insertions.rotate_left(2);
    }
    let (mut all, mut done) = (String::with_capacity(text.len() + 24), 0);
    for (at, insertion) in insertions {
        all.push_str(text.get(done..at).unwrap_or_default());
        all.push_str(&insertion);
        done = at;
    }
    all.push_str(text.get(done..).unwrap_or_default());
    all
}

/// Compiles an expression that has to match the whole of a text.
fn compile(pattern: &str) -> Result<Regex, ExpressionFault> {
    Regex::new(&format!(r"\A(?:{pattern})\z")).map_err(|_| ExpressionFault {
        byte: None,
        message: "the expression is too large, or its end is a comment: write a simpler one".into(),
    })
}

fn syntax_fault(error: &regex_syntax::Error) -> ExpressionFault {
    let (byte, what) = match error {
        regex_syntax::Error::Parse(error) => (Some(error.span().start.offset), error.kind().to_string()),
        regex_syntax::Error::Translate(error) => (Some(error.span().start.offset), error.kind().to_string()),
        other => (None, other.to_string()),
    };
    ExpressionFault { byte, message: format!("the regular expression cannot be read: {what}") }
}

fn missing_group(parts: &Parts) -> ExpressionFault {
    let missing: Vec<String> = [(ACCOUNT, parts.account), (PERMISSION_SET, parts.permission_set)]
        .iter()
        .filter(|(_, part)| part.is_none())
        .map(|(name, _)| format!("`(?<{name}>…)`"))
        .collect();
    let missing = missing.join(" and ");
    ExpressionFault {
        byte: None,
        message: format!(
            "the expression has no {missing}: add it, or add the keys `permission_set` and `accounts` if this is \
             the name of one group"
        ),
    }
}

/// Where the insides of the two named groups stand in the expression.
#[derive(Default)]
struct Parts {
    account: Option<(usize, usize)>,
    permission_set: Option<(usize, usize)>,
}

impl ast::Visitor for Parts {
    type Output = Self;
    type Err = ExpressionFault;

    fn finish(self) -> Result<Self, ExpressionFault> {
        Ok(self)
    }

    fn visit_pre(&mut self, node: &Ast) -> Result<(), ExpressionFault> {
        match node {
            Ast::Group(group) => {
                let span = group.ast.span();
                let inside = Some((span.start.offset, span.end.offset));
                match &group.kind {
                    GroupKind::CaptureName { name, .. } if name.name == ACCOUNT => self.account = inside,
                    GroupKind::CaptureName { name, .. } if name.name == PERMISSION_SET => {
                        self.permission_set = inside;
                    }
                    _ => {}
                }
                Ok(())
            }
            // Between a mark and a letter there is no such boundary where there was one without the mark.
            Ast::Assertion(assertion) if is_word_boundary(&assertion.kind) => Err(ExpressionFault {
                byte: Some(assertion.span.start.offset),
                message: r"word boundaries (`\b`) are not known here: write the separator itself".into(),
            }),
            _ => Ok(()),
        }
    }
}

fn is_word_boundary(kind: &ast::AssertionKind) -> bool {
    use ast::AssertionKind::{EndLine, EndText, StartLine, StartText};
    !matches!(kind, StartLine | EndLine | StartText | EndText)
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Eq for Expression {}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ACCOUNTS: [&str; 4] = ["prod", "prod-eu", "111122223333", "shop"];
    const SETS: [&str; 3] = ["Admin", "eu-Admin", "View"];

    fn read(pattern: &str, name: &str) -> Option<(String, String)> {
        let (accounts, sets) = (BTreeSet::from(ACCOUNTS), BTreeSet::from(SETS));
        let reading = Expression::parse(pattern).unwrap().read(name, &accounts, &sets)?;
        Some((reading.account, reading.permission_set))
    }

    fn both(account: &str, permission_set: &str) -> Option<(String, String)> {
        Some((account.to_owned(), permission_set.to_owned()))
    }

    fn fault(pattern: &str) -> ExpressionFault {
        Expression::parse(pattern).unwrap_err()
    }

    #[test]
    fn of_two_accounts_that_a_name_may_mean_it_means_the_longer_one() {
        let pattern = "^AWS-(?<account>.+)-(?<permission_set>.+)$";
        assert_eq!(read(pattern, "AWS-prod-eu-Admin"), both("prod-eu", "Admin"));
        let reluctant = "^AWS-(?<account>.+?)-(?P<permission_set>.+)$";
        assert_eq!(read(reluctant, "AWS-prod-eu-Admin"), both("prod-eu", "Admin"));
        let turned_round = "(?<permission_set>.+)@(?<account>.+)";
        assert_eq!(read(turned_round, "View@111122223333"), both("111122223333", "View"));
    }

    #[test]
    fn account_and_permission_set_do_not_share_a_letter_of_the_name() {
        let pattern = "AWS-(?<account>.+?)-?(?<permission_set>.+)";
        assert_eq!(read(pattern, "AWS-prod-eu-Admin"), both("prod-eu", "Admin"));
    }

    #[test]
    fn a_name_that_holds_a_mark_of_ours_follows_no_convention() {
        assert_eq!(read("(?<account>.+)-(?<permission_set>.+)", "\u{fdd0}prod-View"), None);
    }

    #[test]
    fn a_longer_account_counts_only_where_the_expression_allows_it() {
        let pattern = "AWS-(?<account>[^-]+)-(?<permission_set>.+)";
        assert_eq!(read(pattern, "AWS-prod-eu-Admin"), both("prod", "eu-Admin"));
    }

    #[test]
    fn what_is_not_known_is_read_as_the_expression_reads_it() {
        let pattern = "AWS-(?<account>[^-]+)-(?<permission_set>.+)";
        assert_eq!(read(pattern, "AWS-prd-Admin"), both("prd", "Admin"));
        assert_eq!(read(pattern, "AWS-prod-Adm"), both("prod", "Adm"));
    }

    #[test]
    fn a_name_has_to_follow_the_convention_from_its_first_letter_to_its_last() {
        let pattern = "AWS-(?<account>prod)-(?<permission_set>View|Admin)";
        assert_eq!(read(pattern, "AWS-prod-Admin"), both("prod", "Admin"));
        assert_eq!(read(pattern, "my AWS-prod-Admin"), None);
        assert_eq!(read(pattern, "AWS-prod-Admins"), None);
    }

    #[test]
    fn a_part_that_is_optional_says_nothing_where_it_is_missing() {
        let pattern = "AWS(?:-(?<account>[a-z]+))?-(?<permission_set>[A-Z].+)";
        assert_eq!(read(pattern, "AWS-Admin"), None);
        assert_eq!(read(pattern, "AWS-shop-Admin"), both("shop", "Admin"));
    }

    #[test]
    fn an_expression_that_cannot_be_used_says_where_and_why() {
        assert_eq!(fault("(?<account>a)(?<permission_set>b").byte, Some(13));
        assert!(fault("(?<account>a)-x").message.contains("`(?<permission_set>…)`"));
        assert!(fault("Platform").message.contains("`(?<account>…)` and `(?<permission_set>…)`"));
        assert_eq!(fault(r"a\b(?<account>b)(?<permission_set>c)").byte, Some(1));
        assert_eq!(fault("(?<account>a(?<permission_set>b))").byte, Some(30));
        assert!(fault(r"(?<account>\w{900}{900})(?<permission_set>c)").message.contains("too large"));
    }

    proptest! {
        #[test]
        fn a_known_reading_is_one_that_the_expression_allows_and_the_longest(
            parts in proptest::collection::vec("prod|eu|shop|Admin|View", 2..5),
        ) {
            let name = parts.join("-");
            let pattern = "(?<account>.+)-(?<permission_set>.+)";
            let splits = name.match_indices('-').map(|(at, _)| (&name[..at], &name[at + 1..]));
            let known = splits.filter(|(account, set)| ACCOUNTS.contains(account) && SETS.contains(set));
            if let Some((account, set)) = known.max_by_key(|(account, _)| account.len()) {
                prop_assert_eq!(read(pattern, &name), both(account, set));
            }
        }
    }
}
