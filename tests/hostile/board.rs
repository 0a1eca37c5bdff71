//! What the test and its scribbling process share beside the ring: which round is on, and how many words were written.
//!
//! Words count only while the ring is being received from: the test reads the number when it hears that the ring is poisoned.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};

/// Two words in a file that both have mapped.
pub struct Board(MmapRaw);

impl Board {
    pub fn create(path: &Path) -> Self {
        std::fs::write(path, [0; 4096]).expect("written");
        Self::open(path)
    }

    pub fn open(path: &Path) -> Self {
        let file = std::fs::File::options().read(true).write(true).open(path).expect("the board");
        Self(MmapOptions::new().len(4096).map_raw(&file).expect("mapped"))
    }

    fn words(&self) -> &[AtomicU64; 2] {
        // SAFETY: the mapping is page-aligned, longer than two words, and lives as long as `self`; its file is not cut.
        unsafe { &*self.0.as_mut_ptr().cast() }
    }

    /// Begins a round; 0 ends it.
    pub fn set_round(&self, round: u64) {
        self.words()[0].store(round, Ordering::SeqCst);
    }

    pub fn round(&self) -> u64 {
        self.words()[0].load(Ordering::SeqCst)
    }

    pub fn reset_words(&self) {
        self.words()[1].store(0, Ordering::SeqCst);
    }

    pub fn add_words(&self, words: u64) {
        self.words()[1].fetch_add(words, Ordering::Relaxed);
    }

    pub fn words_written(&self) -> u64 {
        self.words()[1].load(Ordering::SeqCst)
    }
}
