//! compgen, complete, compopt: what of programmable completion a script can use.

use super::Options;
use crate::flow::Flow;
use crate::pattern::Pattern;
use crate::pattern::glob::{GlobOptions, glob};
use crate::shell::Shell;

impl Shell {
    pub(super) fn builtin_compgen(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "abcdefgjksuvo:A:G:W:F:C:X:P:S:");
        let mut found: Vec<String> = Vec::new();
        let mut kinds = Vec::new();
        let (mut words, mut globbed, mut prefix, mut suffix, mut filter, mut function) =
            (None, None, String::new(), String::new(), None, None);
        while let Some(option) = options.next(self)? {
            match option.letter {
                'W' => words = Some(option.value),
                'G' => globbed = Some(option.value),
                'P' => prefix = option.value,
                'S' => suffix = option.value,
                'X' => filter = Some(option.value),
                'F' => function = Some(option.value),
                'A' => kinds.push(option.value),
                'o' | 'C' => {}
                'a' => kinds.push("alias".to_owned()),
                'b' => kinds.push("builtin".to_owned()),
                'c' => kinds.push("command".to_owned()),
                'd' => kinds.push("directory".to_owned()),
                'e' => kinds.push("export".to_owned()),
                'f' => kinds.push("file".to_owned()),
                'j' => kinds.push("job".to_owned()),
                'k' => kinds.push("keyword".to_owned()),
                'v' => kinds.push("variable".to_owned()),
                _ => {}
            }
        }
        let word = options.rest().first().cloned().unwrap_or_default();
        for kind in &kinds {
            let Some(mut names) = self.completions(kind, &word) else {
                self.complain(&format!("compgen: {kind}: invalid action name"));
                return Ok(2);
            };
            found.append(&mut names);
        }
        if let Some(words) = words {
            let parsed = self.parse_text(&words, crate::syntax::Mode::Here)?;
            let mut fields = crate::expand::Fields::splitting(self.text_of("IFS"));
            self.parts(&parsed.parts, false, &mut fields)?;
            let ifs = self.text_of("IFS").unwrap_or_else(|| " \t\n".to_owned());
            for field in fields.finish() {
                found.extend(
                    field
                        .text
                        .split(|character| ifs.contains(character))
                        .filter(|piece| !piece.is_empty() && piece.starts_with(word.as_str()))
                        .map(ToOwned::to_owned),
                );
            }
        }
        if let Some(globbed) = globbed {
            found.extend(glob(
                self.kernel.as_ref(),
                &self.state.directory,
                &globbed,
                GlobOptions::default(),
            ));
        }
        if let Some(function) = function {
            if let Some(stored) = self.state.functions.get(&function).cloned() {
                self.put_list("COMPREPLY", Vec::new());
                self.call_function(
                    &function,
                    &stored,
                    vec!["compgen".to_owned(), word.clone(), String::new()],
                )?;
                found.extend(
                    self.lookup("COMPREPLY")
                        .map(|variable| variable.values())
                        .unwrap_or_default(),
                );
            }
        }
        if let Some(filter) = filter {
            let (text, keep) = match filter.strip_prefix('!') {
                Some(text) => (text, true),
                None => (filter.as_str(), false),
            };
            let pattern = Pattern::new(text, true, false);
            found.retain(|one| pattern.matches(one) == keep);
        }
        let output: String = found
            .iter()
            .map(|one| format!("{prefix}{one}{suffix}\n"))
            .collect();
        self.print("compgen", &output);
        Ok(i32::from(found.is_empty()))
    }

    fn completions(&mut self, kind: &str, word: &str) -> Option<Vec<String>> {
        let mut names: Vec<String> = match kind {
            "alias" => self.state.aliases.keys().cloned().collect(),
            "builtin" => super::names().iter().map(ToString::to_string).collect(),
            "function" => self.state.functions.keys().cloned().collect(),
            "variable" => self.state.variables.names(),
            "export" => self
                .state
                .variables
                .exported()
                .into_iter()
                .map(|(name, _)| name)
                .collect(),
            "arrayvar" => self
                .state
                .variables
                .names()
                .into_iter()
                .filter(|name| {
                    self.state
                        .variables
                        .get(name)
                        .is_some_and(crate::variables::Variable::is_array)
                })
                .collect(),
            "keyword" => [
                "if", "then", "else", "elif", "fi", "case", "esac", "for", "select", "while",
                "until", "do", "done", "in", "function", "time", "{", "}", "!", "[[", "]]",
                "coproc",
            ]
            .map(ToOwned::to_owned)
            .to_vec(),
            "setopt" => crate::options::SET
                .iter()
                .map(|entry| entry.1.to_owned())
                .collect(),
            "shopt" => crate::options::SHOPT
                .iter()
                .map(|entry| entry.1.to_owned())
                .collect(),
            "signal" => crate::exec::SIGNALS
                .iter()
                .map(|(_, name)| format!("SIG{name}"))
                .collect(),
            "helptopic" | "job" | "running" | "stopped" | "user" | "group" | "hostname"
            | "service" | "binding" | "disabled" | "enabled" => Vec::new(),
            "file" | "directory" => {
                let mut pattern = String::new();
                crate::pattern::wildcard::quote_into(word, &mut pattern);
                pattern.push('*');
                let mut found = glob(
                    self.kernel.as_ref(),
                    &self.state.directory,
                    &pattern,
                    GlobOptions::default(),
                );
                if kind == "directory" {
                    found.retain(|path| {
                        self.kernel
                            .stat(&self.absolute(path), true)
                            .is_ok_and(|info| info.file_type == crate::kernel::FileType::Directory)
                    });
                }
                found
            }
            "command" => {
                let mut all: Vec<String> = super::names().iter().map(ToString::to_string).collect();
                all.extend(self.state.functions.keys().cloned());
                for directory in self.text_of("PATH").unwrap_or_default().split(':') {
                    all.extend(self.kernel.read_directory(directory).unwrap_or_default());
                }
                all
            }
            _ => return None,
        };
        names.retain(|name| name.starts_with(word));
        if !matches!(kind, "keyword") {
            names.sort_unstable();
        }
        Some(names)
    }

    pub(super) fn builtin_complete(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "abcdefgjksuvprDEIo:A:G:W:F:C:X:P:S:");
        let (mut print, mut given) = (false, false);
        while let Some(option) = options.next(self)? {
            print |= option.letter == 'p';
            given |= !matches!(option.letter, 'p' | 'r' | 'D' | 'E' | 'I');
        }
        let operands = options.rest();
        if given
            && operands.is_empty()
            && !arguments
                .iter()
                .any(|argument| matches!(argument.as_str(), "-D" | "-E" | "-I"))
        {
            let _ = self.write(2, "complete: usage: complete [-abcdefgjksuv] [-pr] [-DEI] [-o option] [-A action] [-G globpat] [-W wordlist] [-F function] [-C command] [-X filterpat] [-P prefix] [-S suffix] [name ...]\n");
            return Ok(2);
        }
        if let Some(name) = operands.first().filter(|_| print) {
            self.complain(&format!("complete: {name}: no completion specification"));
            return Ok(1);
        }
        Ok(0)
    }

    pub(super) fn builtin_compopt(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "+o:DEI");
        while options.next(self)?.is_some() {}
        match options.rest().first() {
            Some(name) => {
                self.complain(&format!("compopt: {name}: no completion specification"));
            }
            None => self.complain("compopt: not currently executing completion function"),
        }
        Ok(1)
    }
}
