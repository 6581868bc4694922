//! Microsoft Graph and the login of Entra ID: the client, the directory behind the engine's port, and the
//! verification of notifications.

mod administration;
mod answer;
mod bulk;
mod certificates;
mod client;
mod client_state;
mod credential;
mod device_code;
mod directory;
mod federation_metadata;
mod group;
mod notification;
mod resource_units;
mod transport;
mod user;

pub use administration::{Administration, NewApplication, NewSecret, SCOPES, TenantName};
pub use certificates::GraphSigningCertificates;
pub use client::GraphClient;
pub use client_state::{ClientStateSource, ClientStates};
pub use credential::{ClientSecret, ClientSecretCredential, Credential};
pub use device_code::{DeviceCode, DeviceCodeLogin, PUBLIC_CLIENT};
pub use directory::GraphDirectory;
pub use federation_metadata::LoginMetadata;
pub use notification::{
    ChangeNotification, LifecycleNotification, Rejected, Unreadable, VerifiedNotification, items, verify,
};
pub use transport::{Transport, TransportError};
