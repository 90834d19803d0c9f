//! The time as of the kernel's last tick, a few milliseconds ago at most: for what counts in seconds, at a tenth of what an exact look costs.
//! Not for rate limits, deadlines of calls or what is measured.

use std::time::Duration;

#[cfg(target_os = "linux")]
fn look(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Since 1970.
#[cfg(target_os = "linux")]
pub fn of_day() -> Duration {
    look(rustix::time::ClockId::RealtimeCoarse)
}

/// Since some moment before this process began; it never goes back.
#[cfg(target_os = "linux")]
pub fn steady() -> Duration {
    look(rustix::time::ClockId::MonotonicCoarse)
}

/// Since 1970.
#[cfg(not(target_os = "linux"))]
pub fn of_day() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// Since some moment before this process began; it never goes back.
#[cfg(not(target_os = "linux"))]
pub fn steady() -> Duration {
    static FIRST: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    FIRST.elapsed()
}

#[cfg(test)]
mod tests;
