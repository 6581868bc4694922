//! Keys that sign, and X.509 certificates: made for the sandbox's own side, read from whoever sends one.

mod certificate;
mod signing_key;

pub(crate) use certificate::{Certificate, SMALLEST_KEY};
pub(crate) use signing_key::{KeyError, SigningKey, nth_key};
