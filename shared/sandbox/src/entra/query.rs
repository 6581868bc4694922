//! A Graph request, and its OData query.

use super::answer::GraphError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use url::form_urlencoded;

/// Items of a page unless `$top` says otherwise.
pub const PAGE: usize = 100;
/// The most that `$top` may ask for.
const LARGEST_PAGE: usize = 999;

/// A request, taken apart.
#[derive(Debug, Clone)]
pub struct GraphRequest {
    /// The method.
    pub method: String,
    /// The path under the version, decoded, in segments.
    pub segments: Vec<String>,
    /// The query.
    pub query: Query,
    /// `ConsistencyLevel: eventual` was sent.
    pub eventual: bool,
    /// `Prefer: create-if-missing` was sent.
    pub creates_if_missing: bool,
    /// The alternate key that the path names.
    pub unique_name: Option<String>,
    /// The body; null if there is none.
    pub body: Value,
    /// The address of Graph as the caller sees it, for absolute links.
    pub base: String,
}

/// The options of a query. Those that Graph does not know are refused.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// `$select`.
    pub select: Option<Vec<String>>,
    /// `$filter`.
    pub filter: Option<String>,
    /// `$expand`.
    pub expand: Option<String>,
    /// `$orderby`.
    pub order_by: Option<String>,
    /// `$search`.
    pub search: Option<String>,
    /// `$top`.
    pub top: Option<usize>,
    /// `$count=true`.
    pub count: bool,
    /// `$skiptoken`.
    pub skip_token: Option<String>,
    /// `$deltatoken`.
    pub delta_token: Option<String>,
}

impl GraphRequest {
    /// Takes apart a path with its query, such as `/users/{id}?$select=id`.
    pub fn parse(
        method: &str,
        path_and_query: &str,
        eventual: bool,
        body: Value,
        base: &str,
    ) -> Result<Self, GraphError> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let segments = path.split('/').filter(|segment| !segment.is_empty()).map(decoded).collect();
        Ok(Self {
            method: method.to_owned(),
            segments,
            query: Query::parse(query)?,
            eventual,
            creates_if_missing: false,
            unique_name: None,
            body,
            base: base.to_owned(),
        })
    }

    /// True for GETs, and for the POSTs that only ask.
    pub fn only_reads(&self) -> bool {
        let last = self.segments.last().map(String::as_str);
        self.method == "GET"
            || (self.method == "POST" && matches!(last, Some("getByIds" | "checkMemberGroups")))
    }

    /// Refuses the options that this path does not take here.
    pub fn refuse(&self, options: &[&str]) -> Result<(), GraphError> {
        let given = |name: &&&str| match **name {
            "$select" => self.query.select.is_some(),
            "$filter" => self.query.filter.is_some(),
            "$expand" => self.query.expand.is_some(),
            "$orderby" => self.query.order_by.is_some(),
            "$search" => self.query.search.is_some(),
            "$top" => self.query.top.is_some(),
            "$count" => self.query.count,
            _ => true,
        };
        match options.iter().find(given) {
            None => Ok(()),
            Some(name) => Err(GraphError::unsupported(format!("{name} is not supported here."))),
        }
    }

    /// How many items a page has.
    pub fn page_size(&self) -> Result<usize, GraphError> {
        match self.query.top {
            None => Ok(PAGE),
            Some(top) if (1..=LARGEST_PAGE).contains(&top) => Ok(top),
            Some(_) => {
                Err(GraphError::bad_request("Invalid page size specified. Must be between 1 and 999."))
            }
        }
    }

    /// Refuses what Graph answers from its eventually consistent index, unless the caller accepts that.
    pub fn require_eventual(&self, what: &str) -> Result<(), GraphError> {
        if self.eventual && (self.query.count || self.query.skip_token.is_some()) {
            return Ok(());
        }
        let message = format!(
            "Request with {what} is only supported with the header ConsistencyLevel: eventual and $count=true."
        );
        Err(GraphError::unsupported(message))
    }

    /// The absolute address of this request with other tokens.
    pub fn link(&self, token_name: &str, token: &str) -> String {
        let path: Vec<String> = self.segments.iter().map(|segment| encoded(segment)).collect();
        let mut query = form_urlencoded::Serializer::new(String::new());
        if token_name == "$skiptoken" {
            for (name, value) in self.query.pairs() {
                query.append_pair(name, &value);
            }
        }
        query.append_pair(token_name, token);
        format!("{}/{}?{}", self.base, path.join("/"), query.finish())
    }
}

impl Query {
    fn parse(text: &str) -> Result<Self, GraphError> {
        let mut query = Self::default();
        let mut seen: BTreeMap<String, ()> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let value = value.into_owned();
            if seen.insert(name.to_string(), ()).is_some() {
                return Err(GraphError::bad_request(format!(
                    "Query option '{name}' was specified more than once."
                )));
            }
            match name.as_ref() {
                "$select" => {
                    query.select = Some(value.split(',').map(|name| name.trim().to_owned()).collect())
                }
                "$filter" => query.filter = Some(value),
                "$expand" => query.expand = Some(value),
                "$orderby" => query.order_by = Some(value),
                "$search" => query.search = Some(value),
                "$top" => query.top = Some(value.parse().map_err(|_| invalid(&name))?),
                "$count" => query.count = value.parse().map_err(|_| invalid(&name))?,
                "$skiptoken" => query.skip_token = Some(value),
                "$deltatoken" | "$deltaToken" => query.delta_token = Some(value),
                _ => return Err(invalid(&name)),
            }
        }
        Ok(query)
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let select = self.select.as_ref().map(|names| names.join(","));
        [
            ("$select", select),
            ("$filter", self.filter.clone()),
            ("$expand", self.expand.clone()),
            ("$top", self.top.map(|top| top.to_string())),
            ("$count", self.count.then(|| "true".to_owned())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

/// A value in a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// Between quotes.
    Text(String),
    /// `true`, `false`, `null`, or a GUID: only properties of the type Guid compare with one without quotes.
    Bare(String),
}

/// `property eq 'value'`, alone or several of them joined by `or`: what Graph's simple filters come to here.
pub fn equalities(filter: &str) -> Result<Vec<(String, Literal)>, GraphError> {
    let unsupported = || GraphError::unsupported("Unsupported or invalid query filter clause specified.");
    filter
        .split(" or ")
        .map(|clause| {
            let clause = clause.trim().trim_start_matches('(').trim_end_matches(')');
            let (name, value) = clause.split_once(" eq ").ok_or_else(unsupported)?;
            let value = value.trim();
            let text = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
            let bare = matches!(value, "true" | "false" | "null") || is_guid(value);
            let value = match text {
                Some(text) => Literal::Text(text.replace("''", "'")),
                None if bare => Literal::Bare(value.to_owned()),
                None => return Err(unsupported()),
            };
            Ok((name.trim().to_owned(), value))
        })
        .collect()
}

/// Makes an opaque token.
pub fn token(content: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(content).unwrap_or_default())
}

/// Reads a token of ours.
pub fn read_token<T: DeserializeOwned>(token: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

/// True if this has the form of a GUID.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

fn invalid(name: &str) -> GraphError {
    GraphError::bad_request(format!("Invalid query option or value: '{name}'."))
}

fn decoded(segment: &str) -> String {
    // In a path these are what they are: no blank, and no pairs as in a query (`applications(appId='..')`).
    let segment = segment.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    form_urlencoded::parse(segment.as_bytes()).next().map_or_else(String::new, |(text, _)| text.into_owned())
}

fn encoded(segment: &str) -> String {
    segment.replace('%', "%25").replace('#', "%23").replace('?', "%3F").replace(' ', "%20")
}
