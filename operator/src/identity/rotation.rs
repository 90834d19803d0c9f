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
    /// Since when it stands there.
    #[serde(default)]
    pub since: i64,
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
    /// While somebody still uses a previous one its time begins again, noted this often.
    pub touch: i64,
}

/// What is to be done to a ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a generation that stands here.
    Make(State),
    /// The next one becomes current, the current one previous.
    Promote,
    /// Somebody still uses this previous one: its time begins again.
    Touch(String),
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
    // What ends by itself waits for nobody.
    let known = holders.complete || times.end.is_some();
    for previous in ring.iter().filter(|one| one.state == State::Previous) {
        let kept = now - previous.since;
        let used = holders.used.contains(&previous.id);
        if used && kept >= times.touch {
            return Some(Step::Touch(previous.id.clone()));
        }
        if !used && known && kept >= times.keep {
            return Some(Step::Drop(previous.id.clone()));
        }
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
            ring.push(Generation { id, state: *state, made: now, since: now, material });
        }
        Step::Promote => {
            for one in ring.iter_mut() {
                let state = match one.state {
                    State::Next => State::Current,
                    State::Current => State::Previous,
                    State::Previous => continue,
                };
                (one.state, one.since) = (state, now);
            }
        }
        Step::Touch(id) => ring.iter_mut().filter(|one| one.id == *id).for_each(|one| one.since = now),
        Step::Drop(id) => ring.retain(|one| one.id != *id),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
