//! A call and its arguments, bound to the parameters of the callee and looked up by their names in the tables of built-ins.

use super::builtins::Par;
use super::meaning::Meaning;
use super::program::Text;
use super::scope::FrameId;
use crate::base::{Name, Span};
use crate::syntax::ast::{self, Argument};

/// A function with its arguments, as it is written, and the frame in which their names are looked up.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) function: &'a Name,
    pub(super) arguments: &'a [Argument],
    pub(super) span: Span,
    pub(super) frame: FrameId,
}

/// A value and where it is written.
pub(super) type Given<'a> = (Meaning<'a>, &'a ast::Expr);

pub(super) struct Arguments<'a> {
    parameters: &'static [Par],
    /// At the places of their parameters; after these, what a variadic one is given more.
    values: Vec<Option<Given<'a>>>,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(parameters: &'static [Par]) -> Arguments<'a> {
        Arguments { parameters, values: parameters.iter().map(|_| None).collect() }
    }

    /// Puts a value to its place; gives it back where something is there already.
    pub(super) fn put(&mut self, place: usize, given: Given<'a>) -> Option<Given<'a>> {
        match self.values.get_mut(place) {
            Some(slot) => slot.replace(given),
            None => {
                self.values.push(Some(given));
                None
            }
        }
    }

    /// Each parameter with what is given for it, and what follows a variadic one with that.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static Par, Option<&Given<'a>>)> {
        let last = self.parameters.last();
        let parameters = self.parameters.iter().chain(last.into_iter().cycle());
        parameters.zip(self.values.iter().map(Option::as_ref))
    }

    /// What is given, in the order of the parameters.
    pub(super) fn given(&self) -> impl Iterator<Item = &Given<'a>> {
        self.values.iter().flatten()
    }

    /// What is given for the first parameter, whatever that is called.
    pub(super) fn first(&self) -> Option<&Given<'a>> {
        self.values.first()?.as_ref()
    }

    /// What is given for a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&Given<'a>> {
        self.values[self.place(name)].as_ref()
    }

    /// Each value of a variadic parameter, which is the last.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &Given<'a>> {
        self.values[self.place(name)..].iter().flatten()
    }

    pub(super) fn value(&self, name: &str) -> Option<&Meaning<'a>> {
        self.get(name).map(|(value, _)| value)
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.value(name)?.number()
    }

    pub(super) fn pieces(&self, name: &str) -> Option<Text> {
        self.value(name)?.pieces()
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Meaning::Bool(true)))
    }

    /// Where it is written, or else where the whole call is.
    pub(super) fn span(&self, name: &str, call: Span) -> Span {
        self.get(name).map_or(call, |(_, expr)| expr.span)
    }

    fn place(&self, name: &str) -> usize {
        let found = self.parameters.iter().position(|par| par.name == name);
        found.expect("a value is asked for by the name of a parameter of its own table")
    }
}
