//! The instance of IAM Identity Center that an identity store belongs to, and the handles to it.

use crate::admin_calls::AdminCall;
use crate::pages::{Asked, Pages};
use aws_sdk_ssoadmin::Client;
use engine::budget::Budget;
use engine::ports::{CallError, Cause};
use planning::ids::PermissionSetArn;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// sso-admin's prefix in IAM actions.
const SERVICE: &str = "sso";

/// An instance behind a client. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Instance {
    client: Client,
    identity_store_id: Arc<str>,
    budget: Arc<Budget>,
    known: Arc<Mutex<Known>>,
}

/// The reading handle: permission sets and account assignments.
#[derive(Debug, Clone)]
pub struct InstanceReadOnly(pub(crate) Instance);

/// The writing handle: implements [`engine::access::ports::AccountAssignmentWriter`] only.
#[derive(Debug, Clone)]
pub struct InstanceWrite(pub(crate) Instance);

/// What was found out once and does not change.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// `InstanceArn`.
    arn: Option<String>,
    /// The names of permission sets, which cannot be changed.
    pub names: BTreeMap<PermissionSetArn, String>,
    /// Assignments cannot be listed by group: calls come from the delegated administrator.
    pub delegated: bool,
}

impl Instance {
    /// The instance of this identity store, in the client's account and Region. One budget is for all of its calls: AWS
    /// has one quota for them.
    pub fn new(client: Client, identity_store_id: String, budget: Arc<Budget>) -> Self {
        Self { client, identity_store_id: identity_store_id.into(), budget, known: Arc::default() }
    }

    /// A handle that can read.
    pub fn reader(&self) -> InstanceReadOnly {
        InstanceReadOnly(self.clone())
    }

    /// A handle that can write. Give it to nothing but the engine.
    pub fn writer(&self) -> InstanceWrite {
        InstanceWrite(self.clone())
    }

    pub(crate) fn identity_store_id(&self) -> &str {
        &self.identity_store_id
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn read(&self, name: &'static str, object: impl ToString) -> AdminCall {
        AdminCall::read(SERVICE, name, object, self.budget.clone())
    }

    pub(crate) fn write(&self, name: &'static str, object: impl ToString) -> AdminCall {
        AdminCall::write(SERVICE, name, object, self.budget.clone())
    }

    /// Every step leaves it in order.
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `InstanceArn`, which AWS is asked for once.
    pub(crate) async fn arn(&self) -> Result<String, CallError> {
        let known = self.known().arn.clone();
        if let Some(arn) = known {
            return Ok(arn);
        }
        let call = self.read("ListInstances", "of this account");
        let mut pages = Pages::default();
        while let Some(token) = pages.to_read() {
            let request = self.client.list_instances().set_next_token(token);
            let page = call.answered(|| request.clone().send()).await?;
            let ours = page
                .instances()
                .iter()
                .find(|instance| instance.identity_store_id() == Some(&*self.identity_store_id));
            if let Some(ours) = ours {
                let arn = ours.instance_arn().ok_or_else(|| call.lacks("InstanceArn"))?.to_owned();
                self.known().arn = Some(arn.clone());
                return Ok(arn);
            }
            pages.turn(&call, page.next_token())?;
        }
        let remedy = "no instance of IAM Identity Center in this account and Region has the identity store of \
                      IDENTITY_STORE_ID: correct it, or the Region, which must be Identity Center's primary one"
            .to_owned();
        Err(call.failed(Cause::Denied { remedy }))
    }
}
