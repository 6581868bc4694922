//! AWS over TLS on the loopback: answers at once what the first invocation of a function asks for.

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::serve::Listener;
use planning::assigned::AssignedSet;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use uuid::Uuid;

/// The secret that notifications have to carry.
pub const CLIENT_STATE: &str = "figures";

/// A served endpoint with a certificate of its own; it stops when this is dropped.
pub struct TlsEndpoint {
    /// `https://localhost:<port>`.
    pub address: String,
    calls: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl TlsEndpoint {
    /// Serves on a free port, with a certificate for localhost and its key in one PEM file.
    ///
    /// # Errors
    /// When there is no port, or the file is not as it should be.
    pub async fn serve(pem: &Path) -> anyhow::Result<Self> {
        let config = server_config(pem).with_context(|| format!("{} is of no use", pem.display()))?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot listen on the loopback")?;
        let (port, own) = (listener.local_addr()?.port(), listener.local_addr()?);
        let (sender, opened) = mpsc::channel(1);
        let calls = Arc::new(AtomicU64::new(0));
        let router = Router::new().fallback(answer).with_state(calls.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(open_all(listener, TlsAcceptor::from(Arc::new(config)), sender));
        tasks.spawn(async move {
            // This server ends with its task.
            let _ = axum::serve(Opened { opened, own }, router).await;
        });
        let endpoint = Self { address: format!("https://localhost:{port}"), calls, _tasks: tasks };
        endpoint.warm_up(pem).await?;
        Ok(endpoint)
    }

    /// How many requests were answered.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// This side's cryptography has its first use before anything is measured.
    async fn warm_up(&self, pem: &Path) -> anyhow::Result<()> {
        let certificate = reqwest::Certificate::from_pem(&std::fs::read(pem)?)?;
        let client = reqwest::Client::builder().tls_certs_only([certificate]).build()?;
        client.get(&self.address).send().await.context("the TLS endpoint does not answer")?;
        Ok(())
    }
}

fn server_config(pem: &Path) -> anyhow::Result<ServerConfig> {
    let certificate = CertificateDer::from_pem_file(pem)?;
    let key = PrivateKeyDer::from_pem_file(pem)?;
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key)?;
    // As AWS's own endpoints offer it.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Connections whose handshake is done.
struct Opened {
    opened: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    own: SocketAddr,
}

impl Listener for Opened {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.opened.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.own)
    }
}

/// Handshakes go on side by side, as with any server.
async fn open_all(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    opened: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let mut handshakes = JoinSet::new();
    while let Ok((stream, peer)) = listener.accept().await {
        let (acceptor, opened) = (acceptor.clone(), opened.clone());
        handshakes.spawn(async move {
            // A client that gives up is its own test's failure.
            if let Ok(stream) = acceptor.accept(stream).await {
                let _ = opened.send((stream, peer)).await;
            }
        });
        while handshakes.try_join_next().is_some() {}
    }
}

async fn answer(
    State(calls): State<Arc<AtomicU64>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    calls.fetch_add(1, Ordering::Relaxed);
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let json = [("content-type", "application/x-amz-json-1.0")];
    match answer_to(target, &request) {
        Some(answer) => (StatusCode::OK, json, answer.to_string()),
        None => (StatusCode::BAD_REQUEST, json, json!({"__type": "UnknownOperationException"}).to_string()),
    }
}

/// A secret, a queue that takes everything, and a ledger in which nobody stands.
fn answer_to(target: &str, request: &Value) -> Option<Value> {
    match target {
        "secretsmanager.GetSecretValue" => Some(json!({"SecretString": CLIENT_STATE})),
        "AmazonSQS.SendMessageBatch" => {
            let sent = request["Entries"].as_array()?.iter().map(
                |entry| json!({"Id": entry["Id"], "MessageId": Uuid::new_v4(), "MD5OfMessageBody": "unchecked"}),
            );
            Some(json!({"Successful": sent.collect::<Vec<_>>(), "Failed": []}))
        }
        "DynamoDB_20120810.GetItem" if request["Key"]["pk"]["S"] == "assigned" => {
            let header = AssignedSet::default().header(1);
            Some(json!({"Item": {
                "pk": {"S": "assigned"}, "sk": {"S": "header"}, "attempt": {"S": "figures"},
                "version": {"N": header.version.to_string()}, "digest": {"S": header.digest},
                "missing_once": {"N": header.missing_once.to_string()}, "count": {"N": header.count.to_string()},
                "held": {"N": header.held.to_string()}, "arriving": {"N": header.arriving.to_string()},
                "leaving": {"N": header.leaving.to_string()},
            }}))
        }
        "DynamoDB_20120810.GetItem" => Some(json!({})),
        _ => None,
    }
}
