use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

impl Value for u64 {
    const TAG: u8 = b't';

    fn same(&self, other: &u64) -> bool {
        self == other
    }
}

fn all(map: &Map<u64, u64>) -> Vec<(u64, u64)> {
    let mut cursor = map.cursor();
    std::iter::from_fn(|| cursor.next().unwrap()).collect()
}

/// Heights agree, nothing but a root leaf is empty, keys are in order.
fn check(map: &Map<u64, u64>) {
    fn node(link: &Link<u64, u64>, is_root: bool) -> (u8, usize) {
        match link.node().unwrap() {
            Node::Leaf(entries) => {
                assert!(is_root || !entries.is_empty());
                assert!(entries.len() <= ENTRIES_MAX && entries.is_sorted_by(|a, b| a.0 < b.0));
                (0, entries.len())
            }
            Node::Inner(children) => {
                assert!(
                    children.len() <= ENTRIES_MAX && children.len() >= if is_root { 2 } else { 1 }
                );
                let below: Vec<_> = children
                    .iter()
                    .map(|(_, child)| node(child, false))
                    .collect();
                assert!(below.iter().all(|(height, _)| *height == below[0].0));
                (below[0].0 + 1, below.iter().map(|(_, count)| count).sum())
            }
        }
    }
    let (height, count) = node(&map.root, true);
    assert_eq!(
        (height, count as u64),
        (map.root.height().unwrap(), map.len())
    );
    assert!(all(map).is_sorted_by(|a, b| a.0 < b.0));
}

proptest! {
    #[test]
    fn a_map_is_a_map(
        changes in prop::collection::vec((prop::bool::weighted(0.6), 0..600_u64, any::<u64>()), 0..2000),
        kept_at in 0..2000_usize,
        from in 0..700_u64,
    ) {
        let (mut map, mut model) = (Map::new(), BTreeMap::new());
        let mut kept = None;
        for (at, (insert, key, value)) in changes.into_iter().enumerate() {
            if insert {
                prop_assert_eq!(map.insert(key, value).unwrap(), model.insert(key, value));
            } else {
                prop_assert_eq!(map.remove(&key).unwrap(), model.remove(&key));
            }
            if at == kept_at {
                kept = Some((map.clone(), model.clone()));
            }
        }
        check(&map);
        prop_assert_eq!(all(&map), model.clone().into_iter().collect::<Vec<_>>());
        prop_assert_eq!(map.is_empty().unwrap(), model.is_empty());
        prop_assert_eq!(map.get(&from).unwrap(), model.get(&from));
        let mut cursor = map.cursor_from(&from).unwrap();
        prop_assert_eq!(cursor.next().unwrap(), model.range(from..).next().map(|(k, v)| (*k, *v)));
        let (old, old_model) = kept.unwrap_or((Map::new(), BTreeMap::new()));
        check(&old);
        prop_assert_eq!(all(&old), old_model.clone().into_iter().collect::<Vec<_>>());
        let mut found = BTreeMap::new();
        old.differences(&map, |key, before, after| {
            found.insert(*key, (before.copied(), after.copied()));
            Ok::<(), Damage>(())
        }).unwrap();
        let expected: BTreeMap<_, _> = old_model.keys().chain(model.keys())
            .map(|key| (*key, (old_model.get(key).copied(), model.get(key).copied())))
            .filter(|(_, (before, after))| before != after)
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn what_only_grows_is_dense(count in 1..5000_u64) {
        let mut map = Map::new();
        for key in 0..count {
            map.insert(key, key).unwrap();
        }
        check(&map);
        let leaves = count.div_ceil(ENTRIES_MAX as u64);
        let height = match leaves {
            0..=1 => 0,
            2..=32 => 1,
            _ => 2,
        };
        prop_assert_eq!(map.root.height().unwrap(), height);
    }
}
