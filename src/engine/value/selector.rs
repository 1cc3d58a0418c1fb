//! Selectors of CSS whose search can be given up. Whether one element is what is looked for may depend on all others, and
//! take as long as the square of them: on the way from each element to the next the clock may be looked at.

use super::Unusable;
use cssparser::Parser as Input;
use html5ever::Namespace;
use scraper::selector::{CssLocalName, CssString, NonTSPseudoClass, Parser, PseudoElement, Simple};
use scraper::{CaseSensitivity, Element, ElementRef};
use selectors::OpaqueElement;
use selectors::attr::{AttrSelectorOperation, NamespaceConstraint};
use selectors::bloom::BloomFilter;
use selectors::context::{
    MatchingContext, MatchingForInvalidation, MatchingMode, NeedsSelectorFlags, QuirksMode, SelectorCaches,
};
use selectors::matching::{ElementSelectorFlags, matches_selector};
use selectors::parser::{ParseRelative, SelectorList};
use std::cell::Cell;

/// So many steps from one element to another pass between two looks at how late it is.
const BETWEEN_LOOKS: usize = 256;
/// So many bytes of attributes are compared in the time of a step.
const BYTES: usize = 64;

pub struct Selector(SelectorList<Simple>);

/// A search under way.
struct Walk<'w> {
    late: &'w dyn Fn() -> bool,
    steps: Cell<usize>,
    given_up: Cell<bool>,
}

/// An element that knows how late it is. Once it is too late, it is the only one there is, and all comes to its end.
#[derive(Clone)]
struct Walked<'p, 'w> {
    element: ElementRef<'p>,
    walk: &'w Walk<'w>,
}

impl Selector {
    /// `None` for what is no selector.
    pub fn parse(text: &str) -> Option<Selector> {
        SelectorList::parse(&Parser, &mut Input::new(text), ParseRelative::No).ok().map(Selector)
    }

    /// The first of some elements that is what is looked for. All of them are of one page.
    pub fn first<'p>(
        &self,
        elements: impl Iterator<Item = ElementRef<'p>>,
        late: &dyn Fn() -> bool,
    ) -> Result<Option<ElementRef<'p>>, Unusable> {
        let walk = Walk { late, steps: Cell::new(0), given_up: Cell::new(late()) };
        let mut caches = SelectorCaches::default();
        for element in elements {
            let walked = Walked { element, walk: &walk };
            let mut context = MatchingContext::new(
                MatchingMode::Normal,
                None,
                &mut caches,
                QuirksMode::NoQuirks,
                NeedsSelectorFlags::No,
                MatchingForInvalidation::No,
            );
            let mut all = self.0.slice().iter();
            let matches = all.any(|selector| matches_selector(selector, 0, None, &walked, &mut context));
            // What was found out since it was too late is not so.
            if !walk.goes_on(1) {
                return Err(Unusable::Late);
            }
            if matches {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }
}

impl Walk<'_> {
    fn goes_on(&self, steps: usize) -> bool {
        self.steps.set(self.steps.get() + steps);
        if self.steps.get() >= BETWEEN_LOOKS && !self.given_up.get() {
            self.steps.set(0);
            self.given_up.set((self.late)());
        }
        !self.given_up.get()
    }
}

impl<'p, 'w> Walked<'p, 'w> {
    /// The first of some nodes that is an element.
    fn first(&self, nodes: impl Iterator<Item = Option<ElementRef<'p>>>) -> Option<Walked<'p, 'w>> {
        let element = nodes.take_while(|_| self.walk.goes_on(1)).flatten().next()?;
        Some(Walked { element, walk: self.walk })
    }
}

impl std::fmt::Debug for Walked<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.element.fmt(f)
    }
}

impl Element for Walked<'_, '_> {
    type Impl = Simple;

    fn opaque(&self) -> OpaqueElement {
        self.element.opaque()
    }

    fn parent_element(&self) -> Option<Self> {
        self.first(self.element.parent().into_iter().map(ElementRef::wrap))
    }

    fn parent_node_is_shadow_root(&self) -> bool {
        false
    }

    fn containing_shadow_host(&self) -> Option<Self> {
        None
    }

    fn is_pseudo_element(&self) -> bool {
        false
    }

    fn prev_sibling_element(&self) -> Option<Self> {
        self.first(self.element.prev_siblings().map(ElementRef::wrap))
    }

    fn next_sibling_element(&self) -> Option<Self> {
        self.first(self.element.next_siblings().map(ElementRef::wrap))
    }

    fn first_element_child(&self) -> Option<Self> {
        self.first(self.element.children().map(ElementRef::wrap))
    }

    fn is_html_element_in_html_document(&self) -> bool {
        self.element.is_html_element_in_html_document()
    }

    fn has_local_name(&self, name: &CssLocalName) -> bool {
        self.element.has_local_name(name)
    }

    fn has_namespace(&self, namespace: &Namespace) -> bool {
        self.element.has_namespace(namespace)
    }

    fn is_same_type(&self, other: &Self) -> bool {
        self.element.is_same_type(&other.element)
    }

    fn attr_matches(
        &self,
        namespace: &NamespaceConstraint<&Namespace>,
        name: &CssLocalName,
        operation: &AttrSelectorOperation<&CssString>,
    ) -> bool {
        let bytes: usize = self.element.value().attrs().map(|(_, value)| BYTES + value.len()).sum();
        self.walk.goes_on(bytes / BYTES) && self.element.attr_matches(namespace, name, operation)
    }

    fn match_non_ts_pseudo_class(&self, class: &NonTSPseudoClass, _: &mut MatchingContext<'_, Simple>) -> bool {
        match *class {}
    }

    fn match_pseudo_element(&self, element: &PseudoElement, _: &mut MatchingContext<'_, Simple>) -> bool {
        match *element {}
    }

    fn apply_selector_flags(&self, _: ElementSelectorFlags) {}

    fn is_link(&self) -> bool {
        self.element.is_link()
    }

    fn is_html_slot_element(&self) -> bool {
        self.element.is_html_slot_element()
    }

    fn has_id(&self, id: &CssLocalName, case: CaseSensitivity) -> bool {
        self.element.has_id(id, case)
    }

    fn has_class(&self, name: &CssLocalName, case: CaseSensitivity) -> bool {
        self.element.has_class(name, case)
    }

    fn has_custom_state(&self, _: &CssLocalName) -> bool {
        false
    }

    fn imported_part(&self, _: &CssLocalName) -> Option<CssLocalName> {
        None
    }

    fn is_part(&self, _: &CssLocalName) -> bool {
        false
    }

    fn is_empty(&self) -> bool {
        let mut children = self.element.children().take_while(|_| self.walk.goes_on(1));
        !children.any(|child| child.value().is_element() || child.value().is_text())
    }

    fn is_root(&self) -> bool {
        self.element.is_root()
    }

    fn add_element_unique_hashes(&self, _: &mut BloomFilter) -> bool {
        false
    }
}
