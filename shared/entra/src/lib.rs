//! Microsoft Graph and the login of Entra ID: the client, the directory and the subscriptions behind the engine's ports,
//! and the verification of notifications.

mod administration;
mod answer;
mod bulk;
mod certificate_proof;
mod certificates;
mod client;
mod client_state;
mod credential;
mod device_code;
mod directory;
mod federation_metadata;
mod group;
mod handshake;
mod login_refusal;
mod notification;
mod probe;
mod proof;
mod resource_units;
mod subscription_answer;
mod subscriptions;
mod transport;
mod user;

pub use administration::{Administration, NewApplication, NewSecret, SCOPES, TenantName};
pub use certificate_proof::{CertificateFault, CertificateKey};
pub use certificates::GraphSigningCertificates;
pub use client::GraphClient;
pub use client_state::{ClientStateSource, ClientStates};
pub use credential::{AppCredential, Credential, GivenToken};
pub use device_code::{DeviceCode, DeviceCodeLogin, PUBLIC_CLIENT};
pub use directory::GraphDirectory;
pub use federation_metadata::LoginMetadata;
pub use handshake::Handshake;
pub use notification::{ChangeNotification, Rejected, Unreadable, VerifiedNotification, items, verify};
pub use probe::GraphProbe;
pub use proof::{Occasion, Proof, ProofSource};
pub use subscriptions::{CurrentClientState, GraphSubscriptions};
pub use transport::{Transport, TransportError};
