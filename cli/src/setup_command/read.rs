//! Reads what is there: the enterprise application, the app registrations, secrets, files.

use super::patience::{Patience, seen};
use super::report::Report;
use super::sides::Sides;
use super::{SetupOptions, files, is_about_files};
use anyhow::bail;
use engine::ports::CallError;
use planning::setup::{
    Choice, CredentialKind, Found, FoundApplication, FoundSecret, Registration, Step, choose, plan,
};

/// Everything.
pub(super) async fn everything(sides: &Sides, options: &SetupOptions) -> anyhow::Result<Found> {
    let administration = &sides.administration;
    let graph = administration.graph().await?;
    let mut found = Found { has_premium: administration.has_premium().await?, graph, ..Found::default() };
    found.application = application(sides, options).await?;
    for who in Registration::ALL {
        let (unique, display) = (who.unique_name(&options.stack), who.display_name(&options.stack));
        let graph = &found.graph;
        let held = seen(async || administration.registration(&unique, &display, graph).await).await?;
        if let Some(held) = held {
            found.registrations.insert(who, held);
        }
        if sides.wanted.credential == CredentialKind::Secret
            && let Some(key_id) = sides.aws.stored_key(&who.secret_name(&options.stack)).await?
        {
            found.secrets.insert(who, FoundSecret { key_id });
        }
    }
    found.files = files::found(options, &sides.wanted)?;
    Ok(found)
}

async fn application(sides: &Sides, options: &SetupOptions) -> anyhow::Result<Option<FoundApplication>> {
    let issuer = &sides.wanted.service_provider.issuer;
    let candidates = sides.administration.candidates(issuer).await?;
    // Not every read sees yet what another set-up made.
    let choice = match &sides.holder {
        Some(holder) => Choice::Use(holder.clone()),
        None => choose(&candidates, issuer, options.application.as_deref(), options.new_application),
    };
    match choice {
        Choice::Create => Ok(None),
        Choice::Use(chosen) => {
            let mut patience = Patience::new();
            loop {
                if let Some(found) = sides.administration.application(&chosen.object_id).await? {
                    return Ok(Some(found));
                }
                if !patience.waits().await {
                    bail!(
                        "the enterprise application {} ({}) has no service principal: restore it, or choose another one with \
                         --application or --new-application",
                        chosen.name,
                        chosen.app_id
                    );
                }
            }
        }
        Choice::Unknown => bail!(
            "--application names no enterprise application that was made from the gallery's \"AWS IAM Identity Center\": give \
             its application (client) id, or leave it out"
        ),
        Choice::Ask(candidates) => {
            let listed: String = candidates
                .iter()
                .map(|one| {
                    format!("\n  {} ({}), identifier {}", one.name, one.app_id, one.identifiers.join(", "))
                })
                .collect();
            bail!(
                "there are enterprise applications for AWS, and none has the identifier {issuer}:{listed}\nName the one to use \
                 with --application ID (what is set otherwise is shown, and not overwritten without --overwrite), or make \
                 another one with --new-application"
            )
        }
    }
}

/// Everything, once nothing but what waits for somebody is left to do on either side: reads run behind writes.
pub(super) async fn settled(
    sides: &Sides,
    options: &SetupOptions,
    report: &mut Report,
) -> anyhow::Result<Found> {
    let mut patience = Patience::new();
    loop {
        let found = everything(sides, options).await?;
        let setup = plan(&sides.wanted, &found, sides.now());
        let left = |step: &&Step| !is_about_files(step) && !report.expects(step);
        let Some(first) = setup.steps.iter().find(left) else { return Ok(found) };
        if !patience.waits().await {
            bail!("this was done, and is still not to be seen: {first}. Run this again in some minutes");
        }
    }
}

/// The registration, once this read sees it.
pub(super) async fn registered(
    sides: &Sides,
    who: Registration,
    stack: &str,
) -> Result<Option<(String, String)>, CallError> {
    let mut patience = Patience::new();
    let (unique, display) = (who.unique_name(stack), who.display_name(stack));
    let graph = planning::setup::FoundGraph::default();
    loop {
        let administration = &sides.administration;
        let found = seen(async || administration.registration(&unique, &display, &graph).await).await?;
        if let Some(found) = found {
            return Ok(Some((found.object_id, found.app_id)));
        }
        if !patience.waits().await {
            return Ok(None);
        }
    }
}
