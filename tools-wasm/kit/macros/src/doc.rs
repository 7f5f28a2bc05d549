//! From a doc comment to what a model reads.

use syn::{Attribute, Expr, Lit, Meta};

/// The text of the doc comment, or none. Lines that only broke because the source is narrow are joined.
pub(crate) fn text(attributes: &[Attribute]) -> Option<String> {
    let lines: Vec<String> = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                Expr::Lit(literal) => match &literal.lit {
                    Lit::Str(text) => Some(text.value()),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        })
        .collect();
    let text = joined(
        lines
            .iter()
            .flat_map(|line| line.split('\n'))
            .map(|line| line.strip_prefix(' ').unwrap_or(line)),
    );
    (!text.is_empty()).then_some(text)
}

/// Joins the lines of a paragraph. Empty lines, lists, tables and fenced code keep their shape, as in Markdown.
fn joined<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut fenced = false;
    let mut open = false;
    for line in lines {
        let line = line.trim_end();
        let fence = line.trim_start().starts_with("```");
        let shaped = fenced || fence || line.is_empty() || begins_an_item(line);
        if !text.is_empty() {
            text.push(if open && !shaped { ' ' } else { '\n' });
        }
        text.push_str(if open && !shaped {
            line.trim_start()
        } else {
            line
        });
        fenced ^= fence;
        open = !fenced && !fence && !line.is_empty();
    }
    text.trim().to_owned()
}

fn begins_an_item(line: &str) -> bool {
    let line = line.trim_start();
    let after_number = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    ["- ", "* ", "+ ", "| ", "# ", "> "]
        .iter()
        .any(|mark| line.starts_with(mark))
        || (after_number.len() < line.len() && after_number.starts_with(". "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn paragraphs_are_joined_and_shapes_are_kept() {
        let function: syn::ItemFn = parse_quote! {
            /// Counts the words
            /// of a file.
            ///
            /// Modes:
            /// - `all`: every
            ///   word
            /// - `unique`
            /// ```
            /// a  b
            /// c
            /// ```
            fn count() {}
        };
        assert_eq!(
            text(&function.attrs).unwrap(),
            "Counts the words of a file.\n\nModes:\n- `all`: every word\n- `unique`\n```\na  b\nc\n```"
        );
        let function: syn::ItemFn = parse_quote!(
            fn count() {}
        );
        assert_eq!(text(&function.attrs), None);
    }
}
