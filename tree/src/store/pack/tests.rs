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
fn a_chunk_stays_until_its_last_user_is_gone() {
    let (pack, _folder) = pack();
    let digest = Digest::of(&bytes(1));
    pack.add(&digest, &bytes(1)).unwrap();
    pack.add(&digest, &bytes(1)).unwrap();
    assert_eq!(pack.usage().0, 512 << 10);
    pack.release(&digest);
    assert_eq!(pack.read(&digest).unwrap(), bytes(1));
    pack.release(&digest);
    assert_eq!(pack.usage().0, 0);
    assert!(pack.read(&digest).is_err());
    pack.release(&digest);
}

#[test]
fn files_are_emptied_and_removed() {
    let (pack, folder) = pack();
    let digests: Vec<Digest> = (0..1200).map(|seed| Digest::of(&bytes(seed))).collect();
    for (seed, digest) in digests.iter().enumerate() {
        pack.add(digest, &bytes(seed as u64)).unwrap();
        // Every tenth stays.
        if seed >= 10 && (seed - 10) % 10 != 0 {
            pack.release(&digests[seed - 10]);
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
    for (seed, digest) in digests.iter().enumerate().take(1190).step_by(10) {
        assert_eq!(pack.read(digest).unwrap(), bytes(seed as u64));
    }
}
