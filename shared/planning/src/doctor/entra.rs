//! What Entra ID's side comes to: sign-in, permissions, the enterprise application, and what else may write.

use super::finding::Finding;
use super::observed::{ApplicationReading, Observed, PermissionReading, SignIn, UserNames};
use crate::mapping::UserNameSource;

const SIGN_IN: &str = "sign-in to Entra ID";
const APPLICATION: &str = "enterprise application";
const MODE: &str = "single sign-on mode";
const ASSIGNMENT: &str = "assignment required";
const NAME_ID: &str = "NameID";
const USER_NAMES: &str = "user names on both sides";
const PROVISIONING: &str = "Entra ID's own provisioning";

pub(super) fn findings(observed: &Observed) -> Vec<Finding> {
    let mut findings = vec![sign_in(observed)];
    findings.extend(observed.permissions.iter().map(permission));
    findings.extend(application(observed));
    findings.extend([name_id(observed), user_names(observed), provisioning(observed)]);
    findings
}

fn sign_in(observed: &Observed) -> Finding {
    match &observed.sign_in {
        Ok(SignIn::Federated) => Finding::green(SIGN_IN, "without a secret: AWS says who calls"),
        Ok(SignIn::Secret) => Finding::green(SIGN_IN, "with the secret ENTRA_CREDENTIAL_SECRET"),
        Ok(SignIn::Given) => Finding::green(SIGN_IN, "not tried: a token of yours is used"),
        Err(unseen) => Finding::unseen(SIGN_IN, unseen),
    }
}

fn permission(reading: &PermissionReading) -> Finding {
    let check = format!("permission {}", reading.permission);
    match &reading.answer {
        Ok(()) => Finding::green(&check, "granted"),
        Err(unseen) => Finding::unseen(&check, unseen),
    }
}

fn application(observed: &Observed) -> Vec<Finding> {
    let found = match &observed.application {
        Err(unseen) => return vec![Finding::unseen(APPLICATION, unseen)],
        Ok(None) => {
            let fix = "correct ENTRA_SERVICE_PRINCIPAL_ID: the object id of the enterprise application, not of the app \
                       registration";
            return vec![Finding::red(APPLICATION, "there is none with this object id", fix)];
        }
        Ok(Some(found)) => found,
    };
    vec![enabled(found), mode(found), assignment(found)]
}

fn enabled(found: &ApplicationReading) -> Finding {
    if found.is_enabled {
        Finding::green(APPLICATION, "there, and enabled")
    } else {
        let fix = "enable it under Properties, or nobody can sign in to AWS";
        Finding::red(APPLICATION, "disabled for users to sign in", fix)
    }
}

fn mode(found: &ApplicationReading) -> Finding {
    match found.sign_on_mode.as_deref() {
        Some("saml") => Finding::green(MODE, "saml"),
        other => Finding::red(
            MODE,
            other.unwrap_or("none").to_owned(),
            "choose SAML under Single sign-on of the enterprise application",
        ),
    }
}

fn assignment(found: &ApplicationReading) -> Finding {
    if found.needs_assignment {
        Finding::green(ASSIGNMENT, "yes: who is not assigned cannot sign in")
    } else {
        let fix = "set Assignment required under Properties of the enterprise application";
        Finding::yellow(ASSIGNMENT, "no: everybody in the tenant reaches AWS's sign-in", fix)
    }
}

fn name_id(observed: &Observed) -> Finding {
    let wanted = match observed.user_name_source {
        UserNameSource::UserPrincipalName => "userprincipalname",
        UserNameSource::Mail => "mail",
    };
    let look = format!(
        "look at Single sign-on, Attributes & Claims of the enterprise application: Unique User Identifier must be \
         user.{wanted}"
    );
    match &observed.name_id {
        Ok(Some(sent)) if sent.eq_ignore_ascii_case(wanted) => {
            Finding::green(NAME_ID, format!("a claims mapping policy sends user.{wanted}"))
        }
        Ok(Some(sent)) => Finding::red(
            NAME_ID,
            format!("a claims mapping policy sends user.{}, and user names are user.{wanted}", plain(sent)),
            "make both the same: the policy, or USER_NAME_SOURCE; else nobody can sign in",
        ),
        Ok(None) => Finding::unknown(NAME_ID, "Graph does not show claims that are set in the portal", look),
        Err(_) => Finding::unknown(NAME_ID, "Graph does not show it without Policy.Read.All", look),
    }
}

/// An attribute's name, and nothing else that may stand in its place.
fn plain(attribute: &str) -> &str {
    let legal = attribute.len() <= 64 && attribute.chars().all(|c| c.is_ascii_alphanumeric());
    if legal { attribute } else { "(unreadable)" }
}

fn user_names(observed: &Observed) -> Finding {
    match &observed.user_names {
        Err(unseen) => Finding::unseen(USER_NAMES, unseen),
        Ok(UserNames { compared: 0, .. }) => Finding::unknown(
            USER_NAMES,
            "nobody is mirrored yet",
            "assign somebody to the enterprise application, and run this again",
        ),
        Ok(UserNames { compared, different: 0 }) => {
            Finding::green(USER_NAMES, format!("equal for {compared} users"))
        }
        Ok(UserNames { compared, different }) if different == compared => Finding::red(
            USER_NAMES,
            format!("different for all of {compared} users"),
            "USER_NAME_SOURCE is not what the mirrored names were made from: correct it",
        ),
        Ok(UserNames { compared, different }) => Finding::yellow(
            USER_NAMES,
            format!("different for {different} of {compared} users, who cannot sign in"),
            "see whether a change is on its way: `entra-mirror plan` shows what is to come",
        ),
    }
}

fn provisioning(observed: &Observed) -> Finding {
    match &observed.provisioning {
        Err(unseen) => Finding::unknown(
            PROVISIONING,
            unseen.why.clone(),
            "grant Synchronization.Read.All, or look at Provisioning of the enterprise application: it must be off",
        ),
        Ok(jobs) => {
            let running = jobs.iter().filter(|job| job.state.eq_ignore_ascii_case("active")).count();
            if running == 0 {
                Finding::green(PROVISIONING, "off")
            } else {
                let fix = "stop it under Provisioning of the enterprise application: two writers undo each other's work";
                Finding::red(PROVISIONING, format!("{running} job(s) active"), fix)
            }
        }
    }
}
