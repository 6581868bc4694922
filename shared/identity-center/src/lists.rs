//! The lists of the identity store: users and groups page by page, and the members of a group with the ids of
//! their memberships.

use crate::calls::Call;
use crate::operations;
use crate::pages::{Asked, Pages};
use crate::reads::{PAGE, member_of, revision};
use crate::store::IdentityStoreReadOnly;
use crate::user_paths::ENTERPRISE;
use crate::user_read;
use async_trait::async_trait;
use aws_sdk_identitystore::operation::describe_user::DescribeUserOutput;
use aws_sdk_identitystore::types::{Group, User, UserStatus};
use engine::ports::{CallError, Cause};
use engine::sweep::ports::{IdentityStoreLister, ListPage, Memberships};
use planning::GroupId;
use planning::group_plan::IdentityGroup;
use planning::user_plan::IdentityUser;

#[async_trait]
impl IdentityStoreLister for IdentityStoreReadOnly {
    async fn users_page(&self, token: Option<String>) -> Result<ListPage<IdentityUser>, CallError> {
        let call = self.0.call(operations::LIST_USERS, "of the identity store");
        let request = self.0.client().list_users();
        let request = request.identity_store_id(self.0.id()).max_results(PAGE);
        let request = request.extensions(ENTERPRISE).set_next_token(token);
        let page = call.answered(|| request.clone().send()).await?;
        let items: Result<_, _> = page.users.into_iter().map(|user| listed_user(&call, user)).collect();
        Ok(ListPage { items: items?, next: further(page.next_token) })
    }

    async fn groups_page(&self, token: Option<String>) -> Result<ListPage<IdentityGroup>, CallError> {
        let call = self.0.call(operations::LIST_GROUPS, "of the identity store");
        let request = self.0.client().list_groups();
        let request = request.identity_store_id(self.0.id()).max_results(PAGE).set_next_token(token);
        let page = call.answered(|| request.clone().send()).await?;
        let items: Result<_, _> = page.groups.into_iter().map(|group| listed_group(&call, group)).collect();
        Ok(ListPage { items: items?, next: further(page.next_token) })
    }

    async fn memberships_in(&self, group: &GroupId) -> Result<Option<Memberships>, CallError> {
        let call = self.0.call(operations::MEMBERS_OF_GROUP, group);
        let mut pages = Pages::default();
        let mut memberships = Memberships::default();
        while let Some(token) = pages.to_read() {
            let request = self.0.client().list_group_memberships();
            let request = request.identity_store_id(self.0.id()).max_results(PAGE);
            let request = request.group_id(group.as_str()).set_next_token(token);
            let page = match call.answered(|| request.clone().send()).await {
                Err(CallError { cause: Cause::NotFound, .. }) => return Ok(None),
                page => page?,
            };
            memberships.calls += 1;
            for membership in page.group_memberships() {
                let member = member_of(&call, membership)?;
                memberships.members.push((member, call.id(membership.membership_id())?));
            }
            pages.turn(&call, page.next_token())?;
        }
        Ok(Some(memberships))
    }
}

fn listed_user(call: &Call, user: User) -> Result<IdentityUser, CallError> {
    let user_id = call.id(&user.user_id)?;
    let revision = revision(&user.revision);
    let is_disabled = user.user_status == Some(UserStatus::Disabled);
    let user = call.built(described(user))?;
    Ok(IdentityUser { user_id, attributes: user_read::attributes(&user), revision, is_disabled })
}

/// A listed user in the form in which a single one is described: the API has two shapes for the same thing.
fn described(user: User) -> Result<DescribeUserOutput, aws_sdk_identitystore::error::BuildError> {
    DescribeUserOutput::builder()
        .identity_store_id(user.identity_store_id)
        .user_id(user.user_id)
        .user_arn(user.user_arn)
        .revision(user.revision)
        .set_user_name(user.user_name)
        .set_name(user.name)
        .set_display_name(user.display_name)
        .set_emails(user.emails)
        .set_addresses(user.addresses)
        .set_phone_numbers(user.phone_numbers)
        .set_title(user.title)
        .set_preferred_language(user.preferred_language)
        .set_locale(user.locale)
        .set_timezone(user.timezone)
        .set_extensions(user.extensions)
        .build()
}

fn listed_group(call: &Call, group: Group) -> Result<IdentityGroup, CallError> {
    let group_id = call.id(&group.group_id)?;
    let name = group.display_name.ok_or_else(|| call.lacks("DisplayName"))?;
    Ok(IdentityGroup { group_id, name, revision: revision(&group.revision) })
}

/// An empty token ends a list, as an absent one does.
fn further(token: Option<String>) -> Option<String> {
    token.filter(|token| !token.is_empty())
}
