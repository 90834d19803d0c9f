use std::collections::BTreeMap;

use super::*;

type Table = Shards<(u32, u32)>;

fn put(table: &mut Table, key: u32, value: u32) {
    table.insert(table.hash(&key), (key, value), |entry| entry.0 == key);
}

fn take(table: &mut Table, key: u32) -> Option<(u32, u32)> {
    table.remove(table.hash(&key), |entry| entry.0 == key)
}

fn all(table: &Table) -> BTreeMap<u32, u32> {
    table.iter().copied().collect()
}

#[test]
fn it_holds_what_a_plain_map_holds_after_any_changes() {
    let (mut table, mut map) = (Table::default(), BTreeMap::new());
    for round in 0..5000 {
        let key = fastrand::u32(..700);
        if fastrand::bool() {
            put(&mut table, key, round);
            map.insert(key, round);
        } else {
            assert_eq!(take(&mut table, key), map.remove(&key).map(|value| (key, value)));
        }
    }
    assert_eq!(all(&table), map);
    assert_eq!((table.len(), table.is_empty()), (map.len(), map.is_empty()));
    for key in 0..700 {
        let found = table.get(table.hash(&key), |entry| entry.0 == key);
        assert_eq!(found.map(|entry| entry.1), map.get(&key).copied());
    }
}

#[test]
fn a_copy_is_not_touched_by_later_changes_and_shares_what_they_leave_alone() {
    let mut table = Table::default();
    (0..1000).for_each(|key| put(&mut table, key, 1));
    let copy = table.clone();
    put(&mut table, 7, 2);
    take(&mut table, 8);
    put(&mut table, 1000, 2);
    assert_eq!(all(&copy), (0..1000).map(|key| (key, 1)).collect());
    let shared = copy.tables.iter().zip(table.tables.iter()).filter(|(one, other)| Arc::ptr_eq(one, other)).count();
    assert!(shared >= SHARDS - 3, "{shared}");
}
