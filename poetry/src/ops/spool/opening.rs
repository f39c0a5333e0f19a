//! The start of a spool: the directory is opened, trimmed to its limits, and read into the proxy.

use std::sync::Arc;
use std::time::Duration;

use sestina_deferred::Failure;
use sestina_reactor::Reactor;

use super::directory::{Directory, Listing, SpoolError};
use super::disk_copy::{Damage, FILE_BYTES_BESIDE_BODY_MAX, Label, decode, file_name};
use super::index::Index;
use super::spool::Inner;
use crate::cache::{Body, KeptBody, NotRestored};
use crate::proxy::PoetryProxy;

/// What a file turned out to be.
enum Found {
    Copy {
        label: Label,
        file: Vec<u8>,
        body_at: usize,
    },
    Damaged(Damage),
    /// No file any more, or too long for the proxy's limits.
    Nothing,
}

impl Inner {
    /// Opens the directory and gives the proxy what is there.
    pub(crate) async fn open(&self, reactor: &Reactor) -> Result<(), Failure> {
        let path = self.path.clone();
        let opened = reactor.defer_to_thread(move || {
            let directory = Directory::open(&path)?;
            let listing = directory.list().map_err(|source| SpoolError::Os { path, source })?;
            Ok((directory, listing))
        });
        let (directory, listing) = match opened.await {
            Ok(opened) => opened,
            Err(failure) if failure.check::<SpoolError>().is_some_and(|error| !error.is_mistake()) => {
                let why = failure.error().source().map(tracing::field::display);
                tracing::warn!(why, "no copies are kept on the disk: {failure}");
                return Ok(());
            }
            Err(failure) => return Err(failure),
        };
        let directory = Arc::new(directory);
        // Before what may take longer than a start waits: new copies are kept in any case.
        *self.directory.borrow_mut() = Some(Arc::clone(&directory));
        self.trim(reactor, &directory, &listing).await?;
        let names: Vec<String> = self.index.borrow().names().cloned().collect();
        if let Some(proxy) = self.place.proxy() {
            for name in names {
                self.take_in(reactor, &proxy, &directory, name).await?;
            }
        }
        let counters = *self.counters.borrow();
        let (restored, damaged, foreign) = (counters.restored, counters.damaged, listing.foreign);
        tracing::info!(restored, damaged, foreign, "copies were read from {}", self.path.display());
        Ok(())
    }

    /// Removes what is beyond the limits, and notes the rest.
    async fn trim(
        &self,
        reactor: &Reactor,
        directory: &Arc<Directory>,
        listing: &Listing,
    ) -> Result<(), Failure> {
        let excess = {
            let mut index = self.index.borrow_mut();
            *index = Index::default();
            for (name, bytes) in &listing.files {
                index.insert(name, *bytes);
            }
            index.excess(self.limits)
        };
        for name in excess {
            self.remove_one(reactor, directory, name).await?;
        }
        Ok(())
    }

    /// Reads one file and gives it to the proxy.
    async fn take_in(
        &self,
        reactor: &Reactor,
        proxy: &PoetryProxy,
        directory: &Arc<Directory>,
        name: String,
    ) -> Result<(), Failure> {
        let bytes_max = proxy.settings().cache.body_bytes_max.saturating_add(FILE_BYTES_BESIDE_BODY_MAX);
        let (reads, wanted, began) = (Arc::clone(directory), name.clone(), reactor.now());
        let read = reactor
            .defer_to_thread(move || Ok(reads.read(&wanted, bytes_max).map(|file| look_at(file, &wanted))));
        let read = read.await?;
        self.count(|counters| &mut counters.reads, reactor.now() - began, read.is_err());
        let useless = match read {
            Err(error) => {
                self.warn(reactor, "read a copy from", &error);
                false
            }
            Ok(Found::Nothing) => false,
            Ok(Found::Damaged(damage)) => self.is_damaged(&name, damage),
            Ok(Found::Copy { label, file, body_at }) => match label.age((self.clock)()) {
                Err(damage) => self.is_damaged(&name, damage),
                Ok(age) => self.restore(proxy, &label, &file[body_at..], age) == Err(NotRestored::TooOld),
            },
        };
        if useless {
            self.remove_one(reactor, directory, name).await?;
        }
        Ok(())
    }

    fn is_damaged(&self, name: &str, damage: Damage) -> bool {
        self.counters.borrow_mut().damaged += 1;
        tracing::warn!(name, "a copy on the disk is of no use and is removed: {damage}");
        true
    }

    fn restore(
        &self,
        proxy: &PoetryProxy,
        label: &Label,
        body: &[u8],
        age: Duration,
    ) -> Result<(), NotRestored> {
        let (body, confirmations) = (Body::from_bytes(body), label.confirmations);
        let restored = proxy.restore(&label.key, &KeptBody { body, age, ttl: label.ttl, confirmations });
        match restored {
            Ok(()) => self.counters.borrow_mut().restored += 1,
            Err(why) => tracing::debug!(key = label.key, "a copy is not used: {why}"),
        }
        restored
    }

    async fn remove_one(
        &self,
        reactor: &Reactor,
        directory: &Arc<Directory>,
        name: String,
    ) -> Result<(), Failure> {
        let (removes, wanted, began) = (Arc::clone(directory), name.clone(), reactor.now());
        let removed = reactor.defer_to_thread(move || Ok(removes.remove(&wanted))).await?;
        self.count(|counters| &mut counters.removes, reactor.now() - began, removed.is_err());
        match removed {
            Ok(()) => self.index.borrow_mut().remove(&name),
            Err(error) => self.warn(reactor, "remove a copy from", &error),
        }
        Ok(())
    }
}

/// What a file is, as far as the file itself can tell.
fn look_at(file: Option<Vec<u8>>, name: &str) -> Found {
    let Some(file) = file else { return Found::Nothing };
    match decode(&file) {
        Ok((label, _)) if file_name(&label.key) != name => Found::Damaged(Damage::Key),
        Ok((label, body_at)) => Found::Copy { label, file, body_at },
        Err(damage) => Found::Damaged(damage),
    }
}
