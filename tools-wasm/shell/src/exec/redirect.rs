//! Redirections: changes to the shell's table of descriptors.

use std::rc::Rc;

use crate::flow::{Flow, Interrupt};
use crate::kernel::{Endpoint, Errno, FileType, OpenHow};
use crate::options::Set;
use crate::shell::Shell;
use crate::syntax::ast::{Redirect, RedirectKind, RedirectTarget};
use crate::text;
use crate::variables::assign::{NewValue, parse_place};

impl Shell {
    /// Performs redirections in order. On failure the message has been printed.
    pub(crate) fn redirect(&mut self, redirects: &[Redirect]) -> Flow<()> {
        for redirect in redirects {
            self.redirect_one(redirect)?;
        }
        Ok(())
    }

    /// Opens a path as the shell sees it. `/dev/fd/N` is the shell's own descriptor.
    pub(crate) fn open(&self, path: &str, how: OpenHow) -> Result<Endpoint, Errno> {
        let own = match path {
            "/dev/stdin" => Some(0),
            "/dev/stdout" => Some(1),
            "/dev/stderr" => Some(2),
            _ => path
                .strip_prefix("/dev/fd/")
                .and_then(|number| number.parse().ok()),
        };
        if let Some(number) = own {
            return self.descriptor(number).ok_or(Errno::NoEntry);
        }
        if path.is_empty() {
            return Err(Errno::NoEntry);
        }
        self.kernel.open(&self.absolute(path), how, 0o666)
    }

    fn redirect_one(&mut self, redirect: &Redirect) -> Flow<()> {
        let default = match redirect.kind {
            RedirectKind::Read
            | RedirectKind::ReadWrite
            | RedirectKind::DuplicateIn
            | RedirectKind::HereDocument { .. }
            | RedirectKind::HereString => 0,
            _ => 1,
        };
        let both = matches!(
            redirect.kind,
            RedirectKind::WriteBoth | RedirectKind::AppendBoth
        );
        let endpoint = match redirect.kind {
            RedirectKind::HereDocument { .. } => {
                let body = match redirect.here.as_ref().and_then(|cell| cell.get()) {
                    Some(document) => self.string(&document.body)?,
                    None => String::new(),
                };
                self.buffer_with(&body)?
            }
            RedirectKind::HereString => {
                let mut body = self.string(&redirect.word)?;
                body.push('\n');
                self.buffer_with(&body)?
            }
            RedirectKind::DuplicateIn | RedirectKind::DuplicateOut => {
                return self.duplicate(redirect, default);
            }
            kind => {
                let name = self.file_name(redirect)?;
                self.open_for(kind, &name)?
            }
        };
        let number = self.target(redirect, default)?;
        self.set_descriptors(|descriptors| {
            if both {
                descriptors.insert(2, Rc::clone(&endpoint));
            }
            descriptors.insert(number, endpoint);
        });
        Ok(())
    }

    fn file_name(&mut self, redirect: &Redirect) -> Flow<String> {
        let mut names = Vec::new();
        self.word(&redirect.word, &mut names)?;
        match names.len() {
            1 => Ok(names.remove(0)),
            _ => self.discard(&format!("{}: ambiguous redirect", redirect.word.raw)),
        }
    }

    fn open_for(&mut self, kind: RedirectKind, name: &str) -> Flow<Endpoint> {
        let mut how = OpenHow::default();
        match kind {
            RedirectKind::Read => how.read = true,
            RedirectKind::ReadWrite => (how.read, how.write, how.create) = (true, true, true),
            RedirectKind::Append | RedirectKind::AppendBoth => {
                (how.write, how.append, how.create) = (true, true, true)
            }
            _ => {
                (how.write, how.truncate, how.create) = (true, true, true);
                if self.is_set(Set::Noclobber) && kind != RedirectKind::Clobber {
                    let existing = self.kernel.stat(&self.absolute(name), true);
                    if existing.is_ok_and(|info| info.file_type == FileType::File) {
                        return self.discard(&format!("{name}: cannot overwrite existing file"));
                    }
                }
            }
        }
        if self
            .kernel
            .stat(&self.absolute(name), true)
            .is_ok_and(|info| info.file_type == FileType::Directory)
            && kind != RedirectKind::Read
        {
            return self.discard(&format!("{name}: Is a directory"));
        }
        match self.open(name, how) {
            Ok(endpoint) => Ok(endpoint),
            Err(errno) => self.discard(&format!("{name}: {}", errno.text())),
        }
    }

    fn buffer_with(&mut self, body: &str) -> Flow<Endpoint> {
        match self
            .kernel
            .buffer()
            .and_then(|buffer| buffer.write(&text::encode(body)).map(|()| buffer))
        {
            Ok(buffer) => Ok(buffer),
            Err(errno) => self.discard(&format!(
                "cannot create temp file for here-document: {}",
                errno.text()
            )),
        }
    }

    /// `<&` and `>&`.
    fn duplicate(&mut self, redirect: &Redirect, default: u32) -> Flow<()> {
        let mut words = Vec::new();
        self.word(&redirect.word, &mut words)?;
        let source = match words.as_slice() {
            [word] => word.clone(),
            _ => return self.discard(&format!("{}: ambiguous redirect", redirect.word.raw)),
        };
        if source == "-" {
            let number = match &redirect.target {
                // `{name}>&-` closes the descriptor that the variable holds.
                RedirectTarget::Variable(name) => match parse_place(name) {
                    Some(place) => self
                        .element(&place.name, place.index.as_deref())?
                        .and_then(|text| text.parse().ok()),
                    None => None,
                },
                RedirectTarget::Number(number) => Some(*number),
                RedirectTarget::Default => Some(default),
            };
            let Some(number) = number else {
                return self.discard(&format!("{}: ambiguous redirect", redirect.word.raw));
            };
            self.set_descriptors(|descriptors| {
                descriptors.remove(&number);
            });
            return Ok(());
        }
        let (digits, moves) = match source.strip_suffix('-') {
            Some(digits) => (digits, true),
            None => (source.as_str(), false),
        };
        let Ok(from) = digits.parse::<u32>() else {
            // `>&file` is `&>file`.
            if redirect.kind == RedirectKind::DuplicateOut
                && matches!(redirect.target, RedirectTarget::Default)
            {
                let endpoint = self.open_for(RedirectKind::Write, &source)?;
                self.set_descriptors(|descriptors| {
                    descriptors.insert(1, Rc::clone(&endpoint));
                    descriptors.insert(2, endpoint);
                });
                return Ok(());
            }
            return self.discard(&format!("{source}: ambiguous redirect"));
        };
        let Some(endpoint) = self.descriptor(from) else {
            self.complain(&format!("{digits}: {}", Errno::BadDescriptor.text()));
            return Err(Interrupt::Discard(1));
        };
        let number = self.target(redirect, default)?;
        self.set_descriptors(|descriptors| {
            descriptors.insert(number, endpoint);
            if moves && from != number {
                descriptors.remove(&from);
            }
        });
        Ok(())
    }

    fn target(&mut self, redirect: &Redirect, default: u32) -> Flow<u32> {
        match &redirect.target {
            RedirectTarget::Default => Ok(default),
            RedirectTarget::Number(number) => Ok(*number),
            RedirectTarget::Variable(name) => {
                let number = self.free_descriptor(10);
                let Some(place) = parse_place(name) else {
                    return self.discard(&format!("`{name}': not a valid identifier"));
                };
                self.assign(&place, NewValue::Text(number.to_string()), false)?;
                Ok(number)
            }
        }
    }
}
