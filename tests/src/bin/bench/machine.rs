//! What the kernel says of a process's CPU, and of the machine.

use std::fs;
use std::process::Command;

use anyhow::{Context, ensure};

/// CPU time of a process, all threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    /// Scheduler time, microseconds: exact where user and kernel time are sampled by ticks.
    scheduler_us: f64,
    /// Microseconds in user space.
    pub user_us: f64,
    /// Microseconds in the kernel.
    pub kernel_us: f64,
    /// Microseconds in which its threads could run and had no core.
    pub waited_us: f64,
}

impl Cpu {
    /// Both together.
    pub fn total_us(&self) -> f64 {
        self.scheduler_us
    }

    /// What was spent since.
    pub fn since(self, before: Self) -> Self {
        Self {
            scheduler_us: self.scheduler_us - before.scheduler_us,
            user_us: self.user_us - before.user_us,
            kernel_us: self.kernel_us - before.kernel_us,
            waited_us: self.waited_us - before.waited_us,
        }
    }
}

/// The CPU time of a process so far, threads that live included.
pub fn cpu(pid: u32) -> anyhow::Result<Cpu> {
    let mut cpu = Cpu::default();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).context("the proxy is gone")? {
        let path = thread?.path();
        let schedule = fs::read_to_string(path.join("schedstat"))?;
        let mut nanoseconds = schedule.split(' ').map(|field| field.trim().parse::<f64>());
        cpu.scheduler_us += nanoseconds.next().context("schedstat")?? / 1000.0;
        cpu.waited_us += nanoseconds.next().context("schedstat")?? / 1000.0;
        let stat = fs::read_to_string(path.join("stat"))?;
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        // Fields 14 and 15 of proc(5), in ticks of 10 ms.
        cpu.user_us += fields.get(11).context("stat")?.parse::<f64>()? * 10_000.0;
        cpu.kernel_us += fields.get(12).context("stat")?.parse::<f64>()? * 10_000.0;
    }
    Ok(cpu)
}

/// Lets a process and all its threads run on these cores only, as `taskset` lists them.
pub fn pin(pid: u32, cores: &str) -> anyhow::Result<()> {
    // A program of its own, since the standard library has no affinity and unsafe code is forbidden.
    let output =
        Command::new("taskset").args(["-a", "-c", "-p", cores, &pid.to_string()]).output().context("taskset")?;
    ensure!(output.status.success(), "taskset: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The cores of the machine, also those that this process may not use.
pub fn cores() -> usize {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    info.lines().filter(|line| line.starts_with("processor")).count()
}

/// The machine, in one line.
pub fn describe() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = cores();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores, {}, Linux {}", model.trim_start_matches(['\t', ' ', ':']), kernel.trim())
}

/// Memory of a process, megabytes: now, and the most so far.
pub fn memory(pid: u32) -> anyhow::Result<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let megabytes = |field: &str| -> anyhow::Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
        Ok(line.trim_matches([':', '\t', ' ']).trim_end_matches(" kB").parse::<f64>()? / 1024.0)
    };
    Ok((megabytes("VmRSS")?, megabytes("VmHWM")?))
}
