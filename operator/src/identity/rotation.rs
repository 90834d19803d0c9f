//! How one key gives way to the next without anybody noticing: made, spread, used, kept, dropped. Sealing keys and authorities go the same way.
//!
//! Pure: it is told the time and what gateways hold, and never sees key material.

use serde::{Deserialize, Serialize};

use super::Holders;

/// Where a generation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Being spread; nobody uses it.
    Next,
    /// In use.
    Current,
    /// No longer used; what was made with it is still good.
    Previous,
}

/// One key or authority of a ring. Times are seconds since 1970; a ring that somebody else has made may say none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation<M> {
    /// Its id, unique in its ring.
    pub id: String,
    /// Where it stands.
    pub state: State,
    /// When it was made.
    #[serde(default)]
    pub made: i64,
    /// Since when it stands there; of a previous one, when somebody may have used it last.
    #[serde(default)]
    pub since: i64,
    /// When it was last seen who uses a previous one.
    #[serde(default)]
    pub checked: i64,
    /// What it is made of.
    #[serde(flatten)]
    pub material: M,
}

/// The times of a ring, in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    /// Age at which the next one is made.
    pub renew: i64,
    /// Age at which the next one takes over whoever holds it; `None`: never before all do.
    pub end: Option<i64>,
    /// How long a previous one is kept.
    pub keep: i64,
    /// How often it is noted who uses a previous one. Where nobody has looked for twice as long, it may have been used.
    pub touch: i64,
}

/// What is to be done to a ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a generation that stands here.
    Make(State),
    /// The next one becomes current, the current one previous.
    Promote,
    /// Somebody uses this previous one, or may have: its time begins again.
    Touch(String),
    /// Nobody uses this previous one.
    Check(String),
    /// Forget it.
    Drop(String),
}

/// The next step of a ring, if one is due. At most `most` generations live at a time: what is kept is never dropped to make room.
#[must_use]
pub fn due<M>(ring: &[Generation<M>], times: &Times, most: usize, holders: &Holders, now: i64) -> Option<Step> {
    let find = |state| ring.iter().find(|one| one.state == state);
    let Some(current) = find(State::Current) else {
        return Some(find(State::Next).map_or(Step::Make(State::Current), |_| Step::Promote));
    };
    let mut previous = ring.iter().filter(|one| one.state == State::Previous);
    if let Some(step) = previous.find_map(|one| retire(one, times, holders, now)) {
        return Some(step);
    }
    let age = now - current.made;
    match find(State::Next) {
        Some(next) => {
            let ended = times.end.is_some_and(|end| age >= end);
            (ended || holders.everywhere.contains(&next.id)).then_some(Step::Promote)
        }
        None => (age >= times.renew && ring.len() < most).then_some(Step::Make(State::Next)),
    }
}

/// What becomes of a previous one. It is kept from the last moment in which somebody may have used it: a pod whose files are old and that nobody
/// hears does.
fn retire<M>(previous: &Generation<M>, times: &Times, holders: &Holders, now: i64) -> Option<Step> {
    let (kept, unseen) = (now - previous.since, now - previous.checked);
    let id = || previous.id.clone();
    if times.end.is_some() {
        // What ends by itself waits for nobody.
        return (kept >= times.keep).then(|| Step::Drop(id()));
    }
    if holders.used.contains(&previous.id) {
        return (kept >= times.touch).then(|| Step::Touch(id()));
    }
    if !holders.complete || unseen < times.touch {
        return None;
    }
    if unseen > 2 * times.touch {
        return Some(Step::Touch(id()));
    }
    Some(if kept >= times.keep { Step::Drop(id()) } else { Step::Check(id()) })
}

/// Takes a step. `make` gives the id and the material of a new generation.
///
/// # Errors
/// Those of `make`; the ring is as it was.
pub fn take<M, E>(
    ring: &mut Vec<Generation<M>>,
    step: &Step,
    now: i64,
    make: impl FnOnce() -> Result<(String, M), E>,
) -> Result<(), E> {
    match step {
        Step::Make(state) => {
            let (id, material) = make()?;
            ring.push(Generation { id, state: *state, made: now, since: now, checked: now, material });
        }
        Step::Promote => {
            for one in ring.iter_mut() {
                let state = match one.state {
                    State::Next => State::Current,
                    State::Current => State::Previous,
                    State::Previous => continue,
                };
                (one.state, one.since, one.checked) = (state, now, now);
            }
        }
        Step::Touch(id) | Step::Check(id) => {
            for one in ring.iter_mut().filter(|one| one.id == *id) {
                one.checked = now;
                if matches!(step, Step::Touch(_)) {
                    one.since = now;
                }
            }
        }
        Step::Drop(id) => ring.retain(|one| one.id != *id),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
