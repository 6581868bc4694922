//! The rotation of the SAML signing certificate: looks at Entra ID and at everything that trusts it, lets
//! `planning::rotation` decide, and carries out one write at a time.

pub mod metadata;
pub mod ports;
pub mod telemetry;
pub mod x509;

mod carry_out;
mod evidence;
mod look;
mod observe;
mod publish;
mod run;
mod telling;

pub use look::{InFlight, Look, Side};
pub use run::{Looked, Ran, RotationError, Rotator, Wanted};
