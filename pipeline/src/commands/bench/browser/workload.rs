//! What the page captures.

/// Tracks of one kind, all alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Workload {
    /// One picture track of 1920 x 1080 at 30 frames per second
    #[value(name = "1080p30")]
    Hd1080,
    /// One of 1280 x 720 at 30
    #[value(name = "720p30")]
    Hd720,
    /// Nine of 640 x 360 at 30
    #[value(name = "9x360p30")]
    Nine360,
    /// One sound track, in blocks of 10 ms
    #[value(name = "audio")]
    Audio,
    /// A meeting of 25: for each a picture track of 640 x 360 at 30 and a sound track
    #[value(name = "meeting25")]
    Meeting25,
}

impl Workload {
    /// As the report has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hd1080 => "1080p30",
            Self::Hd720 => "720p30",
            Self::Nine360 => "9x360p30",
            Self::Audio => "audio",
            Self::Meeting25 => "meeting25",
        }
    }

    /// Frames per second of all tracks together.
    pub fn frames_per_s(self) -> f64 {
        match self {
            Self::Hd1080 | Self::Hd720 => 30.0,
            Self::Nine360 => 270.0,
            Self::Audio => 100.0,
            Self::Meeting25 => 25.0 * (30.0 + 100.0),
        }
    }

    /// What the page is asked for.
    pub fn query(self) -> &'static str {
        match self {
            Self::Hd1080 => "kind=video&width=1920&height=1080&fps=30&tracks=1",
            Self::Hd720 => "kind=video&width=1280&height=720&fps=30&tracks=1",
            Self::Nine360 => "kind=video&width=640&height=360&fps=30&tracks=9",
            Self::Audio => "kind=audio&tracks=1",
            Self::Meeting25 => "kind=both&width=640&height=360&fps=30&tracks=25",
        }
    }
}
