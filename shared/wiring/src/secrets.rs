//! Secrets, read from Secrets Manager.
