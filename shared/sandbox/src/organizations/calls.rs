//! The calls that the sandbox offers of AWS Organizations: reads of accounts and units.

use super::{Organization, Refused, pages};
use serde_json::{Map, Value, json};

impl Organization {
    pub(super) fn called(&self, operation: &str, body: &[u8]) -> Result<Value, Refused> {
        let Ok(Value::Object(mut request)) = serde_json::from_slice(body) else {
            return Err(Refused::plain("SerializationException", "the body is no JSON object"));
        };
        request.retain(|_, value| !value.is_null());
        match operation {
            "DescribeOrganization" => {
                only(&request, &[])?;
                Ok(self.describe())
            }
            "ListAccounts" => {
                only(&request, &["NextToken", "MaxResults"])?;
                let accounts = self.members.iter().map(|(id, member)| (id, self.show_account(id, member)));
                pages::page(&request, "Accounts", accounts)
            }
            "ListRoots" => {
                only(&request, &["NextToken", "MaxResults"])?;
                let arn = self.arn("root", &self.root);
                let root = json!({"Id": self.root, "Arn": arn, "Name": "Root", "PolicyTypes": []});
                pages::page(&request, "Roots", [(&self.root, root)].into_iter())
            }
            "ListOrganizationalUnitsForParent" => {
                let parent = self.parent(&request)?;
                let below = self.units.iter().filter(|(_, unit)| unit.parent == parent);
                let below = below.map(|(id, unit)| (id, self.show_unit(id, unit)));
                pages::page(&request, "OrganizationalUnits", below)
            }
            "ListAccountsForParent" => {
                let parent = self.parent(&request)?;
                let below = self.members.iter().filter(|(_, member)| member.parent == parent);
                let below = below.map(|(id, member)| (id, self.show_account(id, member)));
                pages::page(&request, "Accounts", below)
            }
            _ => Err(Refused::plain("UnknownOperationException", "the operation is unknown")),
        }
    }

    fn describe(&self) -> Value {
        let email = self.members.get(&self.management).map(|member| member.email.clone());
        json!({"Organization": {
            "Id": self.id,
            "Arn": format!("arn:aws:organizations::{}:organization/{}", self.management, self.id),
            "FeatureSet": "ALL",
            "MasterAccountArn": self.arn("account", &self.management),
            "MasterAccountId": self.management,
            "MasterAccountEmail": email,
            "AvailablePolicyTypes": [],
        }})
    }

    /// `ParentId`, which must be the root or a unit of the organization.
    fn parent<'a>(&self, request: &'a Map<String, Value>) -> Result<&'a str, Refused> {
        only(request, &["ParentId", "NextToken", "MaxResults"])?;
        let given = request.get("ParentId").ok_or_else(|| Refused::input("INPUT_REQUIRED", "ParentId"))?;
        let parent = given.as_str().ok_or_else(|| Refused::input("INVALID_PATTERN", "ParentId"))?;
        if !is_parent(parent) {
            return Err(Refused::input("INVALID_PATTERN_TARGET_ID", "ParentId"));
        }
        if parent == self.root || self.units.contains_key(parent) {
            Ok(parent)
        } else {
            let message = "You specified a parent that doesn't exist.";
            Err(Refused::plain("ParentNotFoundException", message))
        }
    }
}

/// Refuses members that the operation does not have: the real service ignores them, which hides mistakes.
fn only(request: &Map<String, Value>, known: &[&str]) -> Result<(), Refused> {
    match request.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Refused::input("UNRECOGNIZED_MEMBER", name)),
    }
}

/// `r-` or `ou-` and small letters and digits (API model, `ParentId`).
pub(super) fn is_parent(id: &str) -> bool {
    let legal = |part: &str, least: usize| {
        (least..=32).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    match id.split('-').collect::<Vec<_>>()[..] {
        ["r", root] => legal(root, 4),
        ["ou", root, unit] => legal(root, 4) && legal(unit, 8),
        _ => false,
    }
}
