//! Arithmetic text to a tree.

use super::ArithmeticError;

#[derive(Debug)]
pub struct Reference {
    pub name: String,
    /// The source between the brackets.
    pub index: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Multiply,
    Divide,
    Remainder,
    Power,
    Add,
    Subtract,
    ShiftLeft,
    ShiftRight,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    BitAnd,
    BitXor,
    BitOr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    Plus,
    Minus,
    Not,
    Complement,
}

#[derive(Debug)]
pub enum Expression {
    Number(i64),
    Variable(Reference),
    Unary(Unary, Box<Expression>),
    /// The last field is the source from the right operand on, for errors.
    Binary(Operator, Box<Expression>, Box<Expression>, String),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Conditional(Box<Expression>, Box<Expression>, Box<Expression>),
    Assign(Reference, Option<Operator>, Box<Expression>, String),
    /// Adds to a variable; the flag says whether the value is the one before.
    Step {
        reference: Reference,
        by: i64,
        after: bool,
    },
    Comma(Box<Expression>, Box<Expression>),
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

type Parsed<T> = Result<T, ArithmeticError>;

/// Blank text is 0.
pub fn parse(text: &str) -> Parsed<Expression> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    parser.blanks();
    if parser.at == text.len() {
        return Ok(Expression::Number(0));
    }
    let expression = parser.comma()?;
    parser.blanks();
    if parser.at < text.len() {
        return Err(parser.error("syntax error in expression"));
    }
    Ok(expression)
}

const BINARY: [&[(&str, Operator)]; 7] = [
    &[("|", Operator::BitOr)],
    &[("^", Operator::BitXor)],
    &[("&", Operator::BitAnd)],
    &[("==", Operator::Equal), ("!=", Operator::NotEqual)],
    &[
        ("<=", Operator::LessEqual),
        (">=", Operator::GreaterEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("<<", Operator::ShiftLeft), (">>", Operator::ShiftRight)],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
];
const FACTORS: &[(&str, Operator)] = &[
    ("*", Operator::Multiply),
    ("/", Operator::Divide),
    ("%", Operator::Remainder),
];
const ASSIGNMENTS: [(&str, Option<Operator>); 11] = [
    ("=", None),
    ("*=", Some(Operator::Multiply)),
    ("/=", Some(Operator::Divide)),
    ("%=", Some(Operator::Remainder)),
    ("+=", Some(Operator::Add)),
    ("-=", Some(Operator::Subtract)),
    ("<<=", Some(Operator::ShiftLeft)),
    (">>=", Some(Operator::ShiftRight)),
    ("&=", Some(Operator::BitAnd)),
    ("^=", Some(Operator::BitXor)),
    ("|=", Some(Operator::BitOr)),
];

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn error(&self, what: &str) -> ArithmeticError {
        ArithmeticError(format!("{what} (error token is \"{}\")", self.rest()))
    }

    fn blanks(&mut self) {
        self.at += self.rest().len()
            - self
                .rest()
                .trim_start_matches([' ', '\t', '\n', '\r'])
                .len();
    }

    fn looking_at(&mut self, token: &str) -> bool {
        self.blanks();
        self.rest().starts_with(token)
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.looking_at(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn comma(&mut self) -> Parsed<Expression> {
        let mut left = self.assignment()?;
        while self.eat(",") {
            left = Expression::Comma(Box::new(left), Box::new(self.assignment()?));
        }
        Ok(left)
    }

    fn assignment(&mut self) -> Parsed<Expression> {
        self.depth += 1;
        if self.depth > 200 {
            return Err(self.error("expression recursion level exceeded"));
        }
        let left = self.conditional()?;
        self.blanks();
        let found = ASSIGNMENTS.iter().find(|(token, _)| {
            self.text[self.at..].starts_with(token) && !self.text[self.at..].starts_with("==")
        });
        let result = match (found, left) {
            (Some((token, operator)), Expression::Variable(reference)) => {
                self.at += token.len();
                self.blanks();
                let rest = self.rest().to_owned();
                Expression::Assign(reference, *operator, Box::new(self.assignment()?), rest)
            }
            (Some(_), _) => return Err(self.error("attempted assignment to non-variable")),
            (None, left) => left,
        };
        self.depth -= 1;
        Ok(result)
    }

    fn conditional(&mut self) -> Parsed<Expression> {
        let condition = self.or()?;
        if !self.eat("?") {
            return Ok(condition);
        }
        self.blanks();
        if self.looking_at(":") || self.rest().is_empty() {
            return Err(self.error("expression expected"));
        }
        let yes = self.comma()?;
        if !self.eat(":") {
            return Err(self.error("`:' expected for conditional expression"));
        }
        self.blanks();
        if self.rest().is_empty() {
            return Err(self.error("expression expected"));
        }
        let no = self.assignment_or_conditional()?;
        Ok(Expression::Conditional(
            Box::new(condition),
            Box::new(yes),
            Box::new(no),
        ))
    }

    fn assignment_or_conditional(&mut self) -> Parsed<Expression> {
        self.depth += 1;
        if self.depth > 200 {
            return Err(self.error("expression recursion level exceeded"));
        }
        let result = self.conditional();
        self.depth -= 1;
        result
    }

    fn or(&mut self) -> Parsed<Expression> {
        let mut left = self.and()?;
        while self.eat("||") {
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expression> {
        let mut left = self.binary(0)?;
        while self.eat("&&") {
            left = Expression::And(Box::new(left), Box::new(self.binary(0)?));
        }
        Ok(left)
    }

    fn binary(&mut self, level: usize) -> Parsed<Expression> {
        let Some(operators) = BINARY.get(level) else {
            return self.factors();
        };
        let mut left = self.binary(level + 1)?;
        loop {
            self.blanks();
            let rest = self.rest();
            let Some((token, operator)) = operators
                .iter()
                .find(|(token, _)| rest.starts_with(token) && !continues(rest, token))
            else {
                return Ok(left);
            };
            self.at += token.len();
            self.blanks();
            let rest = self.rest().to_owned();
            left = Expression::Binary(
                *operator,
                Box::new(left),
                Box::new(self.binary(level + 1)?),
                rest,
            );
        }
    }

    fn factors(&mut self) -> Parsed<Expression> {
        let mut left = self.power()?;
        loop {
            self.blanks();
            let rest = self.rest();
            let Some((token, operator)) = FACTORS
                .iter()
                .find(|(token, _)| rest.starts_with(token) && !continues(rest, token))
            else {
                return Ok(left);
            };
            self.at += token.len();
            self.blanks();
            let rest = self.rest().to_owned();
            left = Expression::Binary(*operator, Box::new(left), Box::new(self.power()?), rest);
        }
    }

    fn power(&mut self) -> Parsed<Expression> {
        let left = self.unary()?;
        if self.eat("**") {
            self.blanks();
            let rest = self.rest().to_owned();
            let right = self.power()?;
            return Ok(Expression::Binary(
                Operator::Power,
                Box::new(left),
                Box::new(right),
                rest,
            ));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<Expression> {
        self.depth += 1;
        if self.depth > 200 {
            return Err(self.error("expression recursion level exceeded"));
        }
        self.blanks();
        let rest = self.rest();
        let result = if rest.starts_with("++") || rest.starts_with("--") {
            let by = if rest.starts_with('+') { 1 } else { -1 };
            let place = self.at;
            self.at += 2;
            self.blanks();
            if self
                .rest()
                .starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            {
                let reference = self.reference()?;
                Expression::Step {
                    reference,
                    by,
                    after: false,
                }
            } else {
                // Two signs.
                self.at = place + 1;
                let inner = Box::new(self.unary()?);
                Expression::Unary(if by == 1 { Unary::Plus } else { Unary::Minus }, inner)
            }
        } else {
            let unary = match rest.bytes().next() {
                Some(b'+') => Some(Unary::Plus),
                Some(b'-') => Some(Unary::Minus),
                Some(b'!') => Some(Unary::Not),
                Some(b'~') => Some(Unary::Complement),
                _ => None,
            };
            match unary {
                Some(unary) => {
                    self.at += 1;
                    Expression::Unary(unary, Box::new(self.unary()?))
                }
                None => self.primary()?,
            }
        };
        self.depth -= 1;
        Ok(result)
    }

    fn primary(&mut self) -> Parsed<Expression> {
        match self.rest().bytes().next() {
            Some(b'(') => {
                self.at += 1;
                let inner = self.comma()?;
                if !self.eat(")") {
                    return Err(self.error("missing `)'"));
                }
                Ok(inner)
            }
            Some(byte) if byte.is_ascii_digit() => self.number(),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                let reference = self.reference()?;
                self.blanks();
                let by = match self.rest().get(..2) {
                    Some("++") => 1,
                    Some("--") => -1,
                    _ => return Ok(Expression::Variable(reference)),
                };
                self.at += 2;
                Ok(Expression::Step {
                    reference,
                    by,
                    after: true,
                })
            }
            _ => {
                // Bash shows the operator that lacks its operand.
                if self.rest().is_empty() {
                    let before = self.text.trim_end();
                    let at = before.char_indices().next_back().map_or(0, |(at, _)| at);
                    self.at = at;
                }
                Err(self.error("syntax error: operand expected"))
            }
        }
    }

    fn reference(&mut self) -> Parsed<Reference> {
        let length = self
            .rest()
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count();
        let name = self.rest()[..length].to_owned();
        self.at += length;
        if !self.rest().starts_with('[') {
            return Ok(Reference { name, index: None });
        }
        let mut depth = 0;
        let mut quote = None;
        let mut escaped = false;
        for (offset, byte) in self.rest().bytes().enumerate() {
            if std::mem::take(&mut escaped) {
                continue;
            }
            match (quote, byte) {
                (_, b'\\') => escaped = true,
                (Some(open), _) if byte == open => quote = None,
                (Some(_), _) => {}
                (None, b'\'' | b'"') => quote = Some(byte),
                (None, b'[') => depth += 1,
                (None, b']') => {
                    depth -= 1;
                    if depth == 0 {
                        let index = self.rest()[1..offset].to_owned();
                        self.at += offset + 1;
                        return Ok(Reference {
                            name,
                            index: Some(index),
                        });
                    }
                }
                (None, _) => {}
            }
        }
        Err(ArithmeticError("bad array subscript".to_owned()))
    }

    fn number(&mut self) -> Parsed<Expression> {
        let start = self.at;
        let length = self
            .rest()
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'@' | b'_'))
            .count();
        let token = &self.rest()[..length];
        let value = constant(token).map_err(|what| {
            self.at = start;
            ArithmeticError(format!(
                "{what} (error token is \"{}\")",
                &self.text[start..start + length]
            ))
        })?;
        self.at = start + length;
        Ok(Expression::Number(value))
    }
}

/// Whether the operator at the beginning of `rest` is really a longer one.
fn continues(rest: &str, token: &str) -> bool {
    let next = rest[token.len()..].bytes().next();
    match token {
        "|" => matches!(next, Some(b'|' | b'=')),
        "&" => matches!(next, Some(b'&' | b'=')),
        "^" | "/" | "%" | "+" | "-" | "<<" | ">>" => next == Some(b'='),
        "*" => matches!(next, Some(b'*' | b'=')),
        "<" => matches!(next, Some(b'<' | b'=')),
        ">" => matches!(next, Some(b'>' | b'=')),
        _ => false,
    }
}

/// A number in any of its notations: decimal, 0octal, 0xhex, base#digits.
fn constant(token: &str) -> Result<i64, &'static str> {
    let (base, digits) = if let Some((base, digits)) = token.split_once('#') {
        let base: u64 = base.parse().map_err(|_| "invalid number")?;
        if !(2..=64).contains(&base) {
            return Err("invalid arithmetic base");
        }
        if digits.is_empty() {
            return Err("invalid integer constant");
        }
        (base, digits)
    } else if let Some(digits) = token
        .strip_prefix("0x")
        .or_else(|| token.strip_prefix("0X"))
    {
        (16, digits)
    } else if token.len() > 1 && token.starts_with('0') {
        (8, &token[1..])
    } else {
        (10, token)
    };
    let mut value: i64 = 0;
    for byte in digits.bytes() {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            b'A'..=b'Z' if base <= 36 => byte - b'A' + 10,
            b'A'..=b'Z' => byte - b'A' + 36,
            b'@' => 62,
            b'_' => 63,
            _ => return Err("invalid number"),
        };
        if u64::from(digit) >= base {
            return Err("value too great for base");
        }
        value = value
            .wrapping_mul(base as i64)
            .wrapping_add(i64::from(digit));
    }
    Ok(value)
}
