//! The copy on the disk: a restart is warm, and no file and no disk harms anybody.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::common::log::logged;
use crate::common::wait;
use sestina_deferred::Failure;
use sestina_poetry::cache::Purge;
use sestina_poetry::ops::{ProxyPlace, Spool, SpoolCounters, SpoolLimits};
use sestina_poetry::{FastPoetry, Poem, PoetryProxy, ProxySettings};
use sestina_reactor::{Endpoint, Port, Reactor};
use sestina_reactor_sim::Simulation;
use sestina_service::{Application, Child, Service, Tree};

const SECOND: Duration = Duration::from_secs(1);

/// A directory of its own for each test, which is not there yet, and gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("spool-{}-{name}", std::process::id()));
        Self(path)
    }

    /// The files of bodies in it.
    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).expect("it is there");
        let paths = entries.map(|entry| entry.expect("it can be read").path());
        let mut files: Vec<_> =
            paths.filter(|path| path.extension().is_some_and(|it| it == "body")).collect();
        files.sort();
        files
    }

    #[track_caller]
    fn file(&self) -> PathBuf {
        let mut files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
        fs::remove_file(&self.0).ok();
    }
}

/// One life of a proxy with a spool, in a simulation of its own. Its upstreams are `a` and `b`, poets at 10001 and 10002.
struct Life {
    reactor: Reactor,
    proxy: PoetryProxy,
    spool: Rc<Spool>,
    tree: Tree,
    poets: Vec<Port>,
}

impl Life {
    fn new(path: &Path, settings: ProxySettings, limits: SpoolLimits, clock: SystemTime) -> Self {
        let reactor = Simulation::seeded(1).reactor();
        let proxy = PoetryProxy::with_settings(&reactor, settings)
            .with_upstream("a", &Endpoint::loopback(10_001))
            .with_upstream("b", &Endpoint::loopback(10_002));
        let spool = Rc::new(Spool::new(&place(&proxy), path, limits, move || clock));
        let mut application = Application::new("proxy");
        let service: Rc<dyn Service> = spool.clone();
        application.add(Child::from(service)).expect("one child");
        let tree = application.attach(&reactor).expect("a good name");
        Self { reactor, proxy, spool, tree, poets: Vec::new() }
    }

    fn simple(path: &Path) -> Self {
        Self::new(path, ProxySettings::default(), SpoolLimits::default(), now())
    }

    /// Two poets.
    fn with_poets(mut self, a: &[u8], b: &[u8]) -> Self {
        for (port, poem) in [(10_001, a), (10_002, b)] {
            let factory = FastPoetry::new(Poem::from_bytes(poem));
            let port = self.reactor.listen(&Endpoint::loopback(port), factory).expect("the port is free");
            self.poets.push(port);
        }
        self
    }

    #[track_caller]
    fn started(self) -> Self {
        wait(&self.reactor, self.tree.start()).expect("it starts");
        self
    }

    /// What the upstream's poem is, for this proxy.
    fn poem(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let poem = wait(&self.reactor, self.proxy.get_poem(name));
        poem.map(|poem| poem.as_bytes().to_vec())
    }

    /// Everything is on the disk.
    fn settled(&self) -> SpoolCounters {
        wait(&self.reactor, self.spool.idle()).expect("it comes to rest");
        self.spool.counters()
    }

    #[track_caller]
    fn stop(self) {
        assert!(wait(&self.reactor, self.tree.stop()).expect("it stops").is_clean());
        for poet in &self.poets {
            drop(poet.stop_listening());
        }
        self.reactor.clear();
        assert_eq!(self.reactor.statistics().unhandled_errors, 0);
    }
}

fn place(proxy: &PoetryProxy) -> ProxyPlace {
    let place = ProxyPlace::default();
    place.set(proxy);
    place
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_484_096)
}

/// A directory with a copy of `a`'s poem.
fn with_a_copy(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    let life = Life::simple(&scratch.0).with_poets(b"a poem of a", b"a poem of b").started();
    assert_eq!(life.poem("a").expect("the poet is there"), b"a poem of a");
    life.stop();
    assert_eq!(scratch.files().len(), 1, "the stop waited until it was written");
    scratch
}

#[test]
fn a_restart_is_warm_when_the_poets_are_gone() {
    let scratch = Scratch::new("warm");
    let long: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
    let life = Life::simple(&scratch.0).with_poets(b"short", &long).started();
    assert_eq!(life.poem("a").expect("the poet is there"), b"short");
    assert_eq!(life.poem("b").expect("the poet is there"), long);
    let counted = life.settled();
    assert_eq!((counted.writes.operations, counted.writes.errors, counted.files), (2, 0, 2));
    let on_disk: u64 =
        scratch.files().iter().map(|file| fs::metadata(file).expect("it is there").len()).sum();
    assert_eq!(counted.bytes, on_disk);
    life.stop();

    let life = Life::simple(&scratch.0).started();
    assert_eq!((life.poem("a").unwrap(), life.poem("b").unwrap()), (b"short".to_vec(), long));
    let (counted, proxy) = (life.spool.counters(), life.proxy.statistics());
    assert_eq!((counted.restored, counted.damaged, counted.reads.operations), (2, 0, 2));
    assert_eq!((proxy.hits, proxy.misses), (2, 0));
    life.stop();
}

#[test]
fn ages_count_on_by_the_calendar_while_nobody_runs() {
    let scratch = Scratch::new("ages");
    let settings = || {
        let mut settings = ProxySettings::default();
        settings.cache.ttl = Some(SECOND * 3600);
        settings
    };
    let life = Life::new(&scratch.0, settings(), SpoolLimits::default(), now());
    let life = life.with_poets(b"a poem", b"-").started();
    life.poem("a").expect("the poet is there");
    life.stop();

    let later = now() + SECOND * 3000;
    let life = Life::new(&scratch.0, settings(), SpoolLimits::default(), later).started();
    let entry = life.proxy.entries().remove(0);
    assert_eq!(entry.age.map(|age| age.as_secs()), Some(3000));
    assert!(entry.fresh_for.is_some_and(|left| left < SECOND * 800), "{entry:?}");
    life.stop();

    // An hour and its jitter have passed: of no use any more, and removed.
    let later = now() + SECOND * 4000;
    let life = Life::new(&scratch.0, settings(), SpoolLimits::default(), later).started();
    assert!(life.proxy.entries().is_empty() && scratch.files().is_empty());
    assert_eq!((life.spool.counters().restored, life.spool.counters().removes.operations), (0, 1));
    life.stop();
}

#[test]
fn a_copy_from_the_future_is_of_no_use() {
    let scratch = with_a_copy("future");
    let before = now() - SECOND * 3600;
    let life = Life::new(&scratch.0, ProxySettings::default(), SpoolLimits::default(), before).started();
    assert_eq!((life.spool.counters().restored, life.spool.counters().damaged), (0, 1));
    assert!(scratch.files().is_empty());
    life.stop();
}

#[test]
fn damaged_files_are_misses_and_are_removed() {
    let whole = {
        let scratch = with_a_copy("whole");
        fs::read(scratch.file()).expect("it can be read")
    };
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let cases = [
        ("empty", Vec::new()),
        ("cut", whole[..whole.len() - 1].to_vec()),
        ("longer", [&whole[..], b"\n"].concat()),
        ("flipped", flipped(whole.len() - 1)),
        ("foreign", b"#!/bin/sh\necho no poem\n".to_vec()),
        ("version", flipped(11)),
    ];
    for (name, bytes) in cases {
        let scratch = with_a_copy(name);
        fs::write(scratch.file(), bytes).expect("it can be written");
        let life = Life::simple(&scratch.0).with_poets(b"a new poem", b"-").started();
        assert_eq!((life.spool.counters().damaged, life.spool.counters().restored), (1, 0), "{name}");
        assert!(scratch.files().is_empty(), "{name}");
        assert_eq!(life.poem("a").expect("the poet is there"), b"a new poem", "{name}");
        assert_eq!(life.settled().files, 1);
        life.stop();
    }
}

#[test]
fn a_good_file_under_the_name_of_another_key_is_damaged() {
    let scratch = with_a_copy("renamed");
    let file = scratch.file();
    fs::rename(&file, file.with_file_name("0".repeat(64) + ".body")).expect("it can be renamed");
    let life = Life::simple(&scratch.0).started();
    assert_eq!((life.spool.counters().damaged, life.spool.counters().restored), (1, 0));
    life.stop();
}

#[test]
fn links_pipes_folders_and_foreign_files_are_left_alone_and_hold_nobody_up() {
    let scratch = with_a_copy("foreign-things");
    let file = scratch.file();
    let elsewhere = Scratch::new("elsewhere");
    fs::rename(&file, &elsewhere.0).expect("it can be moved");
    symlink(&elsewhere.0, &file).expect("a link can be made");
    let (pipe, folder) = (
        file.with_file_name(format!("{}.body", "1".repeat(64))),
        file.with_file_name("2".repeat(64) + ".body"),
    );
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a pipe");
    fs::create_dir(&folder).expect("a folder");
    fs::write(scratch.0.join("notes.txt"), "mine").expect("a file");

    let life = Life::simple(&scratch.0).with_poets(b"a new poem", b"-").started();
    assert_eq!((life.spool.counters().reads.operations, life.spool.counters().files), (0, 0));
    assert_eq!(life.poem("a").expect("the poet is there"), b"a new poem", "the link was not followed");
    life.settled();
    life.stop();
    assert!(fs::symlink_metadata(&file).is_ok_and(|it| it.is_file()), "the copy took the place of the link");
    let linked = fs::read(&elsewhere.0).expect("it is still there");
    assert!(linked.ends_with(b"a poem of a"), "and what the link meant was not touched");
    assert!(pipe.exists() && folder.exists() && scratch.0.join("notes.txt").exists());
}

#[test]
fn what_a_killed_process_had_begun_is_removed_and_never_read() {
    let scratch = with_a_copy("begun");
    let mut begun = scratch.file().into_os_string();
    begun.push(".new");
    fs::write(&begun, "half a poe").expect("it can be written");
    let other = scratch.0.join("letter.new");
    fs::write(&other, "mine").expect("it can be written");
    let life = Life::simple(&scratch.0).started();
    assert_eq!((life.spool.counters().restored, life.spool.counters().damaged), (1, 0));
    assert!(!Path::new(&begun).exists() && other.exists());
    life.stop();
}

#[test]
fn directory_and_files_are_for_their_owner_alone() {
    let scratch = with_a_copy("modes");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").mode() & 0o7777;
    assert_eq!((mode(&scratch.0), mode(&scratch.file())), (0o700, 0o600));
}

/// What is said about a directory with which the spool does not start.
#[track_caller]
fn refused(path: &Path) -> String {
    let life = Life::simple(path);
    let failure = wait(&life.reactor, life.tree.start()).expect_err("it does not start");
    let words = failure.to_string();
    life.stop();
    words
}

#[test]
fn a_directory_that_others_may_use_is_refused_and_left_as_it_is() {
    let scratch = Scratch::new("others");
    fs::create_dir(&scratch.0).expect("it can be made");
    fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o755)).expect("it is ours");
    assert!(refused(&scratch.0).contains("is open to others (mode 0755)"));
    assert_eq!(fs::metadata(&scratch.0).expect("it is there").mode() & 0o777, 0o755);
    assert_eq!(fs::read_dir(&scratch.0).expect("it is there").count(), 0);
}

#[test]
fn what_is_no_directory_is_refused_and_links_are_not_followed() {
    let (file, link, real) = (Scratch::new("file"), Scratch::new("link"), Scratch::new("real"));
    fs::write(&file.0, "").expect("it can be written");
    assert!(refused(&file.0).contains("is no directory"));
    fs::create_dir(&real.0).expect("it can be made");
    symlink(&real.0, &link.0).expect("a link can be made");
    assert!(refused(&link.0).contains("is no directory"));
}

#[test]
fn two_proxies_do_not_share_a_directory() {
    let scratch = Scratch::new("shared");
    let life = Life::simple(&scratch.0).started();
    assert!(refused(&scratch.0).contains("another proxy keeps its copies in"));
    life.stop();
    Life::simple(&scratch.0).started().stop();
}

#[test]
fn the_oldest_copies_go_when_the_disk_has_its_fill() {
    let scratch = Scratch::new("bounds");
    let limits = SpoolLimits { files_max: 1, ..SpoolLimits::default() };
    let life = Life::new(&scratch.0, ProxySettings::default(), limits, now());
    let life = life.with_poets(b"first", b"second").started();
    for name in ["a", "b"] {
        life.poem(name).expect("the poet is there");
    }
    assert_eq!(life.settled().files, 1);
    assert!(fs::read(scratch.file()).expect("it is there").ends_with(b"second"));
    life.stop();

    let limits = SpoolLimits { bytes_max: 10, ..SpoolLimits::default() };
    let life = Life::new(&scratch.0, ProxySettings::default(), limits, now());
    let life = life.with_poets(b"first", b"second").started();
    assert!(scratch.files().is_empty(), "the limit became smaller");
    life.poem("a").expect("the poet is there");
    let counted = life.settled();
    assert_eq!((counted.skipped, counted.files, counted.writes.operations), (1, 0, 0));
    life.stop();
}

#[test]
fn a_purge_removes_the_copy_soft_or_hard() {
    for how in [Purge::Soft, Purge::Hard] {
        let scratch = with_a_copy("purge");
        let life = Life::simple(&scratch.0).started();
        assert!(life.proxy.purge("a", how).expect("it is known"));
        assert_eq!(life.settled().removes.operations, 1);
        life.stop();
        assert!(scratch.files().is_empty());
    }
}

#[test]
fn a_purge_that_overtakes_a_write_wins() {
    let scratch = Scratch::new("overtakes");
    let life = Life::simple(&scratch.0).with_poets(b"a poem", b"-").started();
    let proxy = life.proxy.clone();
    let purged = life.proxy.get_poem("a").add_callback(move |_| Ok(proxy.purge("a", Purge::Hard)?));
    assert!(wait(&life.reactor, purged).expect("the poet is there"));
    life.settled();
    assert!(scratch.files().is_empty());
    life.stop();
}

#[test]
fn a_disk_that_fails_harms_nobody_and_is_told_once() {
    let scratch = Scratch::new("gone");
    let life = Life::simple(&scratch.0).with_poets(b"a poem of a", b"a poem of b").started();
    fs::remove_dir_all(&scratch.0).expect("it can be removed");
    let lines = logged(|| {
        for name in ["a", "b"] {
            assert!(life.poem(name).expect("the poet is there").starts_with(b"a poem"));
        }
        let counted = life.settled();
        assert_eq!((counted.writes.operations, counted.writes.errors, counted.files), (2, 2, 0));
    });
    let warnings: Vec<_> = lines.iter().filter(|line| line.starts_with("WARN")).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("cannot keep a copy in"), "{warnings:?}");
    assert_eq!(life.poem("a").expect("it is cached"), b"a poem of a");
    life.stop();
}

#[test]
fn a_key_that_is_no_upstream_any_more_is_kept_and_not_given_out() {
    let scratch = with_a_copy("unknown");
    let reactor = Simulation::seeded(1).reactor();
    let proxy = PoetryProxy::new(&reactor, &Endpoint::loopback(10_003));
    let spool = Rc::new(Spool::new(&place(&proxy), &scratch.0, SpoolLimits::default(), now));
    let mut application = Application::new("proxy");
    let service: Rc<dyn Service> = spool.clone();
    application.add(Child::from(service)).expect("one child");
    let tree = application.attach(&reactor).expect("a good name");
    wait(&reactor, tree.start()).expect("it starts");
    assert!(proxy.entries().is_empty());
    assert_eq!((spool.counters().restored, spool.counters().files), (0, 1));
}

/// As a file that the system does not let go of: here something else has taken its place.
fn in_the_way(file: &Path) {
    fs::remove_file(file).expect("it is there");
    fs::create_dir(file).expect("a folder can be made");
}

#[test]
fn a_copy_that_cannot_be_removed_still_counts() {
    let scratch = with_a_copy("stays");
    let life = Life::simple(&scratch.0).started();
    in_the_way(&scratch.file());
    assert!(life.proxy.purge("a", Purge::Hard).expect("it is known"));
    let counted = life.settled();
    assert_eq!((counted.removes.errors, counted.files), (1, 1));
    life.stop();
}

#[test]
fn a_file_that_does_not_make_room_keeps_its_place_and_no_more_is_written_than_may_be() {
    let scratch = with_a_copy("full");
    let limits = SpoolLimits { files_max: 1, ..SpoolLimits::default() };
    let life = Life::new(&scratch.0, ProxySettings::default(), limits, now());
    let life = life.with_poets(b"-", b"a poem of b").started();
    in_the_way(&scratch.file());
    for _ in 0..2 {
        life.poem("b").expect("the poet is there");
        assert!(life.proxy.purge("b", Purge::Hard).expect("it is known"));
        assert_eq!(life.settled().files, 1);
    }
    assert_eq!((life.settled().writes.errors, scratch.files().len()), (2, 1));
    life.stop();
}

#[test]
fn a_spool_that_starts_again_looks_again_and_writes_everything_once() {
    let scratch = Scratch::new("again");
    let reactor = Simulation::seeded(1).reactor();
    let poet = FastPoetry::new(Poem::from_bytes("a poem"));
    let port = reactor.listen(&Endpoint::loopback(10_001), poet).expect("the port is free");
    let proxy = PoetryProxy::new(&reactor, &Endpoint::loopback(10_001));
    let spool = Spool::new(&place(&proxy), &scratch.0, SpoolLimits::default(), now);
    let its = spool.clone();
    let mut application = Application::new("proxy");
    application.add(Child::new("spool", move || its.clone())).expect("one child");
    let tree = application.attach(&reactor).expect("a good name");
    wait(&reactor, tree.start()).expect("it starts");
    wait(&reactor, tree.restart("spool")).expect("it starts again");
    wait(&reactor, proxy.get_poem("127.0.0.1:10001")).expect("the poet is there");
    wait(&reactor, spool.idle()).expect("it comes to rest");
    assert_eq!((spool.counters().writes.operations, spool.counters().files), (1, 1));
    fs::remove_file(scratch.file()).expect("it is there");
    wait(&reactor, tree.restart("spool")).expect("it starts again");
    assert_eq!(spool.counters().files, 0, "it has looked again");
    assert!(wait(&reactor, tree.stop()).expect("it stops").is_clean());
    drop(port.stop_listening());
    reactor.clear();
}
