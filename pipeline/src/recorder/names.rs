//! File names from what producers call themselves, which may be anything.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The longest name made of one label, in bytes.
const LONGEST: usize = 60;
/// More files of one name than this are not a name's fault.
const MOST: u32 = 100_000;

/// The files of one recording. Clones share what is taken.
#[derive(Debug, Clone)]
pub struct Names {
    dir: PathBuf,
    replace: bool,
    taken: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Names {
    /// Names of files in `dir`. With `replace`, files that were there before are replaced.
    pub fn new(dir: &Path, replace: bool) -> Self {
        Self { dir: dir.into(), replace, taken: Arc::default() }
    }

    /// Makes a new file with a name made of `labels`; a number is added if that is taken.
    pub fn create(&self, labels: &[&str], extension: &str) -> io::Result<(File, PathBuf)> {
        let stem = labels.iter().map(|label| tame(label)).collect::<Vec<_>>().join("-");
        for number in 1..MOST {
            let number = if number == 1 { String::new() } else { format!("-{number}") };
            let path = self.dir.join(format!("{stem}{number}.{extension}"));
            if !self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone()) {
                continue;
            }
            if self.replace {
                match std::fs::remove_file(&path) {
                    Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
                    _ => {}
                }
            }
            // Only a file that was not there: nothing is overwritten, and no link is followed.
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|file| (file, path)),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// A label as a part of a file name: letters, digits, `-` and `_` stay, all else becomes `_`.
pub fn tame(label: &str) -> String {
    let mut name = String::new();
    for c in label.chars() {
        let c = if c.is_alphanumeric() || c == '-' { c } else { '_' };
        if name.len() + c.len_utf8() > LONGEST {
            break;
        }
        name.push(c);
    }
    // A name that starts with a dash would be an option to many programs.
    let name = name.trim_start_matches('-').trim_matches('_');
    if name.is_empty() { "unnamed" } else { name }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_labels_become_plain_names() {
        assert_eq!(tame("Ada Lovelace"), "Ada_Lovelace");
        assert_eq!(tame("../../etc/passwd"), "etc_passwd");
        assert_eq!(tame(".."), "unnamed");
        assert_eq!(tame(""), "unnamed");
        assert_eq!(tame("--rm -rf"), "rm_-rf");
        assert_eq!(tame("a\0b\n\x1b[2J"), "a_b___2J");
        assert_eq!(tame("Zoë 会議"), "Zoë_会議");
        assert_eq!(tame(&"é".repeat(99)), "é".repeat(30));
    }

    #[test]
    fn names_are_given_once_and_files_are_not_overwritten() {
        let dir = std::env::temp_dir().join(format!("frame-ring-names-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let made = |names: &Names| names.create(&["a", "b"], "x").unwrap().1.file_name().unwrap().to_owned();
        let names = Names::new(&dir, false);
        assert_eq!([made(&names), made(&names.clone())], ["a-b.x", "a-b-2.x"]);
        assert_eq!(made(&Names::new(&dir, false)), "a-b-3.x");
        let replacing = Names::new(&dir, true);
        assert_eq!([made(&replacing), made(&replacing)], ["a-b.x", "a-b-2.x"]);
        std::os::unix::fs::symlink("/nowhere/at/all", dir.join("l.x")).unwrap();
        assert_eq!(Names::new(&dir, false).create(&["l"], "x").unwrap().1, dir.join("l-2.x"));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
