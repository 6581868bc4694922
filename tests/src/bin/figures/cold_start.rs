//! How long Graph waits for the webhook's answer to its validation, if the function has to be started for it and gets a tenth
//! of a processor: from the call of exec to the answer. The binary is in the page cache.

use crate::figure::{Bound, Figure};
use crate::notifications;
use crate::start::variables;
use crate::statistics::median;
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tests::function::Function;

/// The figure's name.
pub const NAME: &str = "webhook-cold-start-at-a-tenth-of-a-cpu";
/// Milliseconds.
const COLD_START: f64 = 100.0;
/// Starts, of which the median counts. One more before them warms the page cache.
const STARTS: usize = 10;
/// For one invocation.
const TIME: Duration = Duration::from_secs(10);
/// Microseconds of processor time in each period of so many, close to what Lambda does (20 ms).
const QUOTA: (u32, u32) = (1_000, 10_000);
/// Where control groups are: version 1 with its controller, and version 2.
const VERSION_1: &str = "/sys/fs/cgroup/cpu";
const VERSION_2: &str = "/sys/fs/cgroup";

/// In a control group, if one can be made here; otherwise ten times the processor's time, which is more.
///
/// # Errors
/// When the function does not start or answer.
pub async fn measure() -> anyhow::Result<Figure> {
    let tenth = Tenth::new();
    if let Err(error) = &tenth {
        eprintln!(
            "tests/bench: no control group can be made ({error}); {NAME} is ten times the processor's time"
        );
    }
    let mut times = Vec::with_capacity(STARTS + 1);
    for _ in 0..=STARTS {
        times.push(cold_start(tenth.as_ref().ok()).await?.as_secs_f64() * 1_000.0);
    }
    if let Ok(tenth) = tenth {
        tenth.remove().await?;
    }
    Ok(Figure::new(NAME, median(&times[1..]), "ms", Bound::AtMost(COLD_START)))
}

async fn cold_start(tenth: Option<&Tenth>) -> anyhow::Result<Duration> {
    let mut function = Function::new("webhook", variables("http://127.0.0.1:9"), TIME)?;
    if let Some(tenth) = tenth {
        function = function.launched_by(tenth.launcher());
    }
    let start = Instant::now();
    let answer = function.invoke(&notifications::request("validationToken=figures", "")).await?;
    let time = start.elapsed();
    ensure!(answer["body"] == "figures", "the webhook answered {answer}; {}", function.logs().tail(3));
    if tenth.is_some() {
        return Ok(time);
    }
    let process = function.process_id().context("the webhook has ended")?;
    Ok(processor_time(process)? * 10)
}

/// Of the one thread that the webhook has (proc(5), `schedstat`: nanoseconds on the processor come first).
fn processor_time(process: u32) -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/schedstat"))?;
    let nanoseconds = text.split(' ').next().and_then(|text| text.parse().ok());
    Ok(Duration::from_nanos(nanoseconds.with_context(|| format!("no time in {text:?}"))?))
}

/// A control group whose processes get a tenth of a processor.
struct Tenth(PathBuf);

impl Tenth {
    fn new() -> std::io::Result<Self> {
        let version_1 = Path::new(VERSION_1).is_dir();
        let parent = if version_1 { VERSION_1 } else { VERSION_2 };
        let group = Self(Path::new(parent).join(format!("entra-mirror-{}", std::process::id())));
        std::fs::create_dir(&group.0)?;
        let (quota, period) = QUOTA;
        if version_1 {
            std::fs::write(group.0.join("cpu.cfs_period_us"), period.to_string())?;
            std::fs::write(group.0.join("cpu.cfs_quota_us"), quota.to_string())?;
        } else {
            std::fs::write(group.0.join("cpu.max"), format!("{quota} {period}"))?;
        }
        Ok(group)
    }

    /// Takes it away, once its last process has quite ended.
    async fn remove(self) -> anyhow::Result<()> {
        let deadline = Instant::now() + TIME;
        while let Err(error) = std::fs::remove_dir(&self.0) {
            ensure!(Instant::now() < deadline, "{} stays: {error}", self.0.display());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Enters the group, and becomes the program that follows.
    fn launcher(&self) -> Vec<String> {
        let enter = format!("echo $$ > '{}' && exec \"$0\"", self.0.join("cgroup.procs").display());
        vec!["/bin/sh".to_owned(), "-c".to_owned(), enter]
    }
}
