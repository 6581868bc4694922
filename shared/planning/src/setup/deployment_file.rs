//! `samconfig.toml`: what `sam deploy` is told. Only what the set-up knows is changed; the rest stays byte for byte.

use std::collections::BTreeMap;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

const TABLE: &str = "default.deploy.parameters";
const OVERRIDES: &str = "parameter_overrides";

/// What the file has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentFile {
    /// `stack_name`.
    pub stack: String,
    /// `region`.
    pub region: String,
    /// `parameter_overrides`; an empty value takes the parameter out.
    pub parameters: BTreeMap<String, String>,
}

/// A file that is not understood, and so not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableFile {
    /// No TOML.
    #[error("samconfig.toml is no TOML ({0}): correct it, or move it away so that a new one is written")]
    NoToml(String),
    /// TOML, but of another form.
    #[error(
        "samconfig.toml has {0} in another form than `sam deploy --guided` writes: put it under [default.deploy.parameters], \
         as a text or a list of texts"
    )]
    OtherForm(&'static str),
}

/// The parameters that a file gives, and whether it names stack, Region and capability as wanted.
///
/// # Errors
/// When the file is not understood.
pub fn parameters_of(
    text: &str,
    wanted: &DeploymentFile,
) -> Result<(BTreeMap<String, String>, bool), UnreadableFile> {
    let document = parsed(text)?;
    let overrides = value(&document, OVERRIDES).map(|(_, value)| texts(value, OVERRIDES)).transpose()?;
    let pairs = overrides.unwrap_or_default().iter().flat_map(|text| pairs(text)).collect::<Vec<_>>();
    let parameters = pairs.into_iter().filter_map(|pair| match pair {
        Pair::Parameter(name, value) => Some((name, value)),
        Pair::Other(_) => None,
    });
    let is = |name: &'static str, wanted: &str| {
        value(&document, name)
            .is_some_and(|(_, value)| texts(value, name).is_ok_and(|texts| texts == [wanted]))
    };
    let capability = value(&document, "capabilities").is_some_and(|(_, value)| {
        texts(value, "capabilities").is_ok_and(|texts| texts.join(" ").contains(CAPABILITY))
    });
    let named = is("stack_name", &wanted.stack) && is("region", &wanted.region) && capability;
    Ok((parameters.collect(), named))
}

/// Roles have fixed names.
const CAPABILITY: &str = "CAPABILITY_NAMED_IAM";

/// The file's text with what is wanted; `text` is empty if there is no file yet.
///
/// # Errors
/// When the file is not understood.
pub fn edited(text: &str, wanted: &DeploymentFile) -> Result<String, UnreadableFile> {
    let document = parsed(text)?;
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    let mut set = |name: &'static str, written: String| match value(&document, name) {
        Some((place, _)) => edits.push((place, written)),
        None => lines.push(format!("{name} = {written}\n")),
    };
    set("stack_name", quoted(&wanted.stack));
    set("region", quoted(&wanted.region));
    let capabilities = value(&document, "capabilities").map(|(_, value)| texts(value, "capabilities"));
    let capabilities = capabilities.transpose()?.unwrap_or_default();
    if !capabilities.join(" ").contains(CAPABILITY) {
        // It includes what CAPABILITY_IAM allows.
        let others = capabilities.iter().flat_map(|text| text.split_whitespace());
        let others = others.filter(|text| *text != "CAPABILITY_IAM");
        let all: Vec<&str> = others.chain([CAPABILITY]).collect();
        set("capabilities", quoted(&all.join(" ")));
    }
    let overrides = value(&document, OVERRIDES).map(|(_, value)| texts(value, OVERRIDES)).transpose()?;
    set(OVERRIDES, overridden(&overrides.unwrap_or_default(), &wanted.parameters));
    if !lines.is_empty() {
        let (at, before) = place_of_lines(text, &document)?;
        edits.push((at..at, format!("{before}{}", lines.concat())));
    }
    // From the end, so that places before it stay as they are.
    edits.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
    let mut edited = text.to_owned();
    for (place, written) in edits {
        edited.replace_range(place, &written);
    }
    Ok(edited)
}

/// A list, one parameter a line: those that are there in their order, then new ones.
fn overridden(found: &[String], wanted: &BTreeMap<String, String>) -> String {
    let mut open = wanted.clone();
    let mut entries: Vec<String> = Vec::new();
    for pair in found.iter().flat_map(|text| pairs(text)) {
        match pair {
            Pair::Other(text) => entries.push(text),
            Pair::Parameter(name, value) => {
                let value = open.remove(&name).unwrap_or(value);
                if !(value.is_empty() && wanted.contains_key(&name)) {
                    entries.push(entry(&name, &value));
                }
            }
        }
    }
    entries
        .extend(open.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| entry(name, value)));
    let lines: String = entries.iter().map(|entry| format!("    {},\n", quoted(entry))).collect();
    format!("[\n{lines}]")
}

fn entry(name: &str, value: &str) -> String {
    let plain = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c == '"' || c == '\'');
    if plain { format!("{name}={value}") } else { format!("{name}=\"{}\"", value.replace('"', "\\\"")) }
}

enum Pair {
    Parameter(String, String),
    /// A reference to another file, for example.
    Other(String),
}

/// `Name=value Name="a value" ParameterKey=Name,ParameterValue=value`, as `sam deploy` takes them.
fn pairs(text: &str) -> Vec<Pair> {
    words(text).into_iter().map(|word| pair(&word)).collect()
}

fn pair(word: &str) -> Pair {
    let long = word.strip_prefix("ParameterKey=").and_then(|rest| rest.split_once(",ParameterValue="));
    match long.or_else(|| word.split_once('=')) {
        Some((name, value)) if name.chars().all(|c| c.is_ascii_alphanumeric()) => {
            let quotes = |text: &str| {
                text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).map(str::to_owned)
            };
            let value = quotes(value).map_or_else(|| value.to_owned(), |value| value.replace("\\\"", "\""));
            Pair::Parameter(name.to_owned(), value)
        }
        _ => Pair::Other(word.to_owned()),
    }
}

/// Parts between white space that does not stand in quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        match words.last_mut() {
            Some(word) if quoted || !c.is_whitespace() => word.push(c),
            _ => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn parsed(text: &str) -> Result<DeTable<'_>, UnreadableFile> {
    let parsed = DeTable::parse(text).map_err(|error| UnreadableFile::NoToml(error.message().to_owned()))?;
    Ok(parsed.into_inner())
}

/// A value under `[default.deploy.parameters]`, and where it stands.
fn value<'a, 't>(document: &'a DeTable<'t>, name: &str) -> Option<(Range<usize>, &'a DeValue<'t>)> {
    let found = table(document)?.get(name)?;
    Some((found.span(), found.get_ref()))
}

fn table<'a, 't>(document: &'a DeTable<'t>) -> Option<&'a DeTable<'t>> {
    let mut table = document;
    for part in TABLE.split('.') {
        table = match table.get(part)?.get_ref() {
            DeValue::Table(table) => table,
            _ => return None,
        };
    }
    Some(table)
}

fn texts(value: &DeValue<'_>, name: &'static str) -> Result<Vec<String>, UnreadableFile> {
    match value {
        DeValue::String(text) => Ok(vec![text.to_string()]),
        DeValue::Array(items) => items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Ok(text.to_string()),
                _ => Err(UnreadableFile::OtherForm(name)),
            })
            .collect(),
        _ => Err(UnreadableFile::OtherForm(name)),
    }
}

/// Where new lines of the table go: behind its heading, or at the end under a new one.
fn place_of_lines(text: &str, document: &DeTable<'_>) -> Result<(usize, String), UnreadableFile> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let heading: String = line.split('#').next().unwrap_or_default().split_whitespace().collect();
        if heading == format!("[{TABLE}]") {
            let before = if line.ends_with('\n') { "" } else { "\n" };
            return Ok((end, before.to_owned()));
        }
        start = end;
    }
    if table(document).is_some() {
        return Err(UnreadableFile::OtherForm("[default.deploy.parameters]"));
    }
    let version = if text.trim().is_empty() { "version = 0.1\n" } else { "" };
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    Ok((text.len(), format!("{gap}{version}\n[{TABLE}]\n")))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> DeploymentFile {
        let parameters =
            [("EntraTenantId", "8eb3fdd4"), ("EntraClientId", "5a1f7c2e"), ("EntraCredentialSecret", "")];
        DeploymentFile {
            stack: "entra-mirror".to_owned(),
            region: "eu-central-1".to_owned(),
            parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_made_whole() {
        let text = edited("", &wanted()).unwrap();
        let (parameters, named) = parameters_of(&text, &wanted()).unwrap();
        assert!(named, "{text}");
        assert_eq!(parameters.get("EntraTenantId").map(String::as_str), Some("8eb3fdd4"), "{text}");
        assert!(!text.contains("EntraCredentialSecret") && text.starts_with("version = 0.1\n"), "{text}");
    }

    #[test]
    fn writing_twice_changes_nothing() {
        let once = edited("", &wanted()).unwrap();
        assert_eq!(edited(&once, &wanted()).unwrap(), once);
    }

    #[test]
    fn what_somebody_else_wrote_stays_byte_for_byte() {
        let text = "# ours\nversion = 0.1\n\n[default.build.parameters]\ncached = true   # fast\n\n\
                    [default.deploy.parameters] # here\nresolve_s3 = true\nregion = 'us-west-2'\n\
                    capabilities = \"CAPABILITY_IAM\"\n\
                    parameter_overrides = \"LogLevel=\\\"DEBUG\\\" EntraTenantId=\\\"old\\\" Note=\\\"a b\\\"\"\n\n\
                    [prod.deploy.parameters]\nregion = \"us-east-1\"\n";
        let text = edited(text, &wanted()).unwrap();
        for kept in [
            "# ours\n",
            "cached = true   # fast\n",
            "[default.deploy.parameters] # here\n",
            "resolve_s3 = true\n",
            "\"LogLevel=DEBUG\"",
            "\"Note=\\\"a b\\\"\"",
            "[prod.deploy.parameters]\nregion = \"us-east-1\"\n",
        ] {
            assert!(text.contains(kept), "{kept} is gone: {text}");
        }
        assert!(text.contains("region = \"eu-central-1\"\n") && !text.contains("us-west-2"), "{text}");
        assert!(text.contains("\"EntraTenantId=8eb3fdd4\"") && !text.contains("old"), "{text}");
        assert!(text.contains("capabilities = \"CAPABILITY_NAMED_IAM\"\n"), "{text}");
    }

    #[test]
    fn every_form_of_parameters_is_understood() {
        for form in
            ["\"A=1 B=\\\"2 3\\\"\"", "[\"A=1\", 'B=\"2 3\"']", "'ParameterKey=A,ParameterValue=1 B=\"2 3\"'"]
        {
            let text = format!("[default.deploy.parameters]\nparameter_overrides = {form}\n");
            let (parameters, _) = parameters_of(&text, &wanted()).unwrap();
            assert_eq!(parameters.get("A").map(String::as_str), Some("1"), "{form}");
            assert_eq!(parameters.get("B").map(String::as_str), Some("2 3"), "{form}");
        }
    }

    #[test]
    fn a_parameter_that_is_not_wanted_any_more_is_taken_out() {
        let text = "[default.deploy.parameters]\nparameter_overrides = \"EntraCredentialSecret=arn:x\"\n";
        assert!(!edited(text, &wanted()).unwrap().contains("arn:x"));
    }

    #[test]
    fn a_file_that_is_not_understood_is_not_changed() {
        assert!(matches!(edited("[default", &wanted()), Err(UnreadableFile::NoToml(_))));
        let other = "default.deploy.parameters = { resolve_s3 = true }\n";
        assert!(matches!(edited(other, &wanted()), Err(UnreadableFile::OtherForm(_))));
    }
}
