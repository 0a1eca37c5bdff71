//! A y4m file that is sent again and again, read along by the receiver.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::WrongFrame;
use crate::media::y4m::{Format, Reader, Y4mError};
use crate::media::Picture;

/// The file, somewhere in the middle.
#[derive(Debug)]
pub struct LoopedFile {
    path: PathBuf,
    reader: Reader<BufReader<File>>,
    /// The picture read last, without padding.
    picture: Vec<u8>,
    /// The number of the next picture, counted over all rounds.
    next: u64,
}

impl LoopedFile {
    /// Opens the file.
    pub fn open(path: &Path) -> Result<Self, Y4mError> {
        Ok(Self { path: path.into(), reader: open(path)?, picture: Vec::new(), next: 0 })
    }

    /// What its header says.
    pub fn format(&self) -> Format {
        self.reader.format()
    }

    /// The next picture; the first one again after the last one. `None` if the file has none.
    pub fn read(&mut self) -> Result<Option<Picture<'_>>, Y4mError> {
        if !self.fill()? {
            self.reader = open(&self.path)?;
            if !self.fill()? {
                return Ok(None);
            }
        }
        self.next += 1;
        let Format { layout, width, height, range, .. } = self.reader.format();
        let picture = Picture::packed(layout, width, height, &self.picture).map_err(Y4mError::Picture)?;
        Ok(Some(picture.with_range(range)))
    }

    /// The picture read last, without padding.
    pub fn bytes(&self) -> &[u8] {
        &self.picture
    }

    /// Reads one picture, if there is one before the end of the file.
    fn fill(&mut self) -> Result<bool, Y4mError> {
        let Some(picture) = self.reader.read()? else { return Ok(false) };
        self.picture.clear();
        for plane in 0..picture.layout().plane_count() {
            (0..picture.plane_size(plane).1).for_each(|y| self.picture.extend(picture.row(plane, y)));
        }
        Ok(true)
    }

    /// Compares a picture with number `number`. Numbers never go back.
    pub fn compare(&mut self, number: u64, picture: &Picture<'_>) -> Result<(), WrongFrame> {
        let reference = |why: Y4mError| WrongFrame::Reference(why.to_string());
        while self.next < number {
            self.read().map_err(reference)?;
        }
        let expected = self.read().map_err(reference)?;
        let expected = expected.ok_or_else(|| WrongFrame::Reference("the file has no pictures".into()))?;
        let of = |picture: &Picture<'_>| (picture.layout(), picture.width(), picture.height());
        if of(&expected) != of(picture) {
            return Err(WrongFrame::FileFormat);
        }
        for plane in 0..picture.layout().plane_count() {
            let rows = 0..picture.plane_size(plane).1;
            if let Some(row) =
                rows.into_iter().find(|row| expected.row(plane, *row) != picture.row(plane, *row))
            {
                return Err(WrongFrame::File { plane, row });
            }
        }
        Ok(())
    }
}

fn open(path: &Path) -> Result<Reader<BufReader<File>>, Y4mError> {
    Reader::new(BufReader::with_capacity(1 << 16, File::open(path).map_err(Y4mError::Io)?))
}
