//! Random operations, here and in a real directory: the same results, the same errors, the same files in the end.

use proptest::prelude::*;

use crate::operation::{Files, operation};
use crate::ours::{Ours, dump};
use crate::real::Real;

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn a_tree_behaves_as_a_real_directory(operations in prop::collection::vec(operation(), 1..60)) {
        let mut ours = Ours::new(crate::tree());
        let mut real = Real::new();
        for operation in &operations {
            prop_assert_eq!(ours.apply(operation), real.apply(operation), "{:?}", operation);
        }
        let snapshot = ours.tree.snapshot();
        prop_assert_eq!(dump(&snapshot), real.dump());
        let verified = snapshot.verify();
        prop_assert!(verified.is_sound(), "{:?}", verified);
    }
}
