//! A table whose copy costs almost nothing and whose change costs a few hundred entries, however many there are: what one snapshot shares with the next.
//!
//! Entries lie in shards by their hash; a change copies the shard that it is in, if somebody else still reads it. It never says what a key is.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Shards of a table: ten thousand entries are forty in each.
const SHARDS: usize = 256;

/// Where in a hash the shard is: neither its lowest bits, which choose the bucket, nor its highest, by which the table tells entries apart.
const SHARD_BITS: u32 = 32;

/// A table of entries; a clone is a copy that no later change of the other one touches.
#[derive(Clone)]
pub struct Shards<T> {
    hasher: RandomState,
    tables: Arc<[Arc<Shard<T>>]>,
    len: usize,
}

/// Entries with their hashes: a shard that grows asks nobody for them.
type Shard<T> = HashTable<(u64, T)>;

impl<T: Clone> Default for Shards<T> {
    fn default() -> Self {
        let empty = Arc::new(HashTable::new());
        Self { hasher: RandomState::default(), tables: (0..SHARDS).map(|_| Arc::clone(&empty)).collect(), len: 0 }
    }
}

impl<T: Clone> Shards<T> {
    /// The hash of a key: what the other functions are to be called with.
    pub fn hash(&self, key: &(impl Hash + ?Sized)) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The entry of this hash that `is` the one.
    pub fn get(&self, hash: u64, is: impl Fn(&T) -> bool) -> Option<&T> {
        self.tables[shard(hash)].find(hash, |(_, entry)| is(entry)).map(|(_, entry)| entry)
    }

    /// Puts an entry in the place of the one that `is` the same, or beside all others.
    pub fn insert(&mut self, hash: u64, entry: T, is: impl Fn(&T) -> bool) {
        let table = self.table(hash);
        if let Some((_, before)) = table.find_mut(hash, |(_, entry)| is(entry)) {
            *before = entry;
        } else {
            table.insert_unique(hash, (hash, entry), |(hash, _)| *hash);
            self.len += 1;
        }
    }

    /// Takes out the entry that `is` the one.
    pub fn remove(&mut self, hash: u64, is: impl Fn(&T) -> bool) -> Option<T> {
        self.get(hash, &is)?;
        let found = self.table(hash).find_entry(hash, |(_, entry)| is(entry)).ok()?;
        let ((_, entry), _) = found.remove();
        self.len -= 1;
        Some(entry)
    }

    /// All entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.tables.iter().flat_map(|table| table.iter()).map(|(_, entry)| entry)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The shard to be changed: a copy, if another table still has it.
    fn table(&mut self, hash: u64) -> &mut Shard<T> {
        Arc::make_mut(&mut Arc::make_mut(&mut self.tables)[shard(hash)])
    }
}

fn shard(hash: u64) -> usize {
    (hash >> SHARD_BITS) as usize % SHARDS
}

#[cfg(test)]
mod tests;
