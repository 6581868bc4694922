//! What AWS's side comes to: credentials, Region, account.

use super::finding::Finding;
use super::observed::{AccountReading, InstanceReading, Observed};

const CREDENTIALS: &str = "AWS credentials";
const REGION: &str = "Identity Center's Region";
const ACCOUNT: &str = "management or delegated account";

pub(super) fn findings(observed: &Observed) -> Vec<Finding> {
    vec![credentials(observed), region(observed), account(observed)]
}

fn credentials(observed: &Observed) -> Finding {
    match &observed.account {
        Ok(AccountReading { account, arn }) => Finding::green(CREDENTIALS, format!("{arn} in {account}")),
        Err(unseen) => Finding::unseen(CREDENTIALS, unseen),
    }
}

fn region(observed: &Observed) -> Finding {
    let here = &observed.region;
    match &observed.instance {
        Err(unseen) => Finding::unseen(REGION, unseen),
        Ok(None) => Finding::red(
            REGION,
            format!("{here} shows no instance with the identity store of IDENTITY_STORE_ID"),
            "correct IDENTITY_STORE_ID, or deploy in Identity Center's primary Region (its settings name it) and in the \
             management account or its delegated administrator",
        ),
        Ok(Some(InstanceReading { primary_region: Some(primary), .. })) if primary != here => Finding::red(
            REGION,
            format!("{here} is a further Region of Identity Center; the primary one is {primary}"),
            format!("deploy in {primary}: the others take no writes"),
        ),
        Ok(Some(InstanceReading { primary_region: None, .. })) => Finding::green(
            REGION,
            format!("{here} has the instance (AWS does not say which Region is primary)"),
        ),
        Ok(Some(_)) => Finding::green(REGION, format!("{here} is the primary Region")),
    }
}

fn account(observed: &Observed) -> Finding {
    let (account, management) = match (&observed.account, &observed.management_account) {
        (Ok(AccountReading { account, .. }), Ok(management)) => (account, management),
        (Err(_), _) => {
            return Finding::unknown(ACCOUNT, "AWS does not know us", "correct the credentials first");
        }
        (_, Err(unseen)) => {
            let fix = "allow organizations:DescribeOrganization, or look up the account in AWS Organizations";
            return Finding::unknown(ACCOUNT, unseen.why.clone(), fix);
        }
    };
    let sees_instance = matches!(&observed.instance, Ok(Some(_)));
    if account == management {
        Finding::green(ACCOUNT, format!("{account} is the management account"))
    } else if sees_instance {
        let seen = format!(
            "{account} is a delegated administrator: assignments into the management account {management} are skipped"
        );
        Finding::green(ACCOUNT, seen)
    } else {
        Finding::red(
            ACCOUNT,
            format!("{account} is neither the management account nor a delegated administrator"),
            format!("use credentials of {management}, or register {account} for sso.amazonaws.com"),
        )
    }
}
