//! What the fuzzer has found interesting, again: `fuzz/corpus/`, one folder a target.

use std::fs;
use std::path::Path;

use crate::fuzzing::TARGETS;

#[test]
fn every_corpus_passes() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, body) in TARGETS {
        let folder = corpora.join(name);
        let mut count = 0;
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a readable folder").path();
            body(&fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
            count += 1;
        }
        assert!(count > 0, "the corpus of {name} is not empty");
    }
}

#[test]
fn the_bodies_take_any_bytes() {
    for (_, body) in TARGETS {
        for length in 0..6 {
            body(&vec![b'0'; length]);
        }
    }
}
