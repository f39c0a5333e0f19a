//! Files that are poems, and files that are not.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use sestina_poetry::{POEM_BYTES_MAX, Poem, PoemError, poems};

/// A path of its own for each test, in the directory that cargo gives to tests.
fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("poem-{}-{name}", std::process::id()))
}

fn error(path: &PathBuf) -> PoemError {
    Poem::load(path).expect_err("this is no poem")
}

#[test]
fn a_file_is_loaded_byte_for_byte() {
    let path = path("bytes");
    let bytes: Vec<u8> = (0..=u8::MAX).collect();
    fs::write(&path, &bytes).unwrap();
    assert_eq!(Poem::load(&path).unwrap().as_bytes(), bytes);
    fs::remove_file(path).unwrap();
}

// spec: REF-26
#[test]
fn the_poems_of_the_house_are_poems() {
    for poem in [poems::ECSTASY, poems::FASCINATION, poems::SCIENCE] {
        assert!(poem.ends_with(b"\n") && poem.is_ascii());
    }
    assert_eq!([poems::ECSTASY, poems::FASCINATION, poems::SCIENCE].map(<[u8]>::len), [3003, 615, 653]);
    let beyond_ascii = include_str!("../../poems/alla_sera.txt");
    assert!(beyond_ascii.len() == 577 && !beyond_ascii.is_ascii());
}

#[test]
fn a_missing_file_is_named() {
    let path = path("missing");
    let error = error(&path);
    assert!(matches!(&error, PoemError::Missing(named) if *named == path));
    assert_eq!(error.to_string(), format!("there is no poem '{}': check the path", path.display()));
}

#[test]
fn a_directory_is_no_poem() {
    let path = path("directory");
    fs::create_dir_all(&path).unwrap();
    let error = error(&path);
    assert!(matches!(error, PoemError::Directory(_)), "{error:?}");
    assert!(error.to_string().ends_with("is a directory: give a file with one poem in it"));
    fs::remove_dir(path).unwrap();
}

#[test]
fn an_empty_file_is_no_poem() {
    let path = path("empty");
    fs::write(&path, b"").unwrap();
    assert!(error(&path).to_string().ends_with("is empty: give a file with at least one byte"));
    fs::remove_file(path).unwrap();
}

#[test]
fn a_file_that_is_too_long_is_not_kept() {
    let path = path("long");
    let file = fs::File::create(&path).unwrap();
    file.set_len(u64::try_from(POEM_BYTES_MAX).unwrap()).unwrap();
    assert_eq!(Poem::load(&path).unwrap().len(), POEM_BYTES_MAX);
    file.set_len(u64::try_from(POEM_BYTES_MAX).unwrap() + 1).unwrap();
    assert!(matches!(error(&path), PoemError::TooLarge { limit: POEM_BYTES_MAX, .. }));
    fs::remove_file(path).unwrap();
}

/// Root may read everything: then the file is read, and there is nothing to show.
#[cfg(unix)]
#[test]
fn an_unreadable_file_says_that_the_mode_is_in_the_way() {
    use std::os::unix::fs::PermissionsExt;
    let path = path("unreadable");
    fs::write(&path, b"secret").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
    match Poem::load(&path) {
        Ok(_) => println!("skipped: this user may read everything"),
        Err(error) => {
            assert!(matches!(error, PoemError::NotPermitted(_)), "{error:?}");
            assert!(error.to_string().ends_with("change its mode or its owner"));
        }
    }
    fs::remove_file(path).unwrap();
}

#[test]
fn a_file_in_a_file_gives_the_systems_own_words_as_source() {
    let file = path("file");
    fs::write(&file, b"x").unwrap();
    let error = error(&file.join("poem"));
    let PoemError::Os { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(source.kind(), ErrorKind::NotADirectory);
    assert!(error.to_string().starts_with("cannot read the poem '"));
    fs::remove_file(file).unwrap();
}
