//! The order of a listing. Names compare byte by byte, as in the C locale.

use std::cmp::Ordering;

use super::entry::Entry;
use super::long::columns;
use super::options::{Options, Sort};

pub(super) fn sort(entries: &mut [Entry], options: &Options) {
    if options.sort == Sort::None {
        return;
    }
    entries.sort_by(|one, other| {
        let grouped = if options.directories_first {
            other.leads_to_directory().cmp(&one.leads_to_directory())
        } else {
            Ordering::Equal
        };
        let order = by(one, other, options).then_with(|| one.name.cmp(&other.name));
        grouped.then(if options.reverse {
            order.reverse()
        } else {
            order
        })
    });
}

/// Without what breaks ties: the name.
fn by(one: &Entry, other: &Entry, options: &Options) -> Ordering {
    match options.sort {
        Sort::Name | Sort::None => Ordering::Equal,
        Sort::Size => other.bytes().cmp(&one.bytes()),
        Sort::Time => other.time(options.clock).cmp(&one.time(options.clock)),
        Sort::Version => version(&one.name, &other.name),
        Sort::Extension => extension(&one.name).cmp(extension(&other.name)),
        Sort::Width => columns(&one.name).cmp(&columns(&other.name)),
    }
}

/// From the last dot on; nothing sorts first.
fn extension(name: &str) -> &str {
    name.rfind('.').map_or("", |at| &name[at..])
}

/// gnulib's `filevercmp`: runs of digits compare as numbers, and suffixes like `.tar.gz` only break ties.
pub(super) fn version(one: &str, other: &str) -> Ordering {
    let rank = |name: &str| match name {
        "" => 0,
        "." => 1,
        ".." => 2,
        _ if name.starts_with('.') => 3,
        _ => 4,
    };
    rank(one).cmp(&rank(other)).then_with(|| {
        let (bare, other_bare) = (without_suffix(one), without_suffix(other));
        let order = if bare == other_bare {
            Ordering::Equal
        } else {
            runs(bare.as_bytes(), other_bare.as_bytes())
        };
        order.then_with(|| runs(one.as_bytes(), other.as_bytes()))
    })
}

/// Without the longest `(\.[A-Za-z~][A-Za-z0-9~]*)*` at its end, but never without the first character.
fn without_suffix(name: &str) -> &str {
    let mut end = name.len();
    while let Some(dot) = name[..end].rfind('.') {
        let part = &name.as_bytes()[dot + 1..end];
        let fits = part
            .first()
            .is_some_and(|first| first.is_ascii_alphabetic() || *first == b'~')
            && part
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'~');
        if !fits || dot == 0 {
            break;
        }
        end = dot;
    }
    &name[..end]
}

/// `~` sorts before the end, letters before other characters, digits as numbers.
fn runs(mut one: &[u8], mut other: &[u8]) -> Ordering {
    let weight = |bytes: &[u8]| match bytes.first() {
        None => -1,
        Some(b'~') => -2,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    let digit = |bytes: &[u8]| bytes.first().is_some_and(u8::is_ascii_digit);
    let number = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == b'0').count();
        let digits = bytes[zeros..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        (zeros, digits)
    };
    while !one.is_empty() || !other.is_empty() {
        while (!one.is_empty() && !digit(one)) || (!other.is_empty() && !digit(other)) {
            let order = weight(one).cmp(&weight(other));
            if order.is_ne() {
                return order;
            }
            (one, other) = (&one[1..], &other[1..]);
        }
        let ((zeros, digits), (other_zeros, other_digits)) = (number(one), number(other));
        let (here, there) = (
            &one[zeros..zeros + digits],
            &other[other_zeros..other_zeros + other_digits],
        );
        let order = digits.cmp(&other_digits).then_with(|| here.cmp(there));
        if order.is_ne() {
            return order;
        }
        (one, other) = (&one[zeros + digits..], &other[other_zeros + other_digits..]);
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_in_natural_order() {
        let sorted = [
            ".",
            "..",
            ".b",
            "a",
            "a1",
            "a2.tar.gz",
            "a10.tar.gz",
            "b~",
            "b",
            "b.c",
            "b1",
            "b10",
            "b.9",
        ];
        for (at, one) in sorted.iter().enumerate() {
            for other in &sorted[at + 1..] {
                assert!(version(one, other).is_lt(), "{one} before {other}");
                assert!(version(other, one).is_gt(), "{other} after {one}");
            }
        }
    }
}
