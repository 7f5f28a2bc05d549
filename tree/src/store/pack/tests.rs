use std::collections::VecDeque;

use super::*;

fn pack() -> (Pack, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let dir = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
    (Pack::open(dir).unwrap(), folder)
}

fn bytes(seed: u64) -> Vec<u8> {
    seed.to_le_bytes().repeat(64 << 10)
}

#[test]
fn a_chunk_stays_until_it_is_released() {
    let (pack, _folder) = pack();
    let (first, second) = (pack.add(&bytes(1)).unwrap(), pack.add(&bytes(1)).unwrap());
    assert_eq!(pack.usage().0, 2 * (512 << 10));
    pack.release(first);
    assert_eq!(pack.read(&second).unwrap(), bytes(1));
    let never = Ticket(7);
    assert!(pack.read(&never).is_err());
    pack.release(never);
    pack.release(second);
    assert_eq!(pack.usage().0, 0);
}

#[test]
fn files_are_emptied_and_removed() {
    let (pack, folder) = pack();
    let mut kept = Vec::new();
    let mut passing = VecDeque::new();
    for seed in 0..1200 {
        let ticket = pack.add(&bytes(seed)).unwrap();
        // Every tenth stays, the others for a while.
        if seed % 10 == 0 {
            kept.push((seed, ticket));
        } else {
            passing.push_back(ticket);
        }
        if passing.len() > 10 {
            pack.release(passing.pop_front().unwrap());
        }
    }
    let (needed, length) = pack.usage();
    assert!(
        length <= 2 * needed + 2 * SEGMENT_BYTES,
        "{needed} {length}"
    );
    let on_disk: u64 = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert_eq!(on_disk, length);
    for (seed, ticket) in kept {
        assert_eq!(pack.read(&ticket).unwrap(), bytes(seed));
    }
}
