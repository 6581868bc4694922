//! A user as Graph sends it.

use engine::ports::Cause;
use planning::EntraObjectId;
use planning::mapping::EntraUser;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What is read of a user. `accountEnabled` comes only when selected.
pub(crate) const QUERY: &str = "$select=id,userPrincipalName,accountEnabled,mail,displayName,givenName,surname,\
    jobTitle,preferredLanguage,businessPhones,streetAddress,city,state,postalCode,country,employeeId,department,\
    employeeOrgData,companyName,onPremisesExtensionAttributes&$expand=manager($select=id)";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GraphUser {
    id: EntraObjectId,
    user_principal_name: Option<String>,
    account_enabled: Option<bool>,
    mail: Option<String>,
    display_name: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    job_title: Option<String>,
    preferred_language: Option<String>,
    #[serde(default)]
    business_phones: Vec<String>,
    street_address: Option<String>,
    city: Option<String>,
    state: Option<String>,
    postal_code: Option<String>,
    country: Option<String>,
    employee_id: Option<String>,
    department: Option<String>,
    employee_org_data: Option<OrganisationData>,
    company_name: Option<String>,
    on_premises_extension_attributes: Option<BTreeMap<String, Option<String>>>,
    manager: Option<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrganisationData {
    division: Option<String>,
    cost_center: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    id: EntraObjectId,
}

impl GraphUser {
    /// The user, if the answer holds what a decision needs.
    pub(crate) fn complete(self) -> Result<EntraUser, Cause> {
        let missing = |name: &str| Cause::Incomplete {
            missing: format!("{name} is missing: nothing is concluded from it, and it is read again"),
        };
        let (division, cost_center) =
            self.employee_org_data.map_or((None, None), |data| (data.division, data.cost_center));
        let attributes = self.on_premises_extension_attributes.into_iter().flatten();
        let numbered = attributes.filter_map(|(name, value)| {
            Some((name.strip_prefix("extensionAttribute")?.parse().ok()?, value?))
        });
        Ok(EntraUser {
            id: self.id,
            user_principal_name: self.user_principal_name.ok_or_else(|| missing("userPrincipalName"))?,
            account_enabled: self.account_enabled.ok_or_else(|| missing("accountEnabled"))?,
            mail: self.mail,
            display_name: self.display_name,
            given_name: self.given_name,
            surname: self.surname,
            job_title: self.job_title,
            preferred_language: self.preferred_language,
            business_phone: self.business_phones.into_iter().next(),
            street_address: self.street_address,
            city: self.city,
            state: self.state,
            postal_code: self.postal_code,
            country: self.country,
            employee_id: self.employee_id,
            department: self.department,
            division,
            cost_center,
            company_name: self.company_name,
            manager: self.manager.map(|manager| manager.id),
            extension_attributes: numbered.collect(),
        })
    }
}
