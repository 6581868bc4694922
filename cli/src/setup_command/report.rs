//! What the command tells: every step before and after it is done, and what people have to do then.

use super::SetupOptions;
use super::files;
use super::sides::Sides;
use planning::setup::{File, Found, Note, Setup, Step, parameters};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Somebody has to do something.
const WAITS: u8 = 2;

/// What was told so far.
pub(super) struct Report {
    json: bool,
    portal_is_known: bool,
    shown: Vec<Step>,
    notes: Vec<Note>,
    done: Vec<Step>,
    /// With who has to do it.
    waiting: Vec<(Step, String)>,
    /// What somebody set otherwise, and is left so.
    left: Vec<Step>,
    links: BTreeSet<String>,
    files: BTreeMap<&'static str, PathBuf>,
}

impl Report {
    /// Nothing was told yet.
    pub fn new(json: bool, sides: &Sides) -> Self {
        Self {
            json,
            portal_is_known: sides.wanted.portal_url.is_some(),
            shown: Vec::new(),
            notes: Vec::new(),
            done: Vec::new(),
            waiting: Vec::new(),
            left: Vec::new(),
            links: BTreeSet::new(),
            files: BTreeMap::new(),
        }
    }

    /// Names where the files are.
    pub fn with_files(mut self, options: &SetupOptions) -> Self {
        self.files = BTreeMap::from([
            ("metadata", files::place(options, File::Metadata)),
            ("certificate", files::place(options, File::Certificate)),
            ("deployment", files::deployment(options)),
        ]);
        self
    }

    /// Tells a line to people.
    pub fn say(&self, line: &str) -> anyhow::Result<()> {
        if self.json { Ok(()) } else { print(line) }
    }

    /// Shows what is to be done.
    pub fn show(&mut self, setup: &Setup, found: &Found) -> anyhow::Result<()> {
        // What waited, or was left, before it started over is looked at anew.
        self.waiting.clear();
        self.left.clear();
        if let Some(application) = &found.application {
            self.say(&format!("Enterprise application \"{}\" ({})", application.name, application.app_id))?;
        }
        for note in setup.notes.iter().filter(|note| !self.notes.contains(note)) {
            self.say(&format!("  note: {note}"))?;
        }
        self.notes.clone_from(&setup.notes);
        self.shown.clone_from(&setup.steps);
        if setup.is_complete() {
            return self.say("Everything is as it should be.");
        }
        self.say(&format!("{} to do:", counted(setup.steps.len(), "step")))?;
        setup.steps.iter().try_for_each(|step| self.say(&format!("  {step}")))
    }

    /// A step was done.
    pub fn done(&mut self, step: &Step) -> anyhow::Result<()> {
        self.done.push(step.clone());
        self.say(&format!("  done: {}", without_mark(step)))
    }

    /// A step waits for somebody.
    pub fn waits(&mut self, step: &Step, for_whom: &str, link: Option<String>) -> anyhow::Result<()> {
        self.waiting.push((step.clone(), for_whom.to_owned()));
        self.links.extend(link);
        self.say(&format!("  waits: {}: {for_whom}", without_mark(step)))
    }

    /// A step is not done, since it would change what somebody set.
    pub fn left(&mut self, step: &Step) {
        if !self.left.contains(step) {
            self.left.push(step.clone());
        }
    }

    /// True if this step is left open with reason.
    pub fn expects(&self, step: &Step) -> bool {
        self.left.contains(step) || self.waiting.iter().any(|(waiting, _)| waiting == step)
    }

    /// Nobody wanted it.
    pub fn declined(&self) -> anyhow::Result<ExitCode> {
        self.say("Nothing is done.")?;
        Ok(ExitCode::from(WAITS))
    }

    /// What a check found.
    pub fn checked(&self, setup: &Setup) -> anyhow::Result<ExitCode> {
        let good = setup.is_complete() && !setup.notes.iter().any(Note::blocks);
        if self.json {
            let drift: Vec<Value> = setup.steps.iter().map(|step| shown(step, "missing")).collect();
            print(&json!({"outcome": if good { "complete" } else { "drift" }, "drift": drift, "notes": self.notes()}).to_string())?;
        } else if !good {
            print("`entra-mirror setup` without --check does what is missing.")?;
        }
        Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(WAITS) })
    }

    /// Everything that could be done is done.
    pub fn finished(&self, sides: &Sides, found: &Found) -> anyhow::Result<ExitCode> {
        let blocked = self.notes.iter().any(Note::blocks);
        let waits = blocked || !self.waiting.is_empty() || !self.left.is_empty();
        let next = self.next(sides);
        if self.json {
            let steps = self.done.iter().map(|step| shown(step, "done"));
            let steps = steps.chain(self.waiting.iter().map(|(step, _)| shown(step, "waiting")));
            let steps: Vec<Value> = steps.chain(self.left.iter().map(|step| shown(step, "left"))).collect();
            let report = json!({
                "outcome": if waits { "waiting" } else { "complete" },
                "steps": steps,
                "notes": self.notes(),
                "consent_urls": self.links,
                "files": self.files,
                "parameters": parameters(&sides.wanted, found),
                "next": next,
            });
            print(&report.to_string())?;
        } else {
            next.iter().try_for_each(|line| print(line))?;
        }
        Ok(if waits { ExitCode::from(WAITS) } else { ExitCode::SUCCESS })
    }

    fn notes(&self) -> Vec<String> {
        self.notes.iter().map(ToString::to_string).collect()
    }

    /// What people do now, in order.
    fn next(&self, sides: &Sides) -> Vec<String> {
        let mut next = Vec::new();
        if !self.left.is_empty() {
            let left: Vec<String> = self.left.iter().map(without_mark).collect();
            next.push(format!("Left as somebody set it: {}. Add --overwrite to change it.", left.join("; ")));
        }
        if !self.links.is_empty() {
            next.push(
                "Have a Privileged Role Administrator open, and accept, then run this again:".to_owned(),
            );
            next.extend(self.links.iter().map(|link| format!("  {link}")));
        }
        if self.waiting.is_empty() && self.left.is_empty() {
            next.extend(self.console(&sides.wanted.region));
            let stack = &sides.wanted.stack;
            next.push("Then deploy, start, and look at everything:".to_owned());
            next.push("  sam build && sam deploy".to_owned());
            next.push(format!("  entra-mirror start --stack {stack}"));
            next.push(format!("  entra-mirror doctor --stack {stack} --sign-in"));
        }
        next
    }

    /// What has no API in AWS.
    fn console(&self, region: &str) -> Vec<String> {
        let file =
            |name: &str| self.files.get(name).map(|file| file.display().to_string()).unwrap_or_default();
        let mut lines = vec![
            format!("In the console of IAM Identity Center (https://{region}.console.aws.amazon.com/singlesignon), once:"),
            "  1. Settings, Identity source, Actions, Change identity source, External identity provider, Next".to_owned(),
            format!("  2. IdP SAML metadata: choose {}", file("metadata")),
            "  3. Next, type ACCEPT, Change identity source".to_owned(),
            "  4. Leave automatic provisioning (SCIM) off, here and in Entra ID: entra-mirror is the one writer".to_owned(),
            format!(
                "  If an external identity provider is in use already: Actions, Manage authentication, Import certificate, {}",
                file("certificate")
            ),
        ];
        if !self.portal_is_known {
            let line = "  Give the AWS access portal URL (Settings) to `entra-mirror setup --portal-url`, so that sign-ins that \
                        begin at Microsoft lead there";
            lines.push(line.to_owned());
        }
        lines
    }
}

fn shown(step: &Step, outcome: &str) -> Value {
    json!({"step": step.kind(), "text": without_mark(step), "overwrites": step.overwrites(), "outcome": outcome})
}

/// `+`, `~` or `!` stands first.
fn without_mark(step: &Step) -> String {
    step.to_string().chars().skip(2).collect()
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").map_err(Into::into)
}
