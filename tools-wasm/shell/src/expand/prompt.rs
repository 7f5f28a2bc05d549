//! Prompt strings: `\u@\h:\w\$`, for `${name@P}` and `PS4`.

use crate::flow::Flow;
use crate::options::Shopt;
use crate::shell::Shell;
use crate::syntax::Mode;

impl Shell {
    pub fn prompt(&mut self, text: &str) -> Flow<String> {
        let decoded = self.prompt_escapes(text);
        if !self.shopt(Shopt::Promptvars) || !decoded.contains(['$', '`', '\\']) {
            return Ok(decoded);
        }
        let word = self.parse_text(&decoded, Mode::Here)?;
        self.string(&word)
    }

    fn prompt_escapes(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let Some(letter) = rest.chars().next() else {
                out.push('\\');
                break;
            };
            rest = &rest[letter.len_utf8()..];
            match letter {
                'a' => out.push('\x07'),
                'e' => out.push('\x1b'),
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                '[' | ']' => {}
                '\\' => out.push('\\'),
                '$' => out.push('$'),
                'u' => out.push_str(&self.text_of("USER").unwrap_or_else(|| "agent".to_owned())),
                'h' | 'H' => out.push_str("localhost"),
                's' => out.push_str(self.name.rsplit('/').next().unwrap_or("bash")),
                'v' => out.push_str("5.2"),
                'V' => out.push_str("5.2.15"),
                'l' => out.push_str("tty"),
                'j' => out.push_str(&self.jobs.count().to_string()),
                '!' | '#' => out.push('1'),
                'w' | 'W' => {
                    let home = self.text_of("HOME").unwrap_or_default();
                    let directory = self.state.directory.clone();
                    let shown = match directory.strip_prefix(home.as_str()) {
                        Some(below)
                            if !home.is_empty() && (below.is_empty() || below.starts_with('/')) =>
                        {
                            format!("~{below}")
                        }
                        _ => directory,
                    };
                    let last = shown
                        .rsplit('/')
                        .next()
                        .filter(|last| !last.is_empty())
                        .unwrap_or("/")
                        .to_owned();
                    out.push_str(if letter == 'w' { &shown } else { &last });
                }
                't' | 'T' | '@' | 'A' | 'd' => {
                    let format = match letter {
                        't' => "%H:%M:%S",
                        'T' => "%I:%M:%S",
                        '@' => "%I:%M %p",
                        'A' => "%H:%M",
                        _ => "%a %b %d",
                    };
                    out.push_str(&crate::time::format(format, self.kernel.now_ns()));
                }
                'D' if rest.starts_with('{') => {
                    let end = rest.find('}').unwrap_or(rest.len());
                    let format = if end > 1 { &rest[1..end] } else { "%H:%M:%S" };
                    out.push_str(&crate::time::format(format, self.kernel.now_ns()));
                    rest = rest.get(end + 1..).unwrap_or("");
                }
                '0'..='7' => {
                    let length = rest
                        .bytes()
                        .take(2)
                        .take_while(|byte| (b'0'..=b'7').contains(byte))
                        .count();
                    let code = rest[..length]
                        .bytes()
                        .fold(letter as u32 - 48, |code, digit| {
                            code * 8 + u32::from(digit - b'0')
                        });
                    out.push(crate::text::char_of_byte((code & 0xff) as u8));
                    rest = &rest[length..];
                }
                other => {
                    out.push('\\');
                    out.push(other);
                }
            }
        }
        out.push_str(rest);
        out
    }
}
