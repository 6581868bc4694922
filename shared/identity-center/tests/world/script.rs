//! A service that follows a script, for what we send to the letter and for answers that no model gives.

use crate::world;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use engine::budget::Budgets;
use identity_center::IdentityStore;
use planning::{GroupId, UserId};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

pub const USER: &str = "906769a0b1-5b7a3ff2-9a10-4d51-b3a8-1c2f0f3d6a77";
pub const BOSS: &str = "906769a0b1-00000000-9a10-4d51-b3a8-1c2f0f3d6a77";
pub const GROUP: &str = "906769a0b1-11111111-9a10-4d51-b3a8-1c2f0f3d6a77";

/// A service that answers what it was told to, in order, and remembers what it was asked.
#[derive(Clone, Default)]
pub struct Script {
    answers: Arc<Mutex<VecDeque<(u16, String)>>>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Script {
    pub fn of(answers: impl IntoIterator<Item = (u16, Value)>) -> (Self, IdentityStore) {
        let texts = answers.into_iter().map(|(status, body)| (status, body.to_string()));
        Self::of_texts(texts)
    }

    pub fn of_texts(answers: impl IntoIterator<Item = (u16, String)>) -> (Self, IdentityStore) {
        let script = Self::default();
        script.answers.lock().unwrap().extend(answers);
        let router = Router::new().fallback(speak).with_state(script.clone());
        let client = world::client(router, "http://aws.invalid", "eu-west-1");
        (script, IdentityStore::new(client, "d-906769a0b1".to_owned(), Budgets::new(20.0)))
    }

    /// The operation and body of each request so far.
    pub fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn speak(State(script): State<Script>, headers: HeaderMap, body: String) -> impl IntoResponse {
    let target = headers["x-amz-target"].to_str().unwrap();
    let operation = target.trim_start_matches("AWSIdentityStore.").to_owned();
    let asked = (operation, serde_json::from_str(&body).unwrap());
    script.asked.lock().unwrap().push(asked);
    let answer = script.answers.lock().unwrap().pop_front();
    let (status, body) = answer.expect("the script has no further answer: give it one more");
    (StatusCode::from_u16(status).unwrap(), body)
}

pub fn user() -> UserId {
    USER.parse().unwrap()
}

pub fn group() -> GroupId {
    GROUP.parse().unwrap()
}
