//! The process's peak memory.

#![allow(
    clippy::disallowed_methods,
    reason = "it asks the machine about the process, never the run"
)]

/// The largest resident set of this process so far, in bytes; 0 where the machine does not tell.
pub(super) fn peak() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return 0 };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
