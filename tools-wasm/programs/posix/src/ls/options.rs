//! What a listing shall be like.

use super::quote::Quoting;
use super::size::Unit;
use super::time::TimeStyle;

/// Which of the three programs it is: they differ in their defaults alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    Ls,
    Dir,
    Vdir,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Long,
    OnePerLine,
    /// Sorted down the columns.
    Columns,
    /// Sorted along the lines.
    Across,
    Commas,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Name,
    None,
    Size,
    Time,
    Version,
    Extension,
    Width,
}

/// Which of a file's times is shown and sorted by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    Modified,
    Changed,
    Accessed,
}

/// Which names beginning with a dot are listed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    Skip,
    /// All but `.` and `..`.
    Almost,
    All,
}

/// Which symlinks are shown as what they point to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    Never,
    Operands,
    /// Operands that point to directories.
    OperandDirectories,
    Always,
}

/// The character after a name that tells its type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Indicator {
    None,
    Slash,
    FileType,
    Classify,
}

pub(super) struct Options {
    pub(super) format: Format,
    pub(super) sort: Sort,
    pub(super) clock: Clock,
    pub(super) reverse: bool,
    pub(super) directories_first: bool,
    pub(super) hidden: Hidden,
    /// Patterns of names never listed.
    pub(super) ignore: Vec<String>,
    /// Patterns of names listed only with `-a` or `-A`.
    pub(super) hide: Vec<String>,
    pub(super) recursive: bool,
    /// `-d`: directories themselves and not what is in them.
    pub(super) directory: bool,
    pub(super) follow: Follow,
    pub(super) indicator: Indicator,
    pub(super) inode: bool,
    pub(super) blocks: bool,
    pub(super) owner: bool,
    pub(super) group: bool,
    pub(super) author: bool,
    pub(super) numeric: bool,
    pub(super) size_unit: Unit,
    pub(super) block_unit: Unit,
    pub(super) quoting: Quoting,
    /// `-q`: what does not print is shown as `?`.
    pub(super) question_marks: bool,
    pub(super) color: bool,
    pub(super) time_style: TimeStyle,
    /// Characters in a line; none for no limit.
    pub(super) width: Option<usize>,
    /// 0 for no tabs between columns.
    pub(super) tab: usize,
    /// What ends a line.
    pub(super) end: u8,
}

impl Flavour {
    pub(super) fn name(self) -> &'static str {
        match self {
            Flavour::Ls => "ls",
            Flavour::Dir => "dir",
            Flavour::Vdir => "vdir",
        }
    }
}

impl Options {
    /// Whether anything shown or sorted by needs more of a file than its name and type.
    pub(super) fn needs_facts(&self) -> bool {
        self.format == Format::Long
            || matches!(self.sort, Sort::Size | Sort::Time)
            || self.inode
            || self.blocks
            || self.color
            || self.indicator == Indicator::Classify
            || (self.follow == Follow::Always
                && (self.recursive || self.indicator != Indicator::None))
    }

    /// Whether what a symlink points to matters, besides its text.
    pub(super) fn needs_target_kind(&self) -> bool {
        self.color
            || self.directories_first
            || (self.format == Format::Long && self.indicator > Indicator::Slash)
    }
}
