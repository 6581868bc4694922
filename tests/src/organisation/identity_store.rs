//! The organisation's identity store.

use super::{Organisation, PAGE, attributes, group_id, membership_id, number, user_id};
use async_trait::async_trait;
use engine::ports::CallError;
use engine::sweep::ports::{IdentityStoreLister, ListPage, Memberships};
use planning::GroupId;
use planning::group_plan::IdentityGroup;
use planning::user_plan::IdentityUser;

#[async_trait]
impl IdentityStoreLister for Organisation {
    async fn users_page(&self, token: Option<String>) -> Result<ListPage<IdentityUser>, CallError> {
        self.store().await;
        let start: usize = token.map_or(0, |token| token.parse().unwrap());
        let end = (start + PAGE).min(self.size.users);
        let items = (start..end).map(|number| IdentityUser {
            user_id: user_id(number),
            attributes: attributes(number),
            revision: None,
            is_disabled: false,
        });
        Ok(ListPage { items: items.collect(), next: (end < self.size.users).then(|| end.to_string()) })
    }
    async fn groups_page(&self, token: Option<String>) -> Result<ListPage<IdentityGroup>, CallError> {
        self.store().await;
        let start: usize = token.map_or(0, |token| token.parse().unwrap());
        let end = (start + PAGE).min(self.size.groups);
        let items = (start..end).map(|number| IdentityGroup {
            group_id: group_id(number),
            name: format!("Group {number}"),
            revision: None,
        });
        Ok(ListPage { items: items.collect(), next: (end < self.size.groups).then(|| end.to_string()) })
    }
    async fn memberships_in(&self, group: &GroupId) -> Result<Option<Memberships>, CallError> {
        let group_number = number(group.as_str());
        let calls = self.size.members_per_group.div_ceil(PAGE).max(1);
        for _ in 0..calls {
            self.store().await;
        }
        let members =
            self.size.members(group_number).map(|user| (user_id(user), membership_id(user, group_number)));
        Ok(Some(Memberships { members: members.collect(), calls }))
    }
}
