//! Names: frames of declarations, each with its enclosing frame. A declaration is evaluated on demand, once per frame, so a
//! scenario has exactly the parts that it uses.

use super::meaning::Meaning;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::{Name, Span};
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::Item;
use std::collections::HashMap;

pub(super) type FrameId = usize;

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "most names end as values")]
pub(super) enum Binding<'a> {
    Item(&'a Item),
    /// Being evaluated: asked for again, it would need itself.
    Busy,
    Ready(Meaning<'a>),
}

#[derive(Debug, Default)]
pub(super) struct Frame<'a> {
    pub(super) module: usize,
    pub(super) parent: Option<FrameId>,
    pub(super) names: HashMap<&'a str, (Binding<'a>, Span)>,
    /// What was declared together in it.
    pub(super) items: &'a [Item],
    /// Something that was refused may have declared what cannot be found, so nothing is said to be missing.
    pub(super) lost: bool,
    /// Names of stages and steps are found from here.
    pub(super) is_scenario: bool,
    /// Of a system: what stands before the names of its parts, with a dot.
    pub(super) path: String,
}

/// The declarations of a file by their names, made once.
pub(super) struct Index<'a> {
    pub(super) names: HashMap<&'a str, &'a Item>,
    pub(super) lost: bool,
}

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn frame(&mut self, module: usize, parent: Option<FrameId>) -> FrameId {
        self.frames.push(Frame { module, parent, ..Frame::default() });
        self.frames.len() - 1
    }

    /// The frame of a module; each session has its own.
    pub(super) fn module_frame(&mut self, module: usize) -> FrameId {
        if let Some(frame) = self.module_frames.get(&module) {
            return *frame;
        }
        let frame = self.frame(module, None);
        self.frames[frame].lost = self.world.indexes[module].lost;
        self.module_frames.insert(module, frame);
        frame
    }

    /// Declares the items of a system or a scenario, and says which names come twice.
    pub(super) fn declare_items(&mut self, frame: FrameId, items: &'a [Item]) {
        self.frames[frame].items = items;
        for item in items {
            if let Item::Refused(name) = item {
                self.frames[frame].lost = true;
                name.iter().for_each(|name| self.bind(frame, name, Meaning::WRONG));
            } else if let Some(name) = item.name() {
                self.declare(frame, name, Binding::Item(item));
            }
            super::module::function_name(item, self.diagnostics);
        }
    }

    pub(super) fn bind(&mut self, frame: FrameId, name: &'a Name, value: Meaning<'a>) {
        self.declare(frame, name, Binding::Ready(value));
    }

    /// Puts a name into a frame. It may not be visible there already: a reader would have to know which is meant.
    pub(super) fn declare(&mut self, frame: FrameId, name: &'a Name, bound: Binding<'a>) {
        if let Some(first) = self.visible(frame, &name.text).filter(|first| *first != name.span) {
            let refused = matches!(self.frames[frame].names.get(name.text.as_str()), Some((Binding::Ready(v), _)) if v.is_wrong());
            if !refused {
                self.push(twice(name, first));
            }
            // What stands in this frame most likely means the one that is declared in it.
            self.frames[frame].names.entry(&name.text).or_insert((bound, name.span));
            return;
        }
        self.frames[frame].names.insert(&name.text, (bound, name.span));
    }

    /// Where a name is declared that is visible in a frame.
    fn visible(&self, frame: FrameId, name: &str) -> Option<Span> {
        let mut at = Some(frame);
        while let Some(id) = at {
            let frame = &self.frames[id];
            if let Some((_, span)) = frame.names.get(name) {
                return Some(*span);
            }
            if frame.parent.is_none() {
                return self.world.indexes[frame.module].names.get(name).and_then(|item| item.span());
            }
            at = frame.parent;
        }
        None
    }

    /// What a name stands for; `None` where nothing is called so.
    pub(super) fn lookup(&mut self, frame: FrameId, name: &str, span: Span) -> Option<Meaning<'a>> {
        let mut at = Some(frame);
        while let Some(id) = at {
            if let Some(value) = self.own(id, name, span) {
                return Some(value);
            }
            at = self.frames[id].parent;
        }
        None
    }

    /// What a name of this very frame stands for.
    pub(super) fn own(&mut self, frame: FrameId, name: &str, span: Span) -> Option<Meaning<'a>> {
        let is_module = self.frames[frame].parent.is_none();
        let (key, bound, declared) = match self.frames[frame].names.get_key_value(name) {
            Some((key, (bound, declared))) => (*key, bound.clone(), *declared),
            None if is_module => {
                let index = &self.world.indexes[self.frames[frame].module];
                let (key, item) = index.names.get_key_value(name)?;
                (*key, Binding::Item(item), item.span().unwrap_or(span))
            }
            None => return None,
        };
        self.used.insert(declared);
        self.declared.insert(span, declared);
        let value = match bound {
            Binding::Ready(value) => value,
            Binding::Busy => {
                let problem = Diagnostic::new(Code::E0206, format!("`{name}` needs itself"), span, "asked for here")
                    .label(declared, "while this is worked out");
                self.push(problem.help("a declaration may not go round in a circle; take one of the references out"));
                Meaning::WRONG
            }
            Binding::Item(item) => {
                self.frames[frame].names.insert(key, (Binding::Busy, declared));
                let value = self.item(item, frame);
                self.frames[frame].names.insert(key, (Binding::Ready(value.clone()), declared));
                value
            }
        };
        self.refers(span, declared, value.kind());
        Some(value)
    }

    /// Whether something that was refused may have declared what a frame does not find.
    pub(super) fn is_lost(&self, frame: FrameId) -> bool {
        let mut at = Some(frame);
        while let Some(id) = at {
            if self.frames[id].lost {
                return true;
            }
            at = self.frames[id].parent;
        }
        false
    }

    /// Whether the names of the scenario are visible: those of its stages and steps are found without being declared.
    pub(super) fn sees_scenario(&self, frame: FrameId) -> bool {
        let mut at = Some(frame);
        while let Some(id) = at {
            if self.frames[id].is_scenario {
                return true;
            }
            at = self.frames[id].parent;
        }
        false
    }

    /// Whether what is said of a place is kept, and nothing was suggested for it before.
    pub(super) fn may_help(&self, span: Span) -> bool {
        !self.diagnostics.is_full() && self.world.helped.borrow_mut().insert(span)
    }

    /// Names that are visible in a frame, for suggestions: the first of many.
    pub(super) fn visible_names(&self, frame: FrameId) -> Vec<&'a str> {
        const MOST: usize = crate::base::suggest::MOST;
        let mut names: Vec<(Span, &'a str)> = Vec::new();
        if self.diagnostics.is_full() {
            return Vec::new();
        }
        let mut at = Some(frame);
        while let Some(id) = at {
            let frame = &self.frames[id];
            names.extend(frame.names.iter().map(|(name, (_, span))| (*span, *name)));
            if frame.parent.is_none() {
                let index = &self.world.indexes[frame.module];
                names.extend(index.names.iter().filter_map(|(name, item)| Some((item.span()?, *name))));
            }
            at = frame.parent;
        }
        if names.len() > MOST {
            names.select_nth_unstable_by_key(MOST, |(span, _)| (span.file, span.start));
            names.truncate(MOST);
        }
        names.sort_by_key(|(span, _)| (span.file, span.start));
        names.dedup();
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// Nothing is called so; suggests what is alike among the given names.
    pub(super) fn unknown_name(&mut self, frame: FrameId, name: &Name, what: &str, known: &[&str]) -> Meaning<'a> {
        let module = &self.world.inputs.modules[self.frames[frame].module];
        if !self.is_lost(frame) && !super::module::is_unusable(module, &name.text) {
            let problem =
                Diagnostic::new(Code::E0201, format!("no {what} is called `{name}`"), name.span, "not declared");
            if let Some(problem) = self.not_used(name, problem.clone()) {
                self.push(problem);
                return Meaning::WRONG;
            }
            if !self.may_help(name.span) {
                self.push(problem);
                return Meaning::WRONG;
            }
            let problem = self.metrics_named(name).into_iter().fold(problem, Diagnostic::or);
            if let Some(place) = self.hidden(frame, &name.text) {
                self.push(hidden_name(problem, place));
                return Meaning::WRONG;
            }
            // One that nobody has named, by what reports call it.
            if let Some(kind) = super::words::stage(&name.text).filter(|kind| *kind != name.text) {
                let help = format!("so the report calls a `{kind}` without a name; write `as {name}` after that stage");
                self.push(problem.help(help));
                return Meaning::WRONG;
            }
            let alike = || crate::base::suggest::similar(&name.text, known.iter().copied());
            self.push(match self.elsewhere(frame, &name.text).filter(|_| alike().is_none()) {
                Some(path) => {
                    problem.fix(Applicability::Maybe, name.span, &path, format!("it is in a module: write `{path}`"))
                }
                None => problem.did_you_mean(name.span, &name.text, known.iter().copied()),
            });
        }
        Meaning::WRONG
    }

    /// Where a name of this flow is declared in a block that is closed here.
    fn hidden(&self, frame: FrameId, name: &str) -> Option<Span> {
        let outer = self.flow.as_ref()?.frame;
        self.hidden_within(outer, name).filter(|_| self.is_within(frame, outer))
    }

    /// The last place where a block within a frame declares a name.
    pub(super) fn hidden_within(&self, outer: FrameId, name: &str) -> Option<Span> {
        let later = self.frames.iter().enumerate().skip(outer + 1).rev();
        let mut named = later.filter_map(|(id, frame)| Some((id, frame.names.get(name)?.1)));
        named.find(|(id, _)| self.is_within(*id, outer)).map(|(_, span)| span)
    }

    fn is_within(&self, frame: FrameId, outer: FrameId) -> bool {
        std::iter::successors(Some(frame), |id| self.frames[*id].parent).any(|id| id == outer)
    }

    /// A name of a used module, with the alias before it.
    fn elsewhere(&self, frame: FrameId, name: &str) -> Option<String> {
        let module = self.frames[frame].module;
        self.world.aliases[module].iter().find_map(|(alias, used)| {
            let has = self.world.indexes[*used].names.contains_key(name) && !name.starts_with('_');
            has.then(|| format!("{alias}.{name}"))
        })
    }
}

/// A name that is declared where it is not known here.
pub(super) fn hidden_name(problem: Diagnostic, place: Span) -> Diagnostic {
    let help =
        "a block keeps its names; for a value after it write `let value = null` before it, and `set value = …` in it";
    problem.label(place, "declared here, in a block that ends before").help(help)
}

pub(super) fn twice(name: &Name, first: Span) -> Diagnostic {
    Diagnostic::new(Code::E0203, format!("`{name}` is declared twice"), name.span, "again here")
        .label(first, "first here")
        .help("give one of them another name")
}

/// What a type is called in a sentence.
pub(super) fn called(kind: Type) -> String {
    match kind {
        Type::SteadyState => "steady state".to_owned(),
        kind => kind.name().to_lowercase(),
    }
}
