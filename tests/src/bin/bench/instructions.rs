//! User instructions, counted by callgrind: of the whole gateway for one `tools/call`, and of the phases that decide. They are free of noise,
//! so that a committed baseline can tell a change from the weather.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use super::call::{Era, call};
use super::stage::{COUNTS, Counted};
use super::{Flags, upstream};

/// How far a figure may be from its baseline.
const BAND: f64 = 0.05;
/// The two lengths of a run of the gateway: their difference leaves out how it starts and ends.
const CALLS: [usize; 2] = [500, 2_500];
/// The same of one phase.
const ROUNDS: [usize; 2] = [1_000, 11_000];

/// Figures by name.
type Figures = BTreeMap<String, u64>;

/// Counts, prints and compares; whether all figures are within the band of the baseline.
pub async fn measure(flags: &Flags) -> anyhow::Result<bool> {
    let mut figures = Figures::new();
    for era in Era::ALL {
        figures.insert(format!("gateway, tools/call {}", era.word()), gateway(flags, era).await?);
    }
    if let Some(program) = &flags.phases {
        for phase in phases(program)? {
            let figure = slope(ROUNDS, |rounds| count(program, &phase, rounds))?;
            figures.insert(phase, figure);
        }
    }
    let baseline: Figures = match fs::read(&flags.baseline) {
        Ok(text) => serde_json::from_slice(&text).context("the baseline")?,
        Err(_) => Figures::new(),
    };
    let good = compare(&figures, &baseline);
    if flags.write_baseline {
        fs::write(&flags.baseline, serde_json::to_string_pretty(&figures)? + "\n")?;
        return Ok(true);
    }
    Ok(good)
}

fn compare(figures: &Figures, baseline: &Figures) -> bool {
    println!("user instructions, by callgrind\n\n| | instructions | baseline | |\n|---|---|---|---|");
    let mut good = true;
    for (name, figure) in figures {
        let Some(before) = baseline.get(name) else {
            println!("| {name} | {figure} | none | |");
            good = false;
            continue;
        };
        let change = *figure as f64 / *before as f64 - 1.0;
        let word = match change {
            change if change > BAND => "WORSE",
            change if change < -BAND => "better: commit a new baseline",
            _ => "",
        };
        println!("| {name} | {figure} | {before} ({:+.1} %) | {word} |", change * 100.0);
        good &= change.abs() <= BAND;
    }
    println!();
    good
}

async fn gateway(flags: &Flags, era: Era) -> anyhow::Result<u64> {
    let mut totals = [0; 2];
    for (total, calls) in totals.iter_mut().zip(CALLS) {
        let rig = Counted::start(flags, 2, upstream::Tools(0)).await?;
        let request = call(rig.gateway.address, era, Some(&rig.stage.issuer.token(0)?)).await?;
        request.times(calls).await?;
        *total = rig
            .stop(|out| {
                if let Some(folder) = &flags.keep {
                    fs::copy(out, folder.join(format!("callgrind.out.{}", era.word())))?;
                }
                counted(out)
            })
            .await?;
    }
    Ok((totals[1] - totals[0]) / (CALLS[1] - CALLS[0]) as u64)
}

fn phases(program: &Path) -> anyhow::Result<Vec<String>> {
    let names = Command::new(program).output()?;
    ensure!(names.status.success(), "{}: {}", program.display(), names.status);
    Ok(String::from_utf8(names.stdout)?.lines().map(str::to_owned).collect())
}

fn slope(lengths: [usize; 2], count: impl Fn(usize) -> anyhow::Result<u64>) -> anyhow::Result<u64> {
    let [few, many] = lengths;
    Ok((count(many)? - count(few)?) / (many - few) as u64)
}

fn count(program: &Path, phase: &str, rounds: usize) -> anyhow::Result<u64> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join(COUNTS);
    let mut command = Command::new("valgrind");
    command.args(callgrind(&out)).arg(program).args([phase, &rounds.to_string()]).stderr(Stdio::null());
    let status = command.status()?;
    ensure!(status.success(), "valgrind: {status}");
    counted(&out)
}

/// The arguments by which valgrind counts into a file.
pub fn callgrind(out: &Path) -> [String; 2] {
    ["--tool=callgrind".to_owned(), format!("--callgrind-out-file={}", out.display())]
}

/// What a finished run counted.
fn counted(out: &Path) -> anyhow::Result<u64> {
    let text = fs::read_to_string(out).context("valgrind has written nothing")?;
    match text.lines().find_map(|line| line.strip_prefix("totals: ")) {
        Some(total) => Ok(total.trim().parse()?),
        None => bail!("valgrind has counted nothing"),
    }
}
