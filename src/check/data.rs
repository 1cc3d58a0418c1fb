//! `data`: rows of a file, how the file is written, and what its columns are.

use super::bound::Arguments;
use super::builtins::Builtin;
use super::inputs::{Content, FileKind};
use super::meaning::Meaning;
use super::program::{Data, DataFormat};
use super::references::DataPlaces;
use super::scope::FrameId;
use super::session::ScenarioChecker;
use super::types::Type;
use crate::base::Name;
use crate::diag::{Applicability, Code, Diagnostic};
use crate::syntax::ast::{self, Entry, ExprKind};
use crate::syntax::dialect::{self, Dialect};

impl<'a> ScenarioChecker<'a, '_> {
    pub(super) fn data(
        &mut self,
        name: String,
        built: &'a ast::Built,
        builtin: &Builtin,
        bound: &Arguments<'a>,
        frame: FrameId,
    ) -> Meaning<'a> {
        let (format, dialect, kind) = match builtin.name {
            "json" => (DataFormat::Json, Dialect::default(), FileKind::Json),
            "jsonl" => (DataFormat::Jsonl, Dialect::default(), FileKind::JsonLines),
            _ => {
                let dialect = Dialect::of(&built.options);
                (DataFormat::Csv, dialect.clone(), FileKind::Csv(dialect))
            }
        };
        let problems = self.diagnostics.count();
        let mut declared: Vec<(&Name, Type)> = Vec::new();
        for entry in &built.options {
            match entry.label.text.as_str() {
                "columns" => self.columns(entry, frame, &mut declared),
                "separator" | "header" | "encoding" if format != DataFormat::Csv => {
                    let message = format!("`{}` is of `csv(…)`, and this is `{}(…)`", entry.label, builtin.name);
                    self.push(Diagnostic::new(Code::E0205, message, entry.label.span, "not of JSON"));
                }
                "separator" => self.separator(entry, frame),
                "header" => self.head_line(entry, frame, &built.options),
                "encoding" => self.encoding(entry),
                _ => self.unknown_option(entry, "data"),
            }
        }
        let is_refused = self.diagnostics.count() > problems && !dialect.is_usual();
        let Some((Meaning::Text(path, from), expr)) = bound.get("file") else { return Meaning::Unknown(Type::Data) };
        if is_refused {
            return Meaning::WRONG;
        }
        let Some(Content::Table(table)) = self.content(path, *from, kind, expr.span) else {
            return Meaning::WRONG;
        };
        let mut columns = table.columns.clone();
        for (_, own) in &mut columns {
            // Only a declaration tells whole numbers from others, and truth from words.
            *own = match *own {
                Type::Count => Type::Number,
                Type::Bool if format == DataFormat::Csv => Type::Text,
                own => own,
            };
        }
        let places = declared.iter().map(|(label, _)| (label.text.clone(), label.span)).collect();
        self.data_places.insert(self.out.data.len(), DataPlaces { declared: built.name.span, columns: places });
        for (label, kind) in declared {
            let found = table.columns.iter().find(|(name, _)| *name == label.text).map(|(_, own)| *own);
            match found.zip(columns.iter_mut().find(|(name, _)| *name == label.text)) {
                // Of what is of several types, or null, no cell can be said to be of one.
                Some((found, (_, own))) if kind == Type::Text || found != Type::Json && kind.accepts(found) => {
                    *own = kind;
                }
                Some((own, _)) => {
                    let message = format!("not every cell of `{label}` is {}", kind.a());
                    let found = own.a();
                    self.push(
                        Diagnostic::new(Code::E0310, message, label.span, found)
                            .help("declare it as Text, or mend the file"),
                    );
                }
                None => {
                    let problem = Diagnostic::new(
                        Code::E0202,
                        format!("`{path}` has no column `{label}`"),
                        label.span,
                        "no such column",
                    );
                    let columns = table.columns.iter().map(|(column, _)| column.as_str());
                    self.push(problem.did_you_mean_a_column(label, columns));
                }
            }
        }
        let (path, sha256, rows) = (table.path.clone(), table.sha256.clone(), table.rows);
        let times = table.times.clone();
        self.out.data.push(Data { name, path, format, dialect, sha256, rows, columns, times });
        Meaning::Part(Type::Data, self.out.data.len() - 1)
    }

    fn columns(&mut self, entry: &'a Entry, frame: FrameId, declared: &mut Vec<(&'a Name, Type)>) {
        let ExprKind::Object(fields) = &entry.value.kind else {
            self.option(entry, "data", frame);
            return;
        };
        for field in fields {
            let kind = match &field.value.kind {
                ExprKind::Name(name) => Type::parse(&name.text),
                _ => None,
            };
            let text = self.text(field.value.span);
            match kind.or_else(|| Type::parse(&text)) {
                Some(kind @ (Type::Text | Type::Number | Type::Count | Type::Bool)) => {
                    declared.push((&field.label, kind));
                }
                _ => {
                    let message = format!("no column is of type `{text}`");
                    let problem = Diagnostic::new(Code::E0201, message, field.value.span, "not a type of cells");
                    self.push(problem.help("a cell is Text, Number, Count or Bool"));
                }
            }
        }
    }

    fn separator(&mut self, entry: &'a Entry, frame: FrameId) {
        if self.option(entry, "data", frame).is_none() {
            return;
        }
        match dialect::text(&entry.value) {
            None => self.not_as_it_is(entry, "such as `separator: \";\"`"),
            Some(text) if dialect::separator(text).is_none() => {
                let message = "cells are kept apart by one ASCII character, other than a quote and the end of a line";
                let problem = Diagnostic::new(Code::E0310, message, entry.value.span, "no separator");
                self.push(problem.help("write `\";\"`, or `\"\\t\"` for a tab"));
            }
            Some(_) => {}
        }
    }

    fn head_line(&mut self, entry: &'a Entry, frame: FrameId, options: &'a [Entry]) {
        if self.option(entry, "data", frame).is_none() {
            return;
        }
        let has_columns = options.iter().any(|option| option.label.text == "columns");
        match dialect::header(&entry.value) {
            None => self.not_as_it_is(entry, "such as `header: false`"),
            Some(false) if !has_columns => {
                let message = "without a header line the columns have no names";
                let problem = Diagnostic::new(Code::E0307, message, entry.label.span, "needs `columns`");
                self.push(problem.help("name all of them in their order: `columns: { id: Count, name: Text }`"));
            }
            Some(_) => {}
        }
    }

    fn encoding(&mut self, entry: &'a Entry) {
        if dialect::encoding(&entry.value).is_some() || matches!(entry.value.kind, ExprKind::Wrong) {
            return;
        }
        let text = self.text(entry.value.span);
        let message = format!("`{text}` is not an encoding that can be asked for");
        let problem = Diagnostic::new(Code::E0301, message, entry.value.span, "not an encoding");
        let plain: String = text.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        self.push(match plain.as_str() {
            "latin1" | "iso88591" | "iso885915" | "windows1252" | "cp1252" | "ansi" => problem.fix(
                Applicability::MachineApplicable,
                entry.value.span,
                "latin1",
                "write `latin1`, which is read as Windows-1252",
            ),
            _ => problem
                .help("UTF-8 and UTF-16 with its mark are recognised, so leave it out; the other encoding is `latin1`"),
        });
    }

    /// A file is read before names have values.
    fn not_as_it_is(&mut self, entry: &'a Entry, example: &str) {
        let message =
            format!("`{}` must be written out, because the file is read before names have values", entry.label);
        let problem = Diagnostic::new(Code::E0301, message, entry.value.span, "not written as it is");
        self.push(problem.help(format!("write it as it is, {example}")));
    }
}
