//! Pages of HTML within bounds. What a browser makes of a page may be as large as the square of it, and take as long: tags
//! that are never closed are looked through at each tag, and opened anew in each paragraph.

use super::Unusable;
use super::selector::Selector;
use crate::base::boundary;
use crate::wire::room::Room;
use html5ever::driver::{ParseOpts, parse_document};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::{Attribute, QualName};
use scraper::{ElementRef, Html, HtmlTreeSink};
use std::borrow::Cow;
use std::cell::Cell;

const LARGEST: usize = 16 << 20;
pub const TOO_LONG: &str = "it is longer than the 16 MiB of which a selector is looked for";
/// As browsers have it.
const DEEPEST: usize = 512;
pub const TOO_DEEP: &str = "its HTML is nested deeper than 512 elements";
const MOST_ATTRIBUTES: usize = 2048;
pub const TOO_MANY: &str = "a tag of its HTML has more than 2048 attributes";

/// So much is parsed between two looks at what it has become.
const PIECE: usize = 1024;
/// What a node, and an attribute, take in memory.
const NODE: usize = 256;
const ATTRIBUTE: usize = 64;
/// So many bytes of a page are looked into between two looks at the clock.
const BETWEEN_BYTES: usize = 1 << 16;
/// So many nodes pass between two looks at how deep they are.
const BETWEEN_LOOKS: usize = 16;

/// A page that was parsed.
pub struct Page {
    html: Html,
    _room: Room,
}

impl Page {
    /// `late` says whether it has taken too long.
    pub fn parse(text: &str, late: &dyn Fn() -> bool) -> Result<Page, Unusable> {
        if text.len() > LARGEST {
            return Err(Unusable::TooLarge(TOO_LONG));
        }
        few_attributes(text, late)?;
        let room = Room::default();
        room.take(text.len())?;
        let sink = Bounded {
            inner: HtmlTreeSink::new(Html::new_document()),
            room,
            refused: Cell::new(None),
            put: Cell::new(0),
        };
        let mut parser = parse_document(sink, ParseOpts::default());
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(boundary::floor(rest, PIECE));
            parser.process(StrTendril::from(piece));
            rest = behind;
            if late() {
                return Err(Unusable::Late);
            }
            if let Some(refused) = parser.tokenizer.sink.sink.refused.get() {
                return Err(refused);
            }
        }
        parser.finish()
    }

    /// The first element that a selector finds.
    pub fn first(&self, selector: &Selector, late: &dyn Fn() -> bool) -> Result<Option<ElementRef<'_>>, Unusable> {
        let elements = self.html.tree.nodes().filter_map(ElementRef::wrap);
        selector.first(elements.filter(|element| element.parent().is_some()), late)
    }

    /// Visits all elements in the order of the page. `visit` says whether those within one are visited too.
    pub fn walk(
        &self,
        late: &dyn Fn() -> bool,
        visit: &mut dyn FnMut(ElementRef<'_>) -> Result<bool, Unusable>,
    ) -> Result<(), Unusable> {
        let mut next = self.html.tree.root().first_child();
        while let Some(node) = next {
            if late() {
                return Err(Unusable::Late);
            }
            let within = match ElementRef::wrap(node) {
                Some(element) => visit(element)?,
                None => false,
            };
            let child = if within { node.first_child() } else { None };
            let behind = || node.next_sibling().or_else(|| node.ancestors().find_map(|above| above.next_sibling()));
            next = child.or_else(behind);
        }
        Ok(())
    }
}

/// Where within a tag (HTML, 13.2.5.8 and 13.2.5.32 to 13.2.5.40): what stands between attributes is told apart from them.
#[derive(Clone, Copy)]
enum Within {
    TagName,
    Between,
    Name,
    BehindName,
    BeforeValue,
    Double,
    Single,
    Unquoted,
}

impl Within {
    const ALL: [Within; 8] = [
        Within::TagName,
        Within::Between,
        Within::Name,
        Within::BehindName,
        Within::BeforeValue,
        Within::Double,
        Within::Single,
        Within::Unquoted,
    ];

    /// One byte on; none after the end of the tag.
    fn next(self, byte: u8) -> Option<Within> {
        let blank = byte.is_ascii_whitespace();
        Some(match (self, byte) {
            (Within::Double, b'"') | (Within::Single, b'\'') => Within::Between,
            (Within::Double | Within::Single, _) => self,
            (_, b'>') => return None,
            (Within::TagName, b'/') => Within::Between,
            (Within::TagName | Within::Unquoted, _) => {
                if blank {
                    Within::Between
                } else {
                    self
                }
            }
            (Within::Between | Within::Name | Within::BehindName, b'/') => Within::Between,
            (Within::Between, _) => {
                if blank {
                    self
                } else {
                    Within::Name
                }
            }
            (Within::Name | Within::BehindName, b'=') => Within::BeforeValue,
            (Within::Name | Within::BehindName, _) => {
                if blank {
                    Within::BehindName
                } else {
                    Within::Name
                }
            }
            (Within::BeforeValue, b'"') => Within::Double,
            (Within::BeforeValue, b'\'') => Within::Single,
            (Within::BeforeValue, _) => {
                if blank {
                    self
                } else {
                    Within::Unquoted
                }
            }
        })
    }
}

/// Each attribute of a tag is compared with all before it. Whether a `<` begins one depends on all in front of it, comments
/// and scripts and quotes, so each is taken for one, next to those before: more than so many words up to the next `>` do not
/// stand there either. Of those that have come to the same place, the one with most attributes is gone on with.
fn few_attributes(text: &str, late: &dyn Fn() -> bool) -> Result<(), Unusable> {
    let bytes = text.as_bytes();
    // How many attributes there may be in front of each place within a tag.
    let mut most: [Option<usize>; Within::ALL.len()] = [None; Within::ALL.len()];
    let mut any = false;
    for (at, byte) in bytes.iter().copied().enumerate() {
        if at % BETWEEN_BYTES == 0 && late() {
            return Err(Unusable::Late);
        }
        if any {
            let mut next = [None; Within::ALL.len()];
            for (before, count) in Within::ALL.into_iter().zip(most) {
                let Some((count, within)) = count.zip(before.next(byte)) else { continue };
                let begins = matches!((before, within), (Within::Between | Within::BehindName, Within::Name));
                let count = count + usize::from(begins);
                if count > MOST_ATTRIBUTES {
                    return Err(Unusable::TooLarge(TOO_MANY));
                }
                next[within as usize] = next[within as usize].max(Some(count));
            }
            most = next;
            any = most.iter().any(Option::is_some);
        }
        let opens = byte == b'<' || byte == b'/' && bytes[..at].ends_with(b"<");
        if opens && bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic) {
            most[Within::TagName as usize] = most[Within::TagName as usize].max(Some(0));
            any = true;
        }
    }
    Ok(())
}

/// What a page becomes, as long as it stays within bounds. The parser cannot be refused, so it is asked after each piece.
struct Bounded {
    inner: HtmlTreeSink,
    room: Room,
    refused: Cell<Option<Unusable>>,
    /// How many nodes were put into it.
    put: Cell<usize>,
}

type Handle = <HtmlTreeSink as TreeSink>::Handle;

impl Bounded {
    fn take(&self, bytes: usize) {
        if let Err(refused) = self.room.take(bytes) {
            self.refused.set(Some(refused.into()));
        }
    }

    fn is_put(&self, child: &NodeOrText<Handle>, below: &Handle) {
        let NodeOrText::AppendNode(_) = child else { return self.take(NODE) };
        self.put.set(self.put.get().wrapping_add(1));
        if !self.put.get().is_multiple_of(BETWEEN_LOOKS) {
            return;
        }
        let html = self.inner.0.borrow();
        let depth = html.tree.get(*below).map_or(0, |parent| parent.ancestors().take(DEEPEST).count());
        if depth == DEEPEST {
            self.refused.set(Some(Unusable::TooLarge(TOO_DEEP)));
        }
    }
}

impl TreeSink for Bounded {
    type Handle = Handle;
    type Output = Result<Page, Unusable>;
    type ElemName<'a> = <HtmlTreeSink as TreeSink>::ElemName<'a>;

    fn finish(self) -> Result<Page, Unusable> {
        match self.refused.get() {
            Some(refused) => Err(refused),
            None => Ok(Page { html: self.inner.finish(), _room: self.room }),
        }
    }

    /// Pages are full of them, and nobody asks.
    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        self.inner.get_document()
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> Self::ElemName<'a> {
        self.inner.elem_name(target)
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, flags: ElementFlags) -> Handle {
        self.take(NODE + ATTRIBUTE * attributes.len());
        self.inner.create_element(name, attributes, flags)
    }

    fn create_comment(&self, text: StrTendril) -> Handle {
        self.take(NODE);
        self.inner.create_comment(text)
    }

    fn create_pi(&self, target: StrTendril, data: StrTendril) -> Handle {
        self.take(NODE);
        self.inner.create_pi(target, data)
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.is_put(&child, parent);
        self.inner.append(parent, child);
    }

    fn append_based_on_parent_node(&self, element: &Handle, before: &Handle, child: NodeOrText<Handle>) {
        self.is_put(&child, element);
        self.inner.append_based_on_parent_node(element, before, child);
    }

    fn append_doctype_to_document(&self, name: StrTendril, public: StrTendril, system: StrTendril) {
        self.take(NODE);
        self.inner.append_doctype_to_document(name, public, system);
    }

    fn get_template_contents(&self, target: &Handle) -> Handle {
        self.inner.get_template_contents(target)
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        self.inner.same_node(one, other)
    }

    fn set_quirks_mode(&self, mode: QuirksMode) {
        self.inner.set_quirks_mode(mode);
    }

    fn append_before_sibling(&self, sibling: &Handle, node: NodeOrText<Handle>) {
        self.is_put(&node, sibling);
        self.inner.append_before_sibling(sibling, node);
    }

    fn add_attrs_if_missing(&self, target: &Handle, attributes: Vec<Attribute>) {
        self.take(ATTRIBUTE * attributes.len());
        self.inner.add_attrs_if_missing(target, attributes);
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.inner.remove_from_parent(target);
    }

    fn reparent_children(&self, node: &Handle, parent: &Handle) {
        self.inner.reparent_children(node, parent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    fn refused(text: &str) -> Option<Unusable> {
        Page::parse(text, &|| false).err()
    }

    #[test]
    fn what_grows_beyond_bounds_is_refused() {
        use crate::wire::room::TOO_MUCH;
        let formatting: String = (0..400).map(|number| format!("<b i={number}>")).collect();
        for (text, why) in [
            // 400 KB of it took 20 s, and 15 MB would have taken 21 minutes.
            ("<b>".repeat(130_000), TOO_DEEP),
            ("<div>".repeat(300_000), TOO_DEEP),
            ("<table><tr><td>".repeat(30_000), TOO_DEEP),
            ("<svg><g>".repeat(30_000), TOO_DEEP),
            ("<template>".repeat(30_000), TOO_DEEP),
            // Each paragraph opens all that was not closed in one before: bytes become as many elements.
            (format!("<p>{formatting}</p>{}", "<p>x</p>".repeat(50_000)), TOO_MUCH),
            ("<i>x</i>".repeat(700_000), TOO_MUCH),
            (format!("<p {}>", (0..3000).map(|number| format!("a{number} ")).collect::<String>()), TOO_MANY),
            (format!("<p {}>", "a/".repeat(3000)), TOO_MANY),
            (format!("<p {}>", "a=''".repeat(3000)), TOO_MANY),
            (format!("</p {}>", "a ".repeat(3000)), TOO_MANY),
            // What looks like a quote, and is none.
            (format!("<!-- <a x=' --><p {}>", "a ".repeat(3000)), TOO_MANY),
            (format!("<title><a x=\"</title><p {}>", "a ".repeat(3000)), TOO_MANY),
            (format!("<p x==' {}>", "a ".repeat(3000)), TOO_MANY),
            (format!("<p =' {}>", "a ".repeat(3000)), TOO_MANY),
            (format!("<p=' {}>", "a ".repeat(3000)), TOO_MANY),
            (format!("<p a='<b c=' {}>", "a ".repeat(3000)), TOO_MANY),
            ("x".repeat(LARGEST + 1), TOO_LONG),
        ] {
            assert_eq!(refused(&text), Some(Unusable::TooLarge(why)), "{text:.40}");
        }
        for text in [
            "<div>".repeat(500) + &"</div>".repeat(500),
            format!("<p {}>", (0..2000).map(|number| format!("a{number} ")).collect::<String>()),
            format!("<p title=\"{}\">", "word ".repeat(100_000)),
            format!("<p>{}", "a < b ".repeat(100_000)),
            "<br>x".repeat(20_000),
            "x".repeat(LARGEST),
            format!("<!--{}-->", "x".repeat(LARGEST - 9)),
        ] {
            assert_eq!(refused(&text), None, "{text:.40}");
        }
        assert_eq!(refused(""), None);
        assert_eq!(Page::parse("<p>", &|| true).err(), Some(Unusable::Late));
        // Before it is parsed it is looked into, and that has an end too.
        let long = format!("{}<p {}>", " ".repeat(1 << 20), "a ".repeat(3000));
        assert_eq!(Page::parse(&long, &|| true).err(), Some(Unusable::Late));
    }

    #[test]
    fn a_page_is_what_it_is_in_one_piece() {
        const PARTS: [&str; 24] = [
            "<p>",
            "</p>",
            "<b>",
            "</b>",
            "<a href='x\u{e9}'>",
            "</a>",
            "<table>",
            "<tr>",
            "<td>",
            "</table>",
            "text ",
            "\u{20ac}",
            "&amp;",
            "&eacute",
            "<!-- a <b> -->",
            "<script>if (a<b) {}</script>",
            "<br/>",
            "<ul><li>",
            "</ul>",
            "<svg><style><i>",
            "</svg>",
            "<template>",
            "</template>",
            "<select><option>",
        ];
        let mut random = ChaCha8Rng::seed_from_u64(5);
        for _ in 0..300 {
            let text: String = (0..random.next_u64() % 1500).map(|_| PARTS[random.next_u64() as usize % 24]).collect();
            match Page::parse(&text, &|| false) {
                Ok(page) => assert_eq!(page.html.html(), Html::parse_document(&text).html(), "{text}"),
                Err(refused) => assert_eq!(refused, Unusable::TooLarge(TOO_DEEP), "{text}"),
            }
        }
    }

    #[test]
    fn what_is_found_is_what_the_library_finds() {
        const SELECTORS: [&str; 16] = [
            "li",
            "li:nth-child(3)",
            "#i9999",
            "ul ~ p",
            "li + li",
            "b",
            ":root > body",
            "p:empty",
            "[id$='77']",
            "li:nth-last-of-type(2n+1):not(:first-child)",
            "ul:has(> #i5) ~ *",
            ".x.y",
            "li:is(#i3, .x)",
            "svg|*, *|q",
            "p:only-child",
            "p ~ p:nth-last-child(2), ul li",
        ];
        let items: String =
            (0..100).map(|number| format!("<li id=i{number} class='x n{number}'>{number}</li>")).collect();
        for text in [
            format!("<ul>{items}</ul><p>x<!-- y --><p class='y x'></p>z<p>"),
            "<p></p>".repeat(20),
            "<div><p></div><svg><q/></svg><template><b></b></template>".to_owned(),
            String::new(),
        ] {
            let page = Page::parse(&text, &|| false).unwrap();
            for text in SELECTORS {
                let (Some(own), Ok(library)) = (Selector::parse(text), scraper::Selector::parse(text)) else {
                    assert!(Selector::parse(text).is_none() && scraper::Selector::parse(text).is_err(), "{text}");
                    continue;
                };
                let found = page.first(&own, &|| false).unwrap().map(|element| element.id());
                assert_eq!(found, page.html.select(&library).next().map(|element| element.id()), "{text}");
            }
        }
    }

    /// All of it is one element of a short page, next to which stand all others.
    #[test]
    fn a_selector_that_takes_too_long_is_given_up() {
        let page = Page::parse(&"<p>".repeat(9990), &|| false).unwrap();
        for text in [
            "p:nth-child(7777) ~ p:nth-last-of-type(3) ~ p:last-child",
            "p:nth-child(20000) ~ p ~ p:last-child",
            "p:has(~ b)",
        ] {
            let looks = Cell::new(0);
            let late = || looks.replace(looks.get() + 1) >= 50;
            let found = page.first(&Selector::parse(text).unwrap(), &late);
            assert!(matches!(found, Err(Unusable::Late)), "{text}");
            assert_eq!(looks.get(), 51, "{text}: once it is late nothing is looked at");
        }
    }
}
