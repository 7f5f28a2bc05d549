//! `--color`: names in the colours of `LS_COLORS`, or GNU's own where that says nothing.

use std::collections::BTreeMap;

use super::entry::Entry;

pub(super) struct Colors {
    /// By the two letters of `LS_COLORS`.
    types: BTreeMap<String, String>,
    /// By the end of a name; a later one wins.
    endings: Vec<(String, String)>,
}

impl Colors {
    /// From the text of `LS_COLORS`.
    pub(super) fn new(text: &str) -> Self {
        let mut colors = Colors {
            types: [
                ("di", "01;34"),
                ("ln", "01;36"),
                ("ex", "01;32"),
                ("cd", "01;33"),
                ("su", "37;41"),
                ("sg", "30;43"),
                ("tw", "30;42"),
                ("ow", "34;42"),
                ("st", "37;44"),
            ]
            .map(|(name, code)| (name.to_owned(), code.to_owned()))
            .into(),
            endings: Vec::new(),
        };
        for (name, code) in text.split(':').filter_map(|part| part.split_once('=')) {
            match name.strip_prefix('*') {
                Some(ending) => colors.endings.push((ending.to_owned(), code.to_owned())),
                None => {
                    colors.types.insert(name.to_owned(), code.to_owned());
                }
            }
        }
        colors
    }

    /// The colour of an entry's name.
    pub(super) fn of(&self, entry: &Entry) -> Option<&str> {
        let target = entry.target.as_ref().map(|target| target.file);
        match target {
            Some(None) => self.kind("or").or_else(|| self.link()),
            Some(Some((kind, mode))) if self.links_like_targets() => {
                self.file(&entry.name, kind, mode)
            }
            _ if entry.kind == 'l' => self.link(),
            _ => self.file(&entry.name, entry.kind, entry.mode()),
        }
    }

    /// The colour of what a symlink points to.
    pub(super) fn of_target(&self, entry: &Entry) -> Option<&str> {
        let target = entry.target.as_ref()?;
        match target.file {
            Some((kind, mode)) => self.file(&target.text, kind, mode),
            None => self.kind("mi"),
        }
    }

    fn file(&self, name: &str, kind: char, mode: u32) -> Option<&str> {
        let special = match kind {
            'd' if mode & 0o1002 == 0o1002 => self.kind("tw"),
            'd' if mode & 0o0002 != 0 => self.kind("ow"),
            'd' if mode & 0o1000 != 0 => self.kind("st"),
            'f' if mode & 0o4000 != 0 => self.kind("su"),
            'f' if mode & 0o2000 != 0 => self.kind("sg"),
            'f' if mode & 0o0111 != 0 => self.kind("ex"),
            _ => None,
        };
        special.or_else(|| match kind {
            'd' => self.kind("di"),
            'c' => self.kind("cd"),
            'l' => self.link(),
            _ => {
                let lower = name.to_ascii_lowercase();
                let mut endings = self.endings.iter().rev();
                let found = endings.find(|(end, _)| lower.ends_with(&end.to_ascii_lowercase()));
                match found {
                    Some((_, code)) => Some(code),
                    None => self.kind("fi"),
                }
            }
        })
    }

    fn links_like_targets(&self) -> bool {
        self.types.get("ln").is_some_and(|code| code == "target")
    }

    fn link(&self) -> Option<&str> {
        self.kind("ln").filter(|code| *code != "target")
    }

    fn kind(&self, name: &str) -> Option<&str> {
        let code = self.types.get(name)?;
        (!matches!(code.as_str(), "" | "0" | "00")).then_some(code)
    }
}
