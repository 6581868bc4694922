//! Delta queries of users and groups (delta-query-overview, delta-query-groups).

use super::answer::{GraphAnswer, GraphError};
use super::directory::{Directory, Event, Kind, Object};
use super::query::{GraphRequest, Literal, equalities, read_token, token};
use super::schema;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Members that one page of a delta holds.
const MEMBERS_OF_A_PAGE: usize = 500;
/// Ids that `$filter` takes.
const LARGEST_FILTER: usize = 50;
/// How long a token is good.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What a link remembers.
#[derive(Clone, Serialize, Deserialize)]
struct DeltaToken {
    /// Changes up to this number are known to the caller.
    since: Option<u64>,
    /// What the deltaLink will say at the end of the pages.
    until: u64,
    /// Objects up to this id were shown; of the next one, members up to the second.
    after: Option<(String, String)>,
    select: Option<Vec<String>>,
    ids: Option<Vec<String>>,
    issued: i64,
    /// Tokens of another life of this tenant are worthless.
    epoch: u64,
}

/// A request that was accepted.
pub struct DeltaQuery<'a> {
    /// The directory as it is read.
    pub directory: &'a Directory,
    /// Which kind.
    pub kind: Kind,
    /// When.
    pub now: Timestamp,
    /// The tenant's life; changes when it forgets its tokens.
    pub epoch: u64,
    /// The number of the last change in truth: a replica that is late still knows newer tokens.
    pub newest: u64,
}

impl DeltaQuery<'_> {
    /// Answers a page.
    pub fn answer(&self, request: &GraphRequest) -> Result<GraphAnswer, GraphError> {
        let query = &request.query;
        if query.top.is_some() || query.expand.is_some() || query.order_by.is_some() || query.search.is_some()
        {
            return Err(GraphError::bad_request("The query specified in the URI is not valid for delta."));
        }
        if query.delta_token.as_deref() == Some("latest") {
            let state = self.begin(request)?;
            return Ok(self.page(request, Vec::new(), None, &state));
        }
        let given = query.skip_token.as_deref().or(query.delta_token.as_deref());
        let state = match given.filter(|text| !text.is_empty()) {
            None => self.begin(request)?,
            Some(text) => self.resume(text).map_err(|error| self.full_again(error, request))?,
        };
        let (items, after) = self.collect(&state);
        Ok(self.page(request, items, after, &state))
    }

    fn begin(&self, request: &GraphRequest) -> Result<DeltaToken, GraphError> {
        let select = request.query.select.clone();
        let tracked = if self.kind == Kind::Group { "members" } else { "manager" };
        let plain: Vec<String> = select.iter().flatten().filter(|name| *name != tracked).cloned().collect();
        schema::check_select(self.kind, Some(&plain))?;
        let ids = request.query.filter.as_deref().map(|filter| self.ids(filter)).transpose()?;
        Ok(DeltaToken {
            since: None,
            until: self.directory.sequence(),
            after: None,
            select,
            ids,
            issued: self.now.as_second(),
            epoch: self.epoch,
        })
    }

    fn ids(&self, filter: &str) -> Result<Vec<String>, GraphError> {
        let clauses = equalities(filter)?;
        let ids: Option<Vec<String>> = clauses
            .into_iter()
            .map(|clause| match clause {
                (name, Literal::Text(id)) if name == "id" => Some(id.to_ascii_lowercase()),
                _ => None,
            })
            .collect();
        ids.filter(|ids| ids.len() <= LARGEST_FILTER).ok_or_else(|| {
            GraphError::unsupported("Only id, for at most 50 objects, can be filtered in a delta query.")
        })
    }

    fn resume(&self, text: &str) -> Result<DeltaToken, GraphError> {
        let state: Option<DeltaToken> = read_token(text);
        let fresh = |state: &DeltaToken| {
            state.epoch == self.epoch
                && self.now.as_second() - state.issued < TOKEN_LIFE.as_secs()
                && state.until <= self.newest
        };
        let mut state = state.filter(fresh).ok_or_else(|| {
            GraphError::new(
                410,
                "syncStateNotFound",
                "The sync state generation is not found; full sync is required.",
            )
        })?;
        if state.after.is_none() {
            state.since = Some(state.until);
            // What a newer replica told already is not told again by a late one.
            state.until = state.until.max(self.directory.sequence());
        }
        Ok(state)
    }

    /// The objects of a page, and where the next one begins.
    fn collect(&self, state: &DeltaToken) -> (Vec<Value>, Option<(String, String)>) {
        let mut items = Vec::new();
        let mut room = MEMBERS_OF_A_PAGE;
        let start = state.after.as_ref().map_or("", |(object, _)| object.as_str());
        for (id, object) in self.candidates(state, start) {
            let after_member = match &state.after {
                Some((object, member)) if object == id => member.as_str(),
                _ => "",
            };
            let Some(object) = object else {
                items.push(json!({"id": id, "@removed": {"reason": "deleted"}}));
                continue;
            };
            if room == 0 {
                return (items, Some((id.clone(), String::new())));
            }
            let shown = self.shown(object, state, after_member, room);
            if let Some((item, members, last)) = shown {
                items.push(item);
                room = room.saturating_sub(members.max(1));
                if let Some(last) = last {
                    return (items, Some((id.clone(), last)));
                }
            }
        }
        (items, None)
    }

    /// The objects that may have something to tell, from this id on, in order; `None` is gone for good.
    fn candidates<'a>(
        &'a self,
        state: &'a DeltaToken,
        start: &'a str,
    ) -> impl Iterator<Item = Candidate<'a>> {
        let asked: Box<dyn Iterator<Item = Candidate<'a>>> = match &state.ids {
            Some(ids) => {
                let ids: BTreeSet<&String> = ids.iter().filter(|id| id.as_str() >= start).collect();
                Box::new(ids.into_iter().filter_map(|id| {
                    let object = self.directory.any(id).or_else(|| self.directory.deleted(id))?;
                    (object.kind == self.kind).then_some((id, Some(object)))
                }))
            }
            None => Box::new(self.directory.from(self.kind, start).map(|(id, object)| (id, Some(object)))),
        };
        let since = state.since.unwrap_or(u64::MAX);
        let gone = self
            .directory
            .purged_since(self.kind, since)
            .filter(move |id| id.as_str() >= start && state.ids.as_ref().is_none_or(|ids| ids.contains(id)));
        merged(asked, gone.map(|id| (id, None)))
    }

    /// One object with as many of its members as there is room for; `None` if nothing of it changed.
    fn shown(
        &self,
        object: &Object,
        state: &DeltaToken,
        after_member: &str,
        room: usize,
    ) -> Option<(Value, usize, Option<String>)> {
        if object.deleted_at.is_some() {
            let known = state.since.is_some_and(|since| object.log.iter().any(|(at, _)| *at > since));
            let removed = json!({"id": object.properties["id"], "@removed": {"reason": "changed"}});
            return known.then_some((removed, 0, None));
        }
        // An object that the caller has never seen is shown in full.
        let known = |since: &u64| object.log.first().is_some_and(|(at, _)| at <= since);
        let changed = state.since.filter(known).map(|since| changed_since(object, since));
        let selected = |name: &str| state.select.as_ref().is_none_or(|names| names.iter().any(|n| n == name));
        let properties = match &changed {
            Some((names, _)) => names.iter().any(|name| selected(name)),
            None => true,
        };
        let members = if self.kind == Kind::Group && selected("members") {
            self.members(object, changed.as_ref().map(|(_, members)| members), after_member, room + 1)
        } else {
            Vec::new()
        };
        if !properties && members.is_empty() {
            return None;
        }
        let mut item = if properties && after_member.is_empty() {
            schema::shown(self.kind, &object.properties, state.select.as_deref())
        } else {
            Map::new()
        };
        item.insert("id".to_owned(), object.properties["id"].clone());
        if self.kind == Kind::User && properties && selected("manager") {
            item.extend(self.manager(object));
        }
        let last = (members.len() > room).then(|| members[room - 1].0.clone());
        let members: Vec<Value> = members.into_iter().take(room).map(|(_, member)| member).collect();
        let count = members.len();
        if count > 0 {
            item.insert("members@delta".to_owned(), Value::Array(members));
        }
        Some((Value::Object(item), count, last))
    }

    fn members(
        &self,
        group: &Object,
        changed: Option<&BTreeMap<String, bool>>,
        after: &str,
        most: usize,
    ) -> Vec<(String, Value)> {
        let entry = |id: &String, joined: bool| {
            let kind = self.directory.any(id).map_or(Kind::User, |object| object.kind);
            let mut member = json!({"@odata.type": format!("#{}", kind.type_name()), "id": id});
            if !joined {
                member["@removed"] = json!({"reason": "deleted"});
            }
            (id.clone(), member)
        };
        match changed {
            None => {
                let members = self.directory.members_after(group, after);
                members.take(most).map(|id| entry(id, true)).collect()
            }
            Some(changed) => {
                let visible = |id: &str| self.directory.deleted(id).is_none();
                let changed = changed.iter().filter(|(id, _)| id.as_str() > after && visible(id));
                changed.take(most).map(|(id, joined)| entry(id, *joined)).collect()
            }
        }
    }

    /// A user's manager as it is tracked, if there is one.
    fn manager(&self, user: &Object) -> Option<(String, Value)> {
        let manager = user.manager.as_ref().filter(|id| self.directory.any(id).is_some())?;
        let entry = json!([{"@odata.type": "#microsoft.graph.user", "id": manager}]);
        Some(("manager@delta".to_owned(), entry))
    }

    /// 410 names the address that begins anew: this one, with an empty token.
    fn full_again(&self, error: GraphError, request: &GraphRequest) -> GraphError {
        let path = format!("{}/{}/delta?$deltatoken=", request.base, self.kind.collection());
        GraphError { headers: vec![("location", path)], ..error }
    }

    fn page(
        &self,
        request: &GraphRequest,
        items: Vec<Value>,
        after: Option<(String, String)>,
        state: &DeltaToken,
    ) -> GraphAnswer {
        let collection = self.kind.collection();
        let bare = GraphRequest {
            segments: vec![collection.to_owned(), "delta".to_owned()],
            query: super::query::Query::default(),
            ..request.clone()
        };
        let more = after.is_some();
        let next = DeltaToken { after, issued: self.now.as_second(), ..state.clone() };
        let (name, link) = if more {
            ("@odata.nextLink", bare.link("$skiptoken", &token(&next)))
        } else {
            ("@odata.deltaLink", bare.link("$deltatoken", &token(&next)))
        };
        GraphAnswer::ok(json!({
            "@odata.context": format!("{}/$metadata#{collection}", request.base),
            "value": items,
            name: link,
        }))
    }
}

type Candidate<'a> = (&'a String, Option<&'a Object>);

/// Two ordered sequences as one.
fn merged<'a>(
    one: impl Iterator<Item = Candidate<'a>>,
    other: impl Iterator<Item = Candidate<'a>>,
) -> impl Iterator<Item = Candidate<'a>> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some((id, _)), Some((gone, _))) if gone < id => other.next(),
        (Some(_), _) => one.next(),
        (None, _) => other.next(),
    })
}

/// The properties that changed, and the last word about each member.
fn changed_since(object: &Object, since: u64) -> (BTreeSet<String>, BTreeMap<String, bool>) {
    let (mut names, mut members) = (BTreeSet::new(), BTreeMap::new());
    let first = object.log.partition_point(|(at, _)| *at <= since);
    for (_, event) in &object.log[first..] {
        match event {
            Event::Properties(changed) => names.extend(changed.iter().cloned()),
            Event::Member { id, joined } => {
                members.insert(id.clone(), *joined);
            }
            Event::SoftDeleted => {}
        }
    }
    (names, members)
}
