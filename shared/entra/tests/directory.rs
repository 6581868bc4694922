//! Facts about the directory: what is read of users, groups and assignments is complete, or an error.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[path = "directory/assignments.rs"]
mod assignments;
#[path = "directory/groups.rs"]
mod groups;
#[path = "directory/users.rs"]
mod users;
#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;
