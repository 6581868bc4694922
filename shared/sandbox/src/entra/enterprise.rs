//! Which enterprise application a request is about. There may be several, and each signs, and lets in, by itself.

use super::Tenant;
use super::assignments::Application;
use super::query::GraphRequest;
use super::signing::SigningCredentials;
use crate::publication::Publication;

/// An enterprise application that the present request is not about.
#[derive(Debug)]
pub(super) struct Aside {
    application: Application,
    seen_by_graph: Publication<SigningCredentials>,
    seen_in_metadata: Publication<SigningCredentials>,
}

impl Tenant {
    /// True if there is one.
    pub(super) fn has_enterprise(&self) -> bool {
        self.application.is_some()
    }

    /// The (client) id of the enterprise application that the sandbox's own faces are about; empty if there is none.
    pub fn application_id(&self) -> String {
        if self.settings.empty { self.application.app_id.clone() } else { self.settings.app_id.clone() }
    }

    /// The enterprise application with this object id.
    pub(super) fn enterprise(&self, id: &str) -> Option<&Application> {
        if self.application.id == id {
            return Some(&self.application);
        }
        self.aside.get(id).map(|aside| &aside.application)
    }

    /// Adds one. The first is what the sandbox's own faces are about.
    pub(super) fn add_enterprise(&mut self, id: String, app_id: String) {
        let application = Application::new(id.clone(), app_id);
        if !self.has_enterprise() {
            self.application = application;
            return;
        }
        let (mut seen_by_graph, mut seen_in_metadata) = (Publication::new(), Publication::new());
        seen_by_graph.set(self.signing.graph_delay);
        seen_in_metadata.set(self.signing.metadata_delay);
        self.aside.insert(id, Aside { application, seen_by_graph, seen_in_metadata });
    }

    /// Forgets one that was deleted.
    pub(super) fn forget_enterprise(&mut self, id: &str) {
        if self.application.id == id {
            match self.aside.pop_first() {
                Some((_, next)) => drop(self.put_in_front(next)),
                None => self.application = Application::none(),
            }
        } else {
            self.aside.remove(id);
        }
    }

    /// Turns to the enterprise application that the request is about.
    pub(super) fn turn_to(&mut self, request: &GraphRequest) {
        if self.aside.is_empty() {
            return;
        }
        if let [collection, id, ..] = request.segments.as_slice()
            && collection == "servicePrincipals"
        {
            let id = id.to_ascii_lowercase();
            self.turn_to_one(|application| application.id == id);
        }
    }

    /// Turns to the enterprise application with this (client) id, or object id.
    pub(super) fn turn_to_application(&mut self, id: &str) {
        self.turn_to_one(|application| {
            application.app_id.eq_ignore_ascii_case(id) || application.id.eq_ignore_ascii_case(id)
        });
    }

    fn turn_to_one(&mut self, is_it: impl Fn(&Application) -> bool) {
        if is_it(&self.application) {
            return;
        }
        let found = self.aside.iter().find(|(_, aside)| is_it(&aside.application)).map(|(id, _)| id.clone());
        if let Some(next) = found.and_then(|id| self.aside.remove(&id)) {
            let before = self.put_in_front(next);
            self.aside.insert(before.application.id.clone(), before);
        }
    }

    fn put_in_front(&mut self, next: Aside) -> Aside {
        Aside {
            application: std::mem::replace(&mut self.application, next.application),
            seen_by_graph: std::mem::replace(&mut self.seen_by_graph, next.seen_by_graph),
            seen_in_metadata: std::mem::replace(&mut self.seen_in_metadata, next.seen_in_metadata),
        }
    }
}
