//! What the operator's command takes.

use crate::setup_arguments::SetupArguments;
use clap::{Args, Parser, Subcommand};
use entra_mirror::certificate_command::{Asked, CertificateRequest};
use entra_mirror::holds_command::Choice;
use entra_mirror::rules_command::Against;
use entra_mirror::snapshot_command::Sides;
use planning::EntraObjectId;
use planning::rotation::{Command as Instructed, TargetId};
use planning::snapshot::Only;
use std::path::PathBuf;
use std::time::Duration;

/// Makes AWS IAM Identity Center agree with Microsoft Entra ID.
#[derive(Parser)]
#[command(name = "entra-mirror", version, about)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The stack. `setup` and `start` work on it (entra-mirror, unless named); any other command takes what its functions run
    /// with, where the environment has no variable.
    #[arg(long, global = true)]
    pub stack: Option<String>,
    /// Sign in to Entra ID with a code, in place of the functions' credential.
    #[arg(long, global = true)]
    pub sign_in: bool,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Serves a strict stand-in for Entra ID, Microsoft Graph and IAM Identity Center on the loopback, until
    /// interrupted. The first line is a JSON object with the addresses and what is needed to sign in.
    Sandbox {
        /// The port to listen on; 0 takes a free one.
        #[arg(long, default_value_t = 7400)]
        port: u16,
        /// Nothing is registered in the tenant: it is for `entra-mirror setup`.
        #[arg(long)]
        empty: bool,
    },
    /// Sets up Entra ID and AWS so that the system can be deployed: the enterprise application with its certificate, two app
    /// registrations, what they trust, and the deployment's parameters. Every step is shown, then done; run again it goes on
    /// where it stopped. Ends with 0 if everything is as it should be, 2 if something waits for somebody, or differs.
    Setup(SetupArguments),
    /// Runs what has to run once after `sam deploy`, with the credentials and Region of the deployment: ensures the
    /// subscriptions, reads the assignments, compares everything, and follows the work until both sides agree. It can be
    /// repeated. Ends with 1 if they do not agree in time.
    Start {
        /// Follow the work for so many seconds; it goes on by itself.
        #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
        wait: u64,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Plays a story in a sandbox and shows what changes on both sides. Ends with 0 only if they agree.
    Playground {
        /// Print one JSON object per step, and a summary, instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Shows bulk revocations that wait for a decision; with a hold's name, its principals.
    Holds {
        /// The hold.
        hold: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        ledger: LedgerOption,
    },
    /// Approves revocations that are held: what of them is still valid is then done by the mirror.
    Approve {
        #[command(flatten)]
        choice: ChoiceOptions,
        #[command(flatten)]
        ledger: LedgerOption,
    },
    /// Discards revocations that are held: nothing is revoked, and nobody is asked again until Entra ID says
    /// something else about them.
    Discard {
        #[command(flatten)]
        choice: ChoiceOptions,
        #[command(flatten)]
        ledger: LedgerOption,
    },
    /// Checks what a person would check, on both sides and in between, a line for each: green, yellow or red, with what to
    /// do. Ends with 0 if nobody has to do anything, with 2 if somebody should (yellow), with 1 if something does not work
    /// (red). It only reads.
    Doctor {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// The certificate with which Entra ID signs sign-ins to AWS.
    Certificate {
        /// What to do.
        #[command(subcommand)]
        command: CertificateCommand,
    },
    /// Shows what would change in Identity Center, and why. Ends with 0 if nothing would, 2 if something would, 1 after an
    /// error. It can write nothing, so that credentials that may only read serve it.
    Plan {
        #[command(flatten)]
        sides: SidesOptions,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        /// Write a page for a change review, too: one file with search.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
        /// Only what is about `user:NAME`, `group:NAME` or `account:ID`; can be repeated.
        #[arg(long, value_name = "WHAT")]
        only: Vec<Only>,
        /// Store the plan, to be reviewed and applied.
        #[arg(long, value_name = "PLAN", conflicts_with_all = ["snapshot", "rules"])]
        out: Option<PathBuf>,
    },
    /// Has done what a stored plan shows, as far as it is still called for, and follows that to its end. What the plan
    /// does not show is not done by it, and is printed. The mirror does the work: this command writes nothing to Identity
    /// Center.
    Apply {
        /// What `plan --out PLAN` stored.
        plan: PathBuf,
        #[command(flatten)]
        following: FollowingOptions,
    },
    /// Lists users and groups in Identity Center that match ones in scope and are not ours, with what makes each doubtful;
    /// with a list that was reviewed, adopts what it holds. Ids and account assignments survive.
    Adopt {
        /// A list that `adopt --out LIST` stored, without what is not to be adopted.
        list: Option<PathBuf>,
        /// Store the list, to be reviewed.
        #[arg(long, value_name = "LIST", conflicts_with = "list")]
        out: Option<PathBuf>,
        /// Print one JSON object for each.
        #[arg(long, conflicts_with = "list")]
        json: bool,
        #[command(flatten)]
        following: FollowingOptions,
    },
    /// Explains why a user has access, from Entra ID to the account, or who has access to an account. What is in one
    /// side and not in the other stands out.
    Explain {
        /// A user principal name, an account's id or name, or an object id; `user:` or `account:` before it says which.
        what: String,
        #[command(flatten)]
        sides: SidesOptions,
        /// Print JSON, one object a line.
        #[arg(long)]
        json: bool,
    },
    /// Stores what both sides hold, so that `plan`, `explain` and `rules check` can work without them. The file holds no
    /// secret; it names people.
    Snapshot {
        /// The file, which only its owner may read.
        file: PathBuf,
    },
    /// The rules that say which group gets which permission set in which accounts.
    Rules {
        /// What to do with them.
        #[command(subcommand)]
        command: RulesCommand,
    },
}

impl Command {
    /// True if it is about a system that is deployed and runs.
    pub fn is_about_a_deployment(&self) -> bool {
        !matches!(self, Self::Sandbox { .. } | Self::Playground { .. } | Self::Setup(_) | Self::Start { .. })
    }
}

/// What to do about the signing certificate.
#[derive(Subcommand)]
pub enum CertificateCommand {
    /// Shows every certificate, where it is known, and a verdict. Ends with 0 if nobody has to do anything, with 2 if
    /// somebody has to, with 1 if sign-ins are broken or may break at any moment.
    Status {
        #[command(flatten)]
        output: OutputOptions,
    },
    /// Stages a certificate now, or goes on with a rotation that is held.
    Stage {
        /// Without a soak: activate as soon as every target trusts it.
        #[arg(long)]
        at_once: bool,
        #[command(flatten)]
        output: OutputOptions,
    },
    /// Says that you imported the staged certificate into a target whose list cannot be read.
    Attest {
        /// The whole SHA-256 fingerprint that the target shows.
        #[arg(long, value_name = "FINGERPRINT")]
        sha256: String,
        /// Which target.
        #[arg(long, default_value = "identity-center")]
        target: String,
        #[command(flatten)]
        output: OutputOptions,
    },
    /// Activates the staged certificate without waiting for the change window.
    Activate {
        #[command(flatten)]
        output: OutputOptions,
    },
    /// Goes back to the certificate before.
    Rollback {
        #[command(flatten)]
        output: OutputOptions,
    },
    /// Approves that the certificate before is taken from the targets as soon as that is safe.
    Retire {
        #[command(flatten)]
        output: OutputOptions,
    },
    /// Shows what happened, the latest first.
    History {
        /// So many entries.
        #[arg(long, default_value_t = 50)]
        most: usize,
        #[command(flatten)]
        output: OutputOptions,
    },
}

/// Which ledger, and how to print.
#[derive(Args)]
pub struct OutputOptions {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub ledger: LedgerOption,
}

impl From<CertificateCommand> for CertificateRequest {
    fn from(command: CertificateCommand) -> Self {
        use CertificateCommand as Given;
        let (asked, output) = match command {
            Given::Status { output } => (Asked::Status, output),
            Given::History { most, output } => (Asked::History { most }, output),
            Given::Stage { at_once, output } => (Asked::Do(Instructed::Stage { at_once }), output),
            Given::Attest { sha256, target, output } => {
                let target = TargetId(target);
                (Asked::Do(Instructed::Attest { target, fingerprint: sha256 }), output)
            }
            Given::Activate { output } => (Asked::Do(Instructed::Activate), output),
            Given::Rollback { output } => (Asked::Do(Instructed::RollBack), output),
            Given::Retire { output } => (Asked::Do(Instructed::Retire), output),
        };
        Self { table: output.ledger.table, asked, json: output.json }
    }
}

/// What to do with rules.
#[derive(Subcommand)]
pub enum RulesCommand {
    /// Reports every fault of a document of grants, with line and column. Ends with 1 if the rules cannot be used;
    /// warnings alone are no failure. Touches nothing.
    Check {
        /// The document.
        file: PathBuf,
        #[command(flatten)]
        against: AgainstOptions,
        /// Print one JSON object instead of a line per fault.
        #[arg(long)]
        json: bool,
    },
    /// Checks a document of grants against both sides, shows what it would change in account assignments, asks, and stores
    /// it in the parameter RULES_PARAMETER. Ends with 1 if it is not stored.
    Push {
        /// The document.
        file: PathBuf,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// Where faults are looked for that only show where accounts, permission sets and groups are known.
#[derive(Args)]
#[group(multiple = false)]
pub struct AgainstOptions {
    /// Look them up in this snapshot, too.
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// Look them up in both sides, too, as they are now.
    #[arg(long)]
    connected: bool,
}

impl From<AgainstOptions> for Against {
    fn from(options: AgainstOptions) -> Self {
        match options.snapshot {
            Some(file) => Against::Snapshot(file),
            None if options.connected => Against::BothSides,
            None => Against::Nothing,
        }
    }
}

/// How work is followed.
#[derive(Args)]
pub struct FollowingOptions {
    /// Follow the work for so many seconds; it goes on by itself.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    wait: u64,
}

impl From<FollowingOptions> for Duration {
    fn from(options: FollowingOptions) -> Self {
        Duration::from_secs(options.wait)
    }
}

/// What is looked at.
#[derive(Args)]
pub struct SidesOptions {
    /// Look at this snapshot instead of both sides.
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// Play these rules through instead of those that are in use.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

impl From<SidesOptions> for Sides {
    fn from(SidesOptions { snapshot, rules }: SidesOptions) -> Self {
        Self { snapshot, rules }
    }
}

/// Which ledger.
#[derive(Args)]
pub struct LedgerOption {
    /// The ledger's table, if the variable LEDGER_TABLE does not name it.
    #[arg(long = "ledger", value_name = "TABLE")]
    pub table: Option<String>,
}

/// What is decided.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub struct ChoiceOptions {
    /// The hold, as `entra-mirror holds` shows it.
    #[arg(conflicts_with = "all")]
    hold: Option<String>,
    /// Only this principal (its object id in Entra ID) of the hold.
    #[arg(long, requires = "hold")]
    principal: Option<EntraObjectId>,
    /// Every hold.
    #[arg(long)]
    all: bool,
}

impl From<ChoiceOptions> for Choice {
    fn from(options: ChoiceOptions) -> Self {
        match options.hold {
            Some(hold) => Choice::Hold { hold: hold.into(), only: options.principal },
            None => Choice::All,
        }
    }
}
