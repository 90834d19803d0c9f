//! Rate limits by the generic cell rate algorithm: one number for each key, the time at which it will be as if it had never been used.
//!
//! Time is passed in. A key whose time has come is the same as no key, so forgetting it costs nothing; that bounds the memory of ordinary
//! use. Beyond [`CAPACITY`] keys in use at once the ones soonest to be forgotten go first: such a key starts anew, a little too generously.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::time::Duration;

use foldhash::quality::{FoldHasher, RandomState};
use parking_lot::Mutex;

/// Keys in use at once, over all limits: some 32 MiB.
pub const CAPACITY: usize = 1 << 20;
/// A request locks one of them for some ten nanoseconds.
const SHARDS: usize = 64;
/// Keys of a full shard that are compared for leaving.
const SAMPLE: usize = 8;
/// A full shard is searched for keys in disuse at most this often, nanoseconds.
const SWEEP: u64 = 1_000_000_000;

/// How often: a steady interval, and how far ahead of it calls may come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    interval: u64,
    tolerance: u64,
}

impl Rate {
    /// `requests` in `window`, of which `burst` (at least one) may come at once.
    pub fn new(requests: u64, window: Duration, burst: u64) -> Self {
        let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        let interval = (window / requests.max(1)).max(1);
        Self { interval, tolerance: interval.saturating_mul(burst.max(1)) }
    }

    /// What one gateway of `pods` enforces: its share of the requests, rounded up, and the whole burst.
    pub fn share(requests: u64, window: Duration, burst: Option<u64>, pods: u32) -> Self {
        let share = requests.div_ceil(u64::from(pods.max(1)));
        Self::new(share, window, burst.unwrap_or(share))
    }

    /// When a key last used until `before` may be used again, and until when it is in use then.
    fn next(self, before: Option<u64>, now: u64) -> Result<u64, Duration> {
        // A limit that was made shorter must not wait for what the longer one had noted.
        let before = before.unwrap_or(now).clamp(now, now.saturating_add(self.tolerance));
        let after = before.saturating_add(self.interval);
        let allowed_at = after.saturating_sub(self.tolerance);
        if allowed_at <= now { Ok(after) } else { Err(Duration::from_nanos(allowed_at - now)) }
    }
}

/// The counts of every limit of a process.
pub struct Limiter {
    shards: Box<[Mutex<Shard>]>,
    capacity: usize,
    seed: RandomState,
}

#[derive(Default)]
struct Shard {
    /// Until when each key is in use, nanoseconds.
    keys: HashMap<u64, u64, foldhash::fast::RandomState>,
    swept: u64,
}

impl Default for Limiter {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl Limiter {
    /// A limiter for about this many keys.
    pub fn with_capacity(keys: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, capacity: (keys / SHARDS).max(1), seed: RandomState::default() }
    }

    /// Hashes what a key is made of; seeded, so that nobody outside can make two keys meet.
    pub fn hasher(&self) -> FoldHasher<'_> {
        self.seed.build_hasher()
    }

    /// Whether `key` may be used now, without using it; `Err`: how long to wait.
    pub fn peek(&self, key: u64, rate: Rate, now: u64) -> Result<(), Duration> {
        let before = self.shard(key).lock().keys.get(&key).copied();
        rate.next(before, now).map(drop)
    }

    /// Uses `key` once; `Err`: how long to wait, and nothing was used.
    pub fn take(&self, key: u64, rate: Rate, now: u64) -> Result<(), Duration> {
        let mut shard = self.shard(key).lock();
        let before = shard.keys.get(&key).copied();
        let until = rate.next(before, now)?;
        if before.is_none() {
            shard.make_room(self.capacity, now);
        }
        shard.keys.insert(key, until);
        Ok(())
    }

    /// Keys that are remembered.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().keys.len()).sum()
    }

    /// Whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: u64) -> &Mutex<Shard> {
        // The upper bits: the table within a shard uses the lower ones.
        let index = usize::try_from(key >> 58).unwrap_or_default();
        &self.shards[index % SHARDS]
    }
}

impl Shard {
    fn make_room(&mut self, capacity: usize, now: u64) {
        if self.keys.len() < capacity {
            return;
        }
        if self.swept.saturating_add(SWEEP) <= now || self.swept == 0 {
            self.swept = now.max(1);
            self.keys.retain(|_, until| *until > now);
        }
        while self.keys.len() >= capacity {
            let soonest = self.keys.iter().take(SAMPLE).min_by_key(|(_, until)| **until).map(|(key, _)| *key);
            let Some(soonest) = soonest else { return };
            self.keys.remove(&soonest);
        }
    }
}

#[cfg(test)]
mod tests;
