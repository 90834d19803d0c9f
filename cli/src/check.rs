//! `portolan check`: the operator's own validation of files, offline.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use portolan_operator::translate::check;

use crate::manifests::Manifests;
use crate::options::Check;
use crate::report::{self, Paint};

/// Reads the files and prints every problem as `file:line: object: field: message; remedy`. 0 clean, 1 problems.
///
/// # Errors
/// Nobody reads what is printed.
pub fn run(options: &Check, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let paint = Paint::new(std::io::stdout().is_terminal());
    let mut reading = Manifests::at(&options.paths).read();
    let objects = std::mem::take(&mut reading.objects);
    let count = objects.len();
    let problems = check::check(objects);
    for note in &reading.notes {
        writeln!(out, "{}", paint.dim(&report::fault(note)))?;
    }
    let mut lines: Vec<_> =
        reading.faults.iter().map(|fault| (fault.file.clone(), fault.line, report::fault(fault))).collect();
    lines.extend(problems.iter().map(|problem| report::problem(problem, &reading.places)));
    lines.sort();
    for (_, _, line) in &lines {
        writeln!(out, "{}", paint.bad(line))?;
    }
    let objects = report::count(count, "object");
    if lines.is_empty() {
        writeln!(out, "{}", paint.good(&format!("{objects}, no problem")))?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{objects}, {}", report::count(lines.len(), "problem"))?;
    Ok(ExitCode::FAILURE)
}

#[cfg(test)]
mod tests;
