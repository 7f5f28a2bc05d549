//! What stands on a line: an entry's name with its indicator, and before it what `-i`, `-s` and `-l` add.

use jiff::Timestamp;

use super::color::Colors;
use super::columns::Cell;
use super::entry::Entry;
use super::options::{Format, Indicator, Options};
use crate::files::{USER, USER_ID, mode_text};

/// Writes the lines of one table, whose columns are as wide as its widest entry.
pub(super) struct Lines<'a> {
    options: &'a Options,
    colors: Option<&'a Colors>,
    now: Timestamp,
    /// Whether some name has quotes that the others are aligned with.
    padded: bool,
    inode: usize,
    blocks: usize,
    links: usize,
    user: usize,
    size: usize,
    date: usize,
}

const UNKNOWN: &str = "?";

impl<'a> Lines<'a> {
    pub(super) fn new(
        options: &'a Options,
        colors: Option<&'a Colors>,
        now: Timestamp,
        entries: &[&Entry],
    ) -> Self {
        let mut lines = Lines {
            options,
            colors,
            now,
            padded: false,
            inode: 0,
            blocks: 0,
            links: 0,
            user: 0,
            size: 0,
            date: options.time_style.width(now),
        };
        let aligned = match options.format {
            Format::Long => true,
            Format::Columns | Format::Across => options.width.is_some(),
            Format::OnePerLine | Format::Commas => false,
        };
        lines.padded = aligned
            && options.quoting.aligns()
            && entries
                .iter()
                .any(|entry| lines.quoted(&entry.name) != entry.name);
        if options.format == Format::Commas {
            return lines;
        }
        let widest = |text: &dyn Fn(&Entry) -> String| {
            entries
                .iter()
                .map(|entry| text(entry).len())
                .max()
                .unwrap_or(0)
        };
        if options.inode {
            lines.inode = widest(&inode);
        }
        if options.blocks {
            lines.blocks = widest(&|entry| lines.block_text(entry));
        }
        if options.format == Format::Long {
            lines.links = widest(&links);
            lines.user = widest(&|entry| lines.user_text(entry));
            lines.size = widest(&|entry| lines.size_text(entry));
        }
        lines
    }

    /// Everything of an entry.
    pub(super) fn cell(&self, entry: &Entry) -> Cell {
        let mut text = String::new();
        if self.options.inode {
            text += &format!("{:>1$} ", inode(entry), self.inode);
        }
        if self.options.blocks {
            text += &format!("{:>1$} ", self.block_text(entry), self.blocks);
        }
        if self.options.format == Format::Long {
            self.push_long(&mut text, entry);
        }
        let mut width = text.chars().count();
        let name = self.quoted(&entry.name);
        if self.padded && name == entry.name {
            text.push(' ');
            width += 1;
        }
        width += columns(&name);
        text += &colored(name, self.colors.and_then(|colors| colors.of(entry)));
        let indicated = match &entry.target {
            Some(target) if self.options.format == Format::Long => {
                text += " -> ";
                let color = self.colors.and_then(|colors| colors.of_target(entry));
                text += &colored(self.quoted(&target.text), color);
                target.file
            }
            _ => Some((entry.kind, entry.mode())),
        };
        if let Some(mark) =
            indicated.and_then(|(kind, mode)| indicator(self.options.indicator, kind, mode))
        {
            text.push(mark);
            width += 1;
        }
        Cell { text, width }
    }

    fn push_long(&self, text: &mut String, entry: &Entry) {
        let options = self.options;
        *text += &match &entry.facts {
            Some(facts) => mode_text(facts.kind, facts.mode),
            None => format!(
                "{}?????????",
                if entry.kind == 'f' { '-' } else { entry.kind }
            ),
        };
        *text += &format!(" {:>1$} ", links(entry), self.links);
        for shown in [options.owner, options.group, options.author] {
            if shown {
                *text += &format!("{:1$} ", self.user_text(entry), self.user);
            }
        }
        *text += &format!("{:>1$} ", self.size_text(entry), self.size);
        let date = match entry.time(options.clock) {
            Some(time) => options.time_style.show(time, self.now),
            None => UNKNOWN.to_owned(),
        };
        *text += &format!("{date:>0$} ", self.date);
    }

    fn quoted(&self, name: &str) -> String {
        let shown = self.options.quoting.quote(name, None);
        if self.options.question_marks {
            shown.replace(char::is_control, "?")
        } else {
            shown
        }
    }

    /// The owner, and the group too.
    fn user_text(&self, entry: &Entry) -> String {
        match &entry.facts {
            Some(_) if self.options.numeric => USER_ID.to_string(),
            Some(_) => USER.to_owned(),
            None => UNKNOWN.to_owned(),
        }
    }

    fn block_text(&self, entry: &Entry) -> String {
        match &entry.facts {
            Some(facts) => self.options.block_unit.show(facts.allocated()),
            None => UNKNOWN.to_owned(),
        }
    }

    fn size_text(&self, entry: &Entry) -> String {
        match &entry.facts {
            // The numbers of a device, which the sandbox's have none of.
            Some(facts) if facts.kind == 'c' => "0, 0".to_owned(),
            Some(facts) => self.options.size_unit.show(facts.bytes),
            None => UNKNOWN.to_owned(),
        }
    }
}

fn inode(entry: &Entry) -> String {
    match &entry.facts {
        Some(facts) => facts.inode.to_string(),
        None => UNKNOWN.to_owned(),
    }
}

fn links(entry: &Entry) -> String {
    match &entry.facts {
        Some(facts) => facts.links.to_string(),
        None => UNKNOWN.to_owned(),
    }
}

/// Columns on a terminal, where control characters take none.
pub(super) fn columns(name: &str) -> usize {
    name.chars().filter(|letter| !letter.is_control()).count()
}

fn colored(text: String, code: Option<&str>) -> String {
    match code {
        Some(code) => format!("\x1b[{code}m{text}\x1b[0m"),
        None => text,
    }
}

fn indicator(style: Indicator, kind: char, mode: u32) -> Option<char> {
    match kind {
        'd' if style >= Indicator::Slash => Some('/'),
        'l' if style >= Indicator::FileType => Some('@'),
        'f' if style == Indicator::Classify && mode & 0o111 != 0 => Some('*'),
        _ => None,
    }
}
