//! What each name means: from where it is used to where it is declared, for whoever edits a file.

use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::{FileId, Span};
use serde::Serialize;
use std::collections::HashMap;

/// A name where it is used, or where it is declared: there both places are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reference {
    pub used: Span,
    pub declared: Span,
    /// What it is there. In a template that is what its parameters say.
    pub kind: Type,
}

/// Every name of a compilation that means something declared in it, across files and templates.
#[derive(Debug, Clone, Default)]
pub struct References {
    by_use: HashMap<Span, (Span, Type)>,
}

impl References {
    /// What is known first stays: a template is checked by itself before it is worked out with what it is given.
    pub(super) fn put(&mut self, used: Span, declared: Span, kind: Type) {
        let known = self.by_use.entry(used).or_insert((declared, kind));
        if known.1 == Type::Wrong {
            *known = (declared, kind);
        }
    }

    /// What stands at an offset of a file. A declaration that nobody asked for by its own place is found by its uses.
    pub fn at(&self, file: FileId, offset: usize) -> Option<Reference> {
        let is_there = |span: &Span| span.file == file && span.range().contains(&offset);
        let used = self.all().filter(|reference| is_there(&reference.used));
        let least = |reference: &Reference| (reference.used.end - reference.used.start, reference.used.start);
        used.min_by_key(least).or_else(|| {
            let declared = self.all().filter(|reference| is_there(&reference.declared));
            let least = declared
                .min_by_key(|found| (found.declared.end - found.declared.start, found.used.file, found.used.start));
            least.map(|found| Reference { used: found.declared, ..found })
        })
    }

    /// Where something that is declared there is used, in the order of the files and of their texts.
    pub fn uses_of(&self, declared: Span) -> Vec<Span> {
        let uses = self.by_use.iter().filter(|(used, (of, _))| *of == declared && **used != declared);
        let mut uses: Vec<Span> = uses.map(|(used, _)| *used).collect();
        uses.sort_by_key(|used| (used.file, used.start, used.end));
        uses
    }

    /// All of them, in that order.
    pub fn sorted(&self) -> Vec<Reference> {
        let mut all: Vec<Reference> = self.all().collect();
        all.sort_by_key(|reference| (reference.used.file, reference.used.start, reference.used.end));
        all
    }

    fn all(&self) -> impl Iterator<Item = Reference> {
        self.by_use.iter().map(|(used, (declared, kind))| Reference { used: *used, declared: *declared, kind: *kind })
    }
}

/// Where a flow and its steps are declared, which the program knows by their names alone.
#[derive(Debug)]
pub(super) struct FlowPlaces {
    pub(super) declared: Span,
    pub(super) steps: HashMap<String, Span>,
}

/// Where the rows of a data file are declared, and those of their columns that are.
#[derive(Debug)]
pub(super) struct DataPlaces {
    pub(super) declared: Span,
    pub(super) columns: HashMap<String, Span>,
}

impl ScenarioChecker<'_, '_> {
    pub(super) fn refers(&self, used: Span, declared: Span, kind: Type) {
        self.world.references.borrow_mut().put(used, declared, kind);
    }

    /// A request, a group or a measured value of a flow.
    pub(super) fn refers_to_step(&self, used: Span, flow: usize, name: &str) {
        if let Some(declared) = self.flow_places.get(&flow).and_then(|places| places.steps.get(name)) {
            self.refers(used, *declared, Type::Step);
        }
    }

    /// A column by what declares it, else by the data that have it.
    pub(super) fn refers_to_column(&self, used: Span, data: usize, name: &str, kind: Type) {
        if let Some(places) = self.data_places.get(&data) {
            self.refers(used, places.columns.get(name).copied().unwrap_or(places.declared), kind);
        }
    }
}
