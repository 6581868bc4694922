//! The files beside the template: those for the upload into AWS, and `samconfig.toml`.

use super::patience::Patience;
use super::report::Report;
use super::sides::Sides;
use super::{SetupOptions, is_about_files};
use anyhow::{Context, bail};
use engine::rotation::metadata;
use engine::rotation::ports::FederationMetadata;
use engine::rotation::x509::ReadCertificate;
use planning::EntraObjectId;
use planning::rotation::Certificate;
use planning::setup::{
    DeploymentFile, File, Found, FoundFiles, Step, Wanted, edited, parameters, parameters_of, plan, signing,
};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The federation metadata.
const METADATA: &str = "entra-federation-metadata.xml";
/// The signing certificate.
const CERTIFICATE: &str = "entra-signing-certificate.pem";
/// What `sam deploy` is told.
const DEPLOYMENT: &str = "samconfig.toml";

/// Where a file is.
pub(super) fn place(options: &SetupOptions, file: File) -> PathBuf {
    options.folder.join(match file {
        File::Metadata => METADATA,
        File::Certificate => CERTIFICATE,
    })
}

/// Where the deployment's file is.
pub(super) fn deployment(options: &SetupOptions) -> PathBuf {
    options.folder.join(DEPLOYMENT)
}

/// What the files say.
pub(super) fn found(options: &SetupOptions, wanted: &Wanted) -> anyhow::Result<FoundFiles> {
    let metadata = text_of(&place(options, File::Metadata))?;
    let metadata = metadata.and_then(|text| metadata::read(text.as_bytes()).ok());
    let metadata = metadata.filter(|read| read.reading.entity_id == entity_id(&wanted.tenant));
    let certificate = text_of(&place(options, File::Certificate))?;
    let certificate = certificate.and_then(|text| ReadCertificate::from_pem(&text).ok());
    let deployment = text_of(&deployment(options))?.unwrap_or_default();
    let (parameters, deployment_is_named) =
        parameters_of(&deployment, &wanted_deployment(wanted, BTreeMap::new()))?;
    Ok(FoundFiles {
        metadata: metadata.map(|read| read.reading.certificates.into_iter().collect()),
        certificate: certificate.map(|read| read.sha256),
        parameters,
        deployment_is_named,
    })
}

/// Writes the files that lack something.
pub(super) async fn write(
    sides: &Sides,
    found: &Found,
    options: &SetupOptions,
    report: &mut Report,
) -> anyhow::Result<()> {
    let setup = plan(&sides.wanted, found, sides.now());
    for step in setup.steps.iter().filter(|step| is_about_files(step)) {
        match step {
            Step::WriteFile(file) => write_for_aws(sides, found, options, *file).await?,
            _ => write_deployment(sides, found, options)?,
        }
        report.done(step)?;
    }
    Ok(())
}

async fn write_for_aws(
    sides: &Sides,
    found: &Found,
    options: &SetupOptions,
    file: File,
) -> anyhow::Result<()> {
    let application = found.application.as_ref().context("there is no enterprise application")?;
    let Some(signing) = signing(application, sides.now()) else {
        bail!("which certificate signs is not known: see the note above, and run this again");
    };
    let content: Arc<str> = match file {
        File::Certificate => signing.pem.as_str().into(),
        File::Metadata => metadata_with(sides, &application.app_id, signing).await?,
    };
    replace(&place(options, file), &content)
}

/// The metadata, once it lists the certificate: it runs behind Graph.
async fn metadata_with(sides: &Sides, app_id: &str, signing: &Certificate) -> anyhow::Result<Arc<str>> {
    let source = sides.entra.metadata(&sides.tenant.id, &EntraObjectId::parse(app_id)?);
    let mut patience = Patience::new();
    loop {
        let read = source.read().await;
        if let Ok(read) = &read {
            let expected = entity_id(&sides.wanted.tenant);
            if read.reading.entity_id != expected {
                bail!("the federation metadata is another tenant's: its entityID is not {expected}");
            }
            if read.reading.certificates.contains(&signing.sha256) {
                return Ok(read.document.clone());
            }
        }
        if !patience.waits().await {
            read?;
            bail!(
                "the federation metadata does not list the signing certificate yet: run this again in some minutes"
            );
        }
    }
}

fn entity_id(tenant: &str) -> String {
    format!("https://sts.windows.net/{tenant}/")
}

fn wanted_deployment(wanted: &Wanted, parameters: BTreeMap<String, String>) -> DeploymentFile {
    DeploymentFile { stack: wanted.stack.clone(), region: wanted.region.clone(), parameters }
}

fn write_deployment(sides: &Sides, found: &Found, options: &SetupOptions) -> anyhow::Result<()> {
    let file = deployment(options);
    let text = text_of(&file)?.unwrap_or_default();
    let wanted = wanted_deployment(&sides.wanted, parameters(&sides.wanted, found));
    replace(&file, &edited(&text, &wanted)?)
}

fn text_of(file: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(error).with_context(|| format!("{} cannot be read: correct or remove it", file.display()))
        }
    }
}

/// Whoever reads the file meanwhile sees it as it was, or as it is then.
fn replace(file: &Path, content: &str) -> anyhow::Result<()> {
    let beside = file.with_extension(format!("new-{}", uuid::Uuid::new_v4().simple()));
    let written = std::fs::File::create(&beside).and_then(|mut new| new.write_all(content.as_bytes()));
    let moved = written.and_then(|()| std::fs::rename(&beside, file));
    if moved.is_err() {
        // The error that matters is told; a file that was not even made cannot be removed.
        let _ = std::fs::remove_file(&beside);
    }
    moved
        .with_context(|| format!("{} cannot be written: choose another folder with --folder", file.display()))
}
