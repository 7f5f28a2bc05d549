//! umask, ulimit, times.

use super::Options;
use crate::flow::Flow;
use crate::shell::Shell;

/// Letter, what it limits, its unit, and the value shown.
const LIMITS: &[(char, &str, &str, &str)] = &[
    ('c', "core file size", "(blocks, -c)", "0"),
    ('d', "data seg size", "(kbytes, -d)", "unlimited"),
    ('f', "file size", "(blocks, -f)", "unlimited"),
    ('l', "max locked memory", "(kbytes, -l)", "unlimited"),
    ('m', "max memory size", "(kbytes, -m)", "unlimited"),
    ('n', "open files", "(-n)", "1024"),
    ('p', "pipe size", "(512 bytes, -p)", "8"),
    ('s', "stack size", "(kbytes, -s)", "8192"),
    ('t', "cpu time", "(seconds, -t)", "unlimited"),
    ('u', "max user processes", "(-u)", "unlimited"),
    ('v', "virtual memory", "(kbytes, -v)", "unlimited"),
];

impl Shell {
    pub(super) fn builtin_umask(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "pS");
        let (mut reusable, mut symbolic) = (false, false);
        while let Some(option) = options.next(self)? {
            match option.letter {
                'p' => reusable = true,
                _ => symbolic = true,
            }
        }
        let current = self.umask.unwrap_or_else(|| self.kernel.umask());
        let Some(operand) = options.rest().first() else {
            let shown = if symbolic {
                symbolic_mask(current)
            } else {
                format!("{current:04o}")
            };
            let prefix = match (reusable, symbolic) {
                (true, true) => "umask -S ",
                (true, false) => "umask ",
                _ => "",
            };
            return Ok(self.print("umask", &format!("{prefix}{shown}\n")));
        };
        let mask = if operand.starts_with(|first: char| first.is_ascii_digit()) {
            match u32::from_str_radix(operand, 8) {
                Ok(mask) if mask <= 0o777 => mask,
                _ => {
                    self.complain(&format!("umask: {operand}: octal number out of range"));
                    return Ok(1);
                }
            }
        } else {
            match parse_symbolic(operand, current) {
                Ok(mask) => mask,
                Err(character) => {
                    self.complain(&format!(
                        "umask: `{character}': invalid symbolic mode {}",
                        if matches!(character, '+' | '-' | '=') {
                            "operator"
                        } else {
                            "character"
                        }
                    ));
                    return Ok(1);
                }
            }
        };
        if self.umask.is_none() {
            // The first change remembers what to return to.
            self.umask = Some(current);
        }
        self.kernel.set_umask(mask);
        self.umask = Some(mask);
        if symbolic {
            return Ok(self.print("umask", &format!("{}\n", symbolic_mask(mask))));
        }
        Ok(0)
    }

    pub(super) fn builtin_ulimit(&mut self, arguments: &[String]) -> Flow {
        let mut options = Options::new(arguments, "HSabcdefiklmnpqrstuvxPRT");
        let mut all = false;
        let mut letters = Vec::new();
        while let Some(option) = options.next(self)? {
            match option.letter {
                'a' => all = true,
                'H' | 'S' => {}
                letter => letters.push(letter),
            }
        }
        if all {
            let listing: String = LIMITS
                .iter()
                .map(|(_, what, unit, value)| format!("{what:<20}{unit:>16} {value}\n"))
                .collect();
            return Ok(self.print("ulimit", &listing));
        }
        // The sandbox has its own limits, which nobody inside changes; asking for some is granted in name.
        if let Some(operand) = options.rest().first() {
            if operand.parse::<u64>().is_err()
                && !matches!(operand.as_str(), "unlimited" | "hard" | "soft")
            {
                self.complain(&format!("ulimit: {operand}: invalid number"));
                return Ok(1);
            }
            return Ok(0);
        }
        if letters.is_empty() {
            letters.push('f');
        }
        let mut output = String::new();
        for letter in letters {
            let value = LIMITS
                .iter()
                .find(|(known, ..)| *known == letter)
                .map_or("unlimited", |(_, _, _, value)| value);
            output.push_str(&format!("{value}\n"));
        }
        Ok(self.print("ulimit", &output))
    }

    pub(super) fn builtin_times(&mut self, _: &[String]) -> Flow {
        Ok(self.print("times", "0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n"))
    }
}

fn symbolic_mask(mask: u32) -> String {
    let one = |shift: u32| {
        let allowed = !(mask >> shift);
        ['r', 'w', 'x']
            .iter()
            .zip([4, 2, 1])
            .filter(|(_, bit)| allowed & bit != 0)
            .map(|(letter, _)| *letter)
            .collect::<String>()
    };
    format!("u={},g={},o={}", one(6), one(3), one(0))
}

/// `u=rwx,g-w`: which permissions the mask leaves.
fn parse_symbolic(text: &str, mask: u32) -> Result<u32, char> {
    let mut allowed = !mask & 0o777;
    for clause in text.split(',') {
        let split = clause
            .find(['+', '-', '='])
            .ok_or_else(|| clause.chars().next().unwrap_or(' '))?;
        let mut who = 0;
        for letter in clause[..split].chars() {
            who |= match letter {
                'u' => 0o700,
                'g' => 0o070,
                'o' => 0o007,
                'a' => 0o777,
                other => return Err(other),
            };
        }
        if who == 0 {
            who = 0o777;
        }
        let mut operator = clause[split..].chars().next().unwrap_or('=');
        let mut bits = 0;
        let apply = |operator: char, bits: u32, allowed: &mut u32| match operator {
            '+' => *allowed |= bits & who,
            '-' => *allowed &= !(bits & who),
            _ => *allowed = (*allowed & !who) | (bits & who),
        };
        for letter in clause[split + 1..].chars() {
            bits |= match letter {
                'r' => 0o444,
                'w' => 0o222,
                'x' | 'X' => 0o111,
                's' | 't' => 0,
                '+' | '-' | '=' => {
                    apply(operator, bits, &mut allowed);
                    operator = letter;
                    bits = 0;
                    continue;
                }
                other => return Err(other),
            };
        }
        apply(operator, bits, &mut allowed);
    }
    Ok(!allowed & 0o777)
}
