//! What this process has had of the machine.

use anyhow::Context;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// What this thread has had of the processor: the machine may be busy with other things.
///
/// # Errors
/// When the system's clock goes wrong.
pub fn processor_time() -> anyhow::Result<Duration> {
    Ok(clock_gettime(ClockId::ThreadCPUTime).try_into()?)
}

/// The peak memory of this process, in MiB.
///
/// # Errors
/// Where there is no `/proc`.
pub fn peak_memory() -> anyhow::Result<f64> {
    peak_memory_of("self")
}

/// The peak memory of a process, in MiB.
///
/// # Errors
/// Where there is no `/proc`, or no such process.
pub fn peak_memory_of(process: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))
        .context("peak memory is read from /proc, which only Linux has")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(kibibytes.with_context(|| format!("/proc/{process}/status has no VmHWM"))? / 1_024.0)
}
