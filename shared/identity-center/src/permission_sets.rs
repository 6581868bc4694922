//! The permission sets of the instance: the list holds ARNs only, and each name is asked for once.

use crate::instance::InstanceReadOnly;
use crate::pages::{Asked, Pages};
use crate::reads::PAGE;
use async_trait::async_trait;
use engine::access::ports::PermissionSetReader;
use engine::ports::CallError;
use futures::{StreamExt, TryStreamExt, stream};
use planning::ids::PermissionSetArn;
use planning::permission_sets::PermissionSets;

/// Names that are asked for at a time: the budget says how fast.
const AT_A_TIME: usize = 5;

#[async_trait]
impl PermissionSetReader for InstanceReadOnly {
    async fn permission_sets(&self) -> Result<PermissionSets, CallError> {
        let arns = self.permission_set_arns().await?;
        let named = stream::iter(arns.clone()).map(|arn| async move {
            let name = self.name_of(&arn).await?;
            Ok::<_, CallError>(name.map(|name| (name, arn)))
        });
        let named: Vec<Option<(String, PermissionSetArn)>> = named.buffered(AT_A_TIME).try_collect().await?;
        // What is gone since the list was read is forgotten, so that the names do not pile up.
        self.0.known().names.retain(|arn, _| arns.contains(arn));
        let call = self.0.read("ListPermissionSets", "of the instance");
        PermissionSets::new(named.into_iter().flatten()).map_err(|twice| call.lacks(&twice.to_string()))
    }
}

impl InstanceReadOnly {
    pub(crate) async fn permission_set_arns(&self) -> Result<Vec<PermissionSetArn>, CallError> {
        let instance = self.0.arn().await?;
        let call = self.0.read("ListPermissionSets", "of the instance");
        let (mut pages, mut arns) = (Pages::default(), Vec::new());
        while let Some(token) = pages.to_read() {
            let request = self.0.client().list_permission_sets().instance_arn(&instance);
            let request = request.max_results(PAGE).set_next_token(token);
            let page = call.answered(|| request.clone().send()).await?;
            for arn in page.permission_sets() {
                arns.push(call.id(Some(arn))?);
            }
            pages.turn(&call, page.next_token())?;
        }
        Ok(arns)
    }

    /// The name, `None` if the permission set is gone meanwhile.
    async fn name_of(&self, arn: &PermissionSetArn) -> Result<Option<String>, CallError> {
        let known = self.0.known().names.get(arn).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let instance = self.0.arn().await?;
        let call = self.0.read("DescribePermissionSet", arn);
        let request = self.0.client().describe_permission_set();
        let request = request.instance_arn(instance).permission_set_arn(arn.as_str());
        let Some(answer) = call.found(|| request.clone().send()).await? else { return Ok(None) };
        let name = answer.permission_set().and_then(|set| set.name());
        let name = name.ok_or_else(|| call.lacks("Name"))?.to_owned();
        self.0.known().names.insert(arn.clone(), name.clone());
        Ok(Some(name))
    }
}
