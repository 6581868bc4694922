//! Reads with which a person would find out whether this account and Region are the right ones.

use crate::instance::Instance;
use crate::organization::Organization;
use crate::pages::Pages;
use engine::ports::CallError;
use planning::doctor::InstanceReading;

impl Instance {
    /// What AWS says of the instance in this account and Region; `None` if it shows none of this identity store.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn reading(&self) -> Result<Option<InstanceReading>, CallError> {
        let call = self.read("ListInstances", "of this account");
        let mut pages = Pages::default();
        while let Some(token) = pages.to_read() {
            let request = self.client().list_instances().set_next_token(token);
            let page = call.answered(|| request.clone().send()).await?;
            let mut instances = page.instances().iter();
            let ours = instances.find(|found| found.identity_store_id() == Some(self.identity_store_id()));
            if let Some(ours) = ours {
                return Ok(Some(InstanceReading {
                    owner: ours.owner_account_id().map(str::to_owned),
                    primary_region: ours.primary_region().map(str::to_owned),
                }));
            }
            pages.turn(&call, page.next_token())?;
        }
        Ok(None)
    }
}

impl Organization {
    /// The management account.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn management_account(&self) -> Result<String, CallError> {
        self.management().await.map(|account| account.to_string())
    }
}
