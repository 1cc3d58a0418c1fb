//! The canonical form of a text. It follows from the splitter's tree and the tokens alone, so that it holds for
//! statements that no grammar knows yet, and what is not understood stays as it is.

mod layout;
mod reader;
mod spacing;
mod tree;

use crate::base::Source;
use tree::Tree;

/// A text in canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formatted {
    pub text: String,
    /// Statements that stay as they were written, because they are not understood.
    pub kept: usize,
}

/// Formats a text. What comes out says the same, and formatting it again changes nothing: where recovery from
/// mistakes would read the result in another way, the text stays as it is.
pub fn formatted(source: &Source) -> Formatted {
    let tree = Tree::of(source);
    let text = layout::lay_out(&tree);
    let again = Tree::read(source.id, &text);
    match again.says() == tree.says() && layout::lay_out(&again) == text {
        true => Formatted { text, kept: tree.kept },
        false => Formatted { text: source.text.clone(), kept: tree.items.len().max(1) },
    }
}
