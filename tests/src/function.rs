//! A built function behind the stand-in for Lambda: its process starts with the first event, is used again for the
//! next ones, and is replaced when it has ended, as an execution environment is.

use crate::binaries::built;
use crate::logs::Logs;
use crate::runtime_api::{InvocationError, OpenInvocations, RuntimeApi};
use anyhow::{Context, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::task::AbortHandle;

/// Variables of a function.
pub type Variables = BTreeMap<String, String>;

/// A process that refuses its configuration ends at once; this leaves room for a busy machine.
const TIME_TO_REFUSE: Duration = Duration::from_secs(10);

/// A function that can be invoked. Its process is killed when this is dropped.
pub struct Function {
    name: String,
    variables: Variables,
    time: Duration,
    /// What starts the binary, with its arguments; the binary itself if there is nothing.
    launcher: Vec<String>,
    logs: Logs,
    /// Held while an event is handled: an environment has one at a time.
    turn: AsyncMutex<()>,
    environment: Mutex<Option<Arc<Environment>>>,
    starts: AtomicUsize,
}

/// A process with the API that it asks for events.
struct Environment {
    api: RuntimeApi,
    process: Option<u32>,
    kill: Arc<Notify>,
    watch: AbortHandle,
}

impl Function {
    /// The binary of this name with these variables, and time for each event as template.yaml gives it.
    ///
    /// # Errors
    /// When there is no room for its logs.
    pub fn new(name: &str, variables: Variables, time: Duration) -> anyhow::Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            variables,
            time,
            launcher: Vec::new(),
            logs: Logs::new()?,
            turn: AsyncMutex::default(),
            environment: Mutex::default(),
            starts: AtomicUsize::new(0),
        })
    }

    /// Started by this program with these arguments, which are followed by the binary.
    #[must_use]
    pub fn launched_by(self, launcher: Vec<String>) -> Self {
        Self { launcher, ..self }
    }

    /// What its processes wrote.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Has an event handled.
    ///
    /// # Errors
    /// [`InvocationError`] when the function fails or its process ends; another error when it cannot be started.
    pub async fn invoke(&self, event: &Value) -> anyhow::Result<Value> {
        let _turn = self.turn.lock().await;
        let environment = self.environment().await?;
        let answer = environment.api.invoke(event.to_string(), self.time).await;
        if answer == Err(InvocationError::Ended) {
            self.lock().take();
        }
        let answer = answer.with_context(|| format!("{} did not answer", self.name))?;
        serde_json::from_str(&answer)
            .with_context(|| format!("{} answered something that is no JSON", self.name))
    }

    /// The process that handles events now; `None` before the first event and after the process's end.
    pub fn process_id(&self) -> Option<u32> {
        self.lock().as_ref().and_then(|environment| environment.process)
    }

    /// How many processes were started so far.
    pub fn starts(&self) -> usize {
        self.starts.load(Ordering::Relaxed)
    }

    /// Kills the process at once, as a crash would.
    pub fn kill(&self) {
        if let Some(environment) = self.lock().as_ref() {
            environment.kill.notify_one();
        }
    }

    /// Starts a process that is expected to end by itself, and waits for that.
    ///
    /// # Errors
    /// When it cannot be started, or still runs after a while.
    pub async fn run_to_its_end(&self) -> anyhow::Result<ExitStatus> {
        let api = RuntimeApi::serve(&self.name).await?;
        let mut child = self.spawn(&api)?;
        match tokio::time::timeout(TIME_TO_REFUSE, child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => {
                bail!(
                    "{} still runs after {TIME_TO_REFUSE:?}: it accepts a configuration that it should refuse",
                    self.name
                )
            }
        }
    }

    async fn environment(&self) -> anyhow::Result<Arc<Environment>> {
        if let Some(running) = self.lock().clone() {
            return Ok(running);
        }
        let api = RuntimeApi::serve(&self.name).await?;
        let child = self.spawn(&api)?;
        let process = child.id();
        self.starts.fetch_add(1, Ordering::Relaxed);
        let kill = Arc::new(Notify::new());
        let watch = tokio::spawn(watch(child, kill.clone(), api.open_invocations())).abort_handle();
        let environment = Arc::new(Environment { api, process, kill, watch });
        *self.lock() = Some(environment.clone());
        Ok(environment)
    }

    fn spawn(&self, api: &RuntimeApi) -> anyhow::Result<Child> {
        let binary = built(&self.name)?;
        let mut command = match self.launcher.split_first() {
            None => Command::new(binary),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(binary);
                command
            }
        };
        let function = [
            ("AWS_LAMBDA_RUNTIME_API", api.address().to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", self.name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", self.name)),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "stream".to_owned()),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ];
        command.env_clear().envs(certificates()).envs(function).envs(&self.variables);
        command.stdin(Stdio::null()).stdout(self.logs.sink()?).stderr(self.logs.sink()?).kill_on_drop(true);
        command.spawn().with_context(|| format!("{} does not start", self.name))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Environment>>> {
        self.environment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        // The child goes with its watch, and is killed then.
        self.watch.abort();
    }
}

/// Waits for the process's end, or brings it about; whoever waits for an answer then learns that there is none.
async fn watch(mut child: Child, kill: Arc<Notify>, open: OpenInvocations) {
    tokio::select! {
        _ = child.wait() => {}
        () = kill.notified() => {
            // An error means that it has ended meanwhile, which is as good.
            let _ = child.kill().await;
        }
    }
    open.give_up();
}

/// Where this machine keeps its root certificates, if not in the usual place.
#[allow(
    clippy::disallowed_methods,
    reason = "a variable of the machine, which the functions' TLS reads as well"
)]
fn certificates() -> impl Iterator<Item = (&'static str, String)> {
    ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?)))
}
