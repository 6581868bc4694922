//! What the table keeps for all groups' account assignments: what they were weighed by, whom names mean, which requests
//! are under way.

use super::DynamoLedger;
use super::fields::Fields;
use super::keys::{Key, NAMES};
use super::table::{DELETE, PUT, QUERY, Range, UPDATE, number, text, unbuildable};
use crate::item::place_of;
use async_trait::async_trait;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use engine::access::ports::{AccessLedger, Weighed};
use engine::ports::{CallError, Cause};
use planning::EntraObjectId;
use planning::access::Outstanding;
use planning::digest::Digest;
use std::collections::BTreeMap;

#[async_trait]
impl AccessLedger for DynamoLedger {
    async fn weighed(&self) -> Result<Option<Weighed>, CallError> {
        let Some(item) = self.table.get(&Key::weighed()).await? else { return Ok(None) };
        let fields = Fields::of(&item);
        let digest = Digest::read(fields.required_text("digest")?);
        Ok(Some(Weighed { digest, assignments: fields.required_number("assignments")? }))
    }

    async fn store_weighed(&self, weighed: &Weighed) -> Result<(), CallError> {
        let mut item = Key::weighed().attributes();
        item.insert("digest".to_owned(), text(weighed.digest.to_string()));
        item.insert("assignments".to_owned(), number(weighed.assignments));
        let put = self.table.client.put_item().table_name(&self.table.name).set_item(Some(item));
        put.send().await.map(|_| ()).map_err(|error| PUT.error(Key::weighed(), &error))
    }

    async fn bound_names(&self) -> Result<BTreeMap<String, EntraObjectId>, CallError> {
        let range = Range { partition: NAMES, from: "0", to: "g", keys_only: false, limit: None };
        let items = self.table.all(&range).await?;
        items.iter().map(|item| bound(&Fields::of(item))).collect()
    }

    async fn bind_name(&self, name: &str, group: &EntraObjectId) -> Result<EntraObjectId, CallError> {
        let key = Key::bound_name(name);
        let request = self.name_item(name, group).condition_expression("attribute_not_exists(pk)");
        match request.send().await {
            Ok(_) => Ok(group.clone()),
            Err(error) if PUT.is_condition(&error) => match self.table.get(&key).await? {
                Some(item) => Ok(bound(&Fields::of(&item))?.1),
                // It was released meanwhile: the next look binds it.
                None => Err(PUT.failed(key, Cause::Throttled { retry_after: None })),
            },
            Err(error) => Err(PUT.error(key, &error)),
        }
    }

    async fn rebind_name(&self, name: &str, group: &EntraObjectId) -> Result<(), CallError> {
        let answer = self.name_item(name, group).send().await;
        answer.map(|_| ()).map_err(|error| PUT.error(Key::bound_name(name), &error))
    }

    async fn release_names(&self, group: &EntraObjectId) -> Result<(), CallError> {
        for (name, _) in self.bound_names().await?.into_iter().filter(|(_, bound)| bound == group) {
            let key = Key::bound_name(&name);
            let request = self.table.client.delete_item().table_name(&self.table.name);
            let request = request
                .set_key(Some(key.attributes()))
                .condition_expression("principal = :group")
                .expression_attribute_values(":group", text(group.as_str()));
            match request.send().await {
                Ok(_) => {}
                Err(error) if DELETE.is_condition(&error) => {}
                Err(error) => return Err(DELETE.error(key, &error)),
            }
        }
        Ok(())
    }

    async fn outstanding(&self) -> Result<(Outstanding, u64), CallError> {
        let Some(item) = self.table.get(&Key::outstanding()).await? else {
            return Ok((Outstanding::default(), 0));
        };
        let fields = Fields::of(&item);
        let outstanding = serde_json::from_str(fields.required_text("body")?).map_err(|error| {
            let missing = format!(
                "the list of requests to sso-admin is unreadable ({}): delete the item; what is under way is then \
                 counted by AWS's own list",
                place_of(&error)
            );
            QUERY.failed(Key::outstanding(), Cause::Incomplete { missing })
        })?;
        Ok((outstanding, fields.required_number("version")?))
    }

    async fn store_outstanding(&self, outstanding: &Outstanding, version: u64) -> Result<(), CallError> {
        let key = Key::outstanding();
        let body = serde_json::to_string(outstanding).map_err(|error| unbuildable(&UPDATE, &error))?;
        let request = self.table.client.update_item().table_name(&self.table.name);
        let request = request
            .set_key(Some(key.attributes()))
            .update_expression("SET #version = :next, body = :body")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":next", number(version + 1))
            .expression_attribute_values(":body", text(&body));
        let request = if version == 0 {
            request.condition_expression("attribute_not_exists(pk)")
        } else {
            request
                .condition_expression("#version = :version")
                .expression_attribute_values(":version", number(version))
        };
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if UPDATE.is_condition(&error) => match self.outstanding().await? {
                // An answer that was lost: it is stored already.
                (stored, next) if next == version + 1 && stored == *outstanding => Ok(()),
                _ => Err(UPDATE.failed(key, Cause::Concurrent)),
            },
            Err(error) => Err(UPDATE.error(key, &error)),
        }
    }
}

impl DynamoLedger {
    fn name_item(&self, name: &str, group: &EntraObjectId) -> PutItemFluentBuilder {
        let mut item = Key::bound_name(name).attributes();
        item.insert("name".to_owned(), text(name));
        item.insert("principal".to_owned(), text(group.as_str()));
        self.table.client.put_item().table_name(&self.table.name).set_item(Some(item))
    }
}

fn bound(fields: &Fields<'_>) -> Result<(String, EntraObjectId), CallError> {
    let group = EntraObjectId::parse(fields.required_text("principal")?);
    Ok((fields.required_text("name")?.to_owned(), group.map_err(|_| fields.unusable("principal"))?))
}
