//! The value of an arithmetic tree.

use super::ArithmeticError;
use super::parse::{Expression, Operator, Reference, Unary};

/// Where variables are.
pub trait Memory {
    type Error: From<ArithmeticError>;
    /// The value of a variable: what it holds is itself evaluated.
    fn load(&mut self, name: &str, index: Option<&str>) -> Result<i64, Self::Error>;
    fn store(&mut self, name: &str, index: Option<&str>, value: i64) -> Result<(), Self::Error>;
    /// The index as a key that is stable while it is both read and written.
    fn pin(&mut self, name: &str, index: &str) -> Result<String, Self::Error>;
}

pub fn evaluate<M: Memory>(expression: &Expression, memory: &mut M) -> Result<i64, M::Error> {
    Ok(match expression {
        Expression::Number(value) => *value,
        Expression::Variable(reference) => {
            memory.load(&reference.name, reference.index.as_deref())?
        }
        Expression::Unary(unary, operand) => {
            let value = evaluate(operand, memory)?;
            match unary {
                Unary::Plus => value,
                Unary::Minus => value.wrapping_neg(),
                Unary::Not => i64::from(value == 0),
                Unary::Complement => !value,
            }
        }
        Expression::Binary(operator, left, right, rest) => {
            let left = evaluate(left, memory)?;
            let right = evaluate(right, memory)?;
            binary(*operator, left, right, rest)?
        }
        Expression::And(left, right) => {
            i64::from(evaluate(left, memory)? != 0 && evaluate(right, memory)? != 0)
        }
        Expression::Or(left, right) => {
            i64::from(evaluate(left, memory)? != 0 || evaluate(right, memory)? != 0)
        }
        Expression::Conditional(condition, yes, no) => evaluate(
            if evaluate(condition, memory)? != 0 {
                yes
            } else {
                no
            },
            memory,
        )?,
        Expression::Assign(reference, operator, value, rest) => {
            let value = match operator {
                None => evaluate(value, memory)?,
                Some(operator) => {
                    let index = pinned(reference, memory)?;
                    let old = memory.load(&reference.name, index.as_deref())?;
                    let value = evaluate(value, memory)?;
                    let new = binary(*operator, old, value, rest)?;
                    memory.store(&reference.name, index.as_deref(), new)?;
                    return Ok(new);
                }
            };
            memory.store(&reference.name, reference.index.as_deref(), value)?;
            value
        }
        Expression::Step {
            reference,
            by,
            after,
        } => {
            let index = pinned(reference, memory)?;
            let old = memory.load(&reference.name, index.as_deref())?;
            let new = old.wrapping_add(*by);
            memory.store(&reference.name, index.as_deref(), new)?;
            if *after { old } else { new }
        }
        Expression::Comma(first, second) => {
            evaluate(first, memory)?;
            evaluate(second, memory)?
        }
    })
}

fn pinned<M: Memory>(reference: &Reference, memory: &mut M) -> Result<Option<String>, M::Error> {
    match &reference.index {
        Some(index) => memory.pin(&reference.name, index).map(Some),
        None => Ok(None),
    }
}

fn binary(operator: Operator, left: i64, right: i64, rest: &str) -> Result<i64, ArithmeticError> {
    Ok(match operator {
        Operator::Multiply => left.wrapping_mul(right),
        Operator::Divide | Operator::Remainder if right == 0 => {
            return Err(ArithmeticError(format!(
                "division by 0 (error token is \"{rest}\")"
            )));
        }
        Operator::Divide => left.wrapping_div(right),
        Operator::Remainder => left.wrapping_rem(right),
        Operator::Power if right < 0 => {
            return Err(ArithmeticError(format!(
                "exponent less than 0 (error token is \"{rest}\")"
            )));
        }
        Operator::Power => power(left, right),
        Operator::Add => left.wrapping_add(right),
        Operator::Subtract => left.wrapping_sub(right),
        Operator::ShiftLeft => left.wrapping_shl((right & 63) as u32),
        Operator::ShiftRight => left.wrapping_shr((right & 63) as u32),
        Operator::Less => i64::from(left < right),
        Operator::LessEqual => i64::from(left <= right),
        Operator::Greater => i64::from(left > right),
        Operator::GreaterEqual => i64::from(left >= right),
        Operator::Equal => i64::from(left == right),
        Operator::NotEqual => i64::from(left != right),
        Operator::BitAnd => left & right,
        Operator::BitXor => left ^ right,
        Operator::BitOr => left | right,
    })
}

fn power(mut base: i64, mut exponent: i64) -> i64 {
    let mut result: i64 = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::parse;
    use std::collections::HashMap;

    struct Table(HashMap<String, i64>);

    impl Memory for Table {
        type Error = ArithmeticError;
        fn load(&mut self, name: &str, _: Option<&str>) -> Result<i64, ArithmeticError> {
            Ok(self.0.get(name).copied().unwrap_or(0))
        }
        fn store(
            &mut self,
            name: &str,
            _: Option<&str>,
            value: i64,
        ) -> Result<(), ArithmeticError> {
            self.0.insert(name.to_owned(), value);
            Ok(())
        }
        fn pin(&mut self, _: &str, index: &str) -> Result<String, ArithmeticError> {
            Ok(index.to_owned())
        }
    }

    #[test]
    fn values() {
        for (text, want) in [
            ("1+2*3", 7),
            ("(1+2)*3", 9),
            ("2**3**2", 512),
            ("-2**2", 4),
            ("7/2", 3),
            ("-7%3", -1),
            ("1<<4|1", 17),
            ("0x1f", 31),
            ("010", 8),
            ("2#101", 5),
            ("64#_", 63),
            ("x=5,x++,x", 6),
            ("x=5,++x+x--", 12),
            ("1?2:3", 2),
            ("0||0&&1", 0),
            ("!0", 1),
            ("~0", -1),
            ("x+=3", 3),
            ("a=b=2,a+b", 4),
            ("1<2==1", 1),
            ("- -1", 1),
            ("9223372036854775807+1", i64::MIN),
            ("", 0),
        ] {
            let mut table = Table(HashMap::new());
            let value = parse(text).and_then(|tree| evaluate(&tree, &mut table));
            assert_eq!(value.ok(), Some(want), "{text}");
        }
    }

    #[test]
    fn refusals() {
        for (text, want) in [
            ("1/0", "division by 0 (error token is \"0\")"),
            (
                "1+",
                "syntax error: operand expected (error token is \"+\")",
            ),
            ("1 2", "syntax error in expression (error token is \"2\")"),
            ("08", "value too great for base (error token is \"08\")"),
            (
                "1=2",
                "attempted assignment to non-variable (error token is \"=2\")",
            ),
        ] {
            let mut table = Table(HashMap::new());
            let error = parse(text)
                .and_then(|tree| evaluate(&tree, &mut table))
                .unwrap_err();
            assert_eq!(error.0, want, "{text}");
        }
    }
}
