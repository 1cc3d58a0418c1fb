//! Which fix of a diagnostic mends: each is applied, and what is checked anew then must say less and nothing new. So no fix is
//! offered that leaves the mistake or makes another, and what goes with the mistake is known to be its consequence.

use super::inputs::{Inputs, Module};
use crate::base::{FileId, Source, Sources, Span};
use crate::diag::{Applicability, Code, Diagnostic, Diagnostics, Fix, Severity};
use crate::syntax::ast::{File, Item, UseFrom};
use crate::syntax::elsewhere;
use crate::syntax::needs::Need;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// So many fixes are tried, of files of so many bytes together: a person mends a few mistakes at a time.
const MOST: usize = 80;
const MOST_BYTES: usize = 192 << 10;
/// So many lines are read as lines of other languages, which takes many patterns each.
const MOST_LINES: usize = 24;

/// All diagnostics of the form and of the meaning of files, with those of their fixes that mend, and without consequences
/// of others.
pub fn mended(inputs: &mut Inputs, sources: &Sources, form: &Diagnostics, meaning: Diagnostics) -> Diagnostics {
    let mut all = form.clone();
    all.extend(meaning);
    if !all.has_errors() && all.iter().all(|diagnostic| diagnostic.fixes().next().is_none()) {
        return all;
    }
    let before: HashSet<Place> = all.iter().map(place).collect();
    let mut trials = Trials {
        inputs,
        sources: sources.clone(),
        form,
        before: &before,
        left: MOST,
        bytes: MOST_BYTES,
        lines: MOST_LINES,
    };
    let mut found: Vec<Option<Found>> = all.iter().map(|diagnostic| trials.first_that_mends(diagnostic)).collect();
    for (diagnostic, found) in
        all.iter().zip(&mut found).filter(|(diagnostic, _)| diagnostic.severity() == Severity::Error)
    {
        if found.as_ref().is_none_or(|found| !found.mends) {
            *found = trials.line_that_mends(diagnostic).or(found.take());
        }
    }
    let ends = with_semicolons(&all, &mut found, &trials.sources);
    let mut dropped = consequences(&all, &found);
    dropped.extend(ends);
    let is_sure = |found: &Found| found.mends || found.fix.applicability == Applicability::MachineApplicable;
    let mending = |found: &&Option<Found>| found.as_ref().is_some_and(is_sure);
    let kept: HashSet<Place> =
        all.iter().zip(&found).filter(|(_, found)| mending(found)).map(|(one, _)| place(one)).collect();
    dropped.extend(lost(&all, form, &trials.sources).difference(&kept));
    all.changed(|at, diagnostic| {
        let is_cause = !dropped.contains(&place(&diagnostic));
        is_cause.then(|| with(diagnostic, found[at].take().map(|found| found.fix)))
    })
}

/// What is said and where: the same before and after a fix.
type Place = (Code, FileId, u32);

fn place(diagnostic: &Diagnostic) -> Place {
    let span = diagnostic.span();
    (diagnostic.code, span.file, span.start)
}

/// With the fix that mends, in its words.
fn with(mut diagnostic: Diagnostic, fix: Option<Fix>) -> Diagnostic {
    let own = diagnostic.fix.as_ref().map(|own| own.help.clone());
    let is_first = fix.as_ref().is_some_and(|fix| own.as_ref() == Some(&fix.help));
    if !is_first && let Some(other) = diagnostic.unless.take() {
        diagnostic = *other;
    }
    if let Some(fix) = fix.as_ref().filter(|_| !is_first) {
        diagnostic.help = Some(fix.help.clone());
    }
    diagnostic.others.clear();
    diagnostic.unless = None;
    Diagnostic { fix, ..diagnostic }
}

/// A fix that mends, and what else goes with its mistake.
struct Found {
    fix: Fix,
    /// Nothing new is wrong with it.
    mends: bool,
    gone: Vec<Place>,
}

/// What goes with the mistakes of others: the one with which the most goes is the cause, of two the one that stands first.
fn consequences(all: &Diagnostics, found: &[Option<Found>]) -> HashSet<Place> {
    let mut causes: Vec<(Place, &Found)> =
        all.iter().zip(found).filter_map(|(diagnostic, found)| Some((place(diagnostic), found.as_ref()?))).collect();
    causes.sort_by_key(|((_, file, start), found)| (usize::MAX - found.gone.len(), *file, *start));
    let (mut dropped, mut kept) = (HashSet::new(), HashSet::new());
    for (cause, found) in causes {
        if dropped.contains(&cause) {
            continue;
        }
        kept.insert(cause);
        dropped.extend(found.gone.iter().copied().filter(|gone| !kept.contains(gone)));
    }
    dropped
}

/// A statement on its line, without its indentation, its comment and the brace of its body.
struct Line {
    range: Range<usize>,
}

impl Line {
    fn of(text: &str, line: Range<usize>) -> Option<Line> {
        let written = text[line.clone()].split(" //").next().unwrap_or("").trim_end();
        let body = written.strip_suffix('{').map_or(written, str::trim_end);
        let start = line.start + (body.len() - body.trim_start().len());
        let end = line.start + body.len();
        (start < end).then_some(Line { range: start..end })
    }
}

/// Whether a help says more than what may stand there.
fn says_more(help: &str) -> bool {
    const NAMES: usize = 12;
    let waits = help.starts_with("expected ")
        || help.contains("could end before this")
        || help.starts_with("a body stands")
        || help.starts_with("write `");
    !waits && help.matches('`').count() <= NAMES
}

/// The first loads that a text declares.
fn loads_of(text: &str) -> Vec<&str> {
    const MOST: usize = 2;
    let names = text.lines().filter_map(|line| line.trim_start().strip_prefix("load ")?.split(' ').next());
    names.take(MOST).collect()
}

/// Takes the semicolon at the end of a line into the fix of what else is wrong with the line. Those that were taken.
fn with_semicolons(all: &Diagnostics, found: &mut [Option<Found>], sources: &Sources) -> Vec<Place> {
    let line = |span: Span| (span.file, sources.get(span.file).position_line(span.start as usize));
    let ends = all.iter().filter(|one| one.code == Code::E0107);
    let ends = ends.filter(|one| one.fix.as_ref().is_some_and(|fix| fix.edits[0].text.is_empty()));
    let ends: HashMap<_, Span> = ends.map(|one| (line(one.span()), one.span())).collect();
    let mut taken = Vec::new();
    for (diagnostic, found) in all.iter().zip(found) {
        let Some(end) = ends.get(&line(diagnostic.span())).filter(|_| diagnostic.code != Code::E0107) else { continue };
        let Some(found) = found else { continue };
        let touches = |edit: &crate::diag::Edit| edit.span.end > end.start && edit.span.start < end.end;
        if !found.fix.edits.iter().any(touches) {
            found.fix = found.fix.clone().and(*end, "");
        }
        taken.push((Code::E0107, end.file, end.start));
    }
    taken
}

/// Names that are not declared, as far as a statement that was refused speaks of them, or opens a body: it may be what declares them.
fn lost(all: &Diagnostics, form: &Diagnostics, sources: &Sources) -> HashSet<Place> {
    let mut lost = HashSet::new();
    for refused in form.iter().filter(|refused| refused.severity() == Severity::Error) {
        let span = refused.span();
        let text = &sources.get(span.file).text;
        let start = text[..span.range().start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[span.range().end..].find('\n').map_or(text.len(), |newline| span.range().end + newline);
        let lines = &text[start..end];
        let of_word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        let words: HashSet<&str> = lines.split(of_word).collect();
        let opens = matches!(refused.code, Code::E0114 | Code::E0115) && lines.trim_end().ends_with(['{', ':', '(']);
        let unknown = all.iter().filter(|other| other.code == Code::E0201 && other.span().file == span.file);
        let unknown = unknown.filter(|other| !(start..end).contains(&other.span().range().start));
        lost.extend(unknown.filter(|other| opens || words.contains(&text[other.span().range()])).map(place));
    }
    lost
}

struct Trials<'a> {
    inputs: &'a mut Inputs,
    sources: Sources,
    form: &'a Diagnostics,
    before: &'a HashSet<Place>,
    left: usize,
    bytes: usize,
    lines: usize,
}

/// What became of a fix.
enum Outcome {
    /// What goes with the mistake, and how many errors are left.
    Mends {
        gone: Vec<Place>,
        left: usize,
    },
    /// The statement is understood now, and something else is wrong elsewhere.
    Reads,
    Fails,
    /// It names a file that is not here.
    Unloaded,
    /// Enough was tried.
    Unknown,
}

/// Whether a mistake that shows once another is mended is a second one in the same line, and not what is wrong with the fix.
fn goes_on(mended: Code, next: &Diagnostic) -> bool {
    let of_name = |code: Code| matches!(code, Code::E0201 | Code::E0202 | Code::E0205 | Code::E0208);
    let both_names = of_name(mended) && of_name(next.code);
    let of_value = matches!(next.code, Code::E0301 | Code::E0302) && next.fix.is_some();
    both_names || of_value || next.code == Code::E0303
}

/// A fix of a name that mends each place where the file has that name.
fn everywhere_in(fix: &Fix, text: &str) -> Option<Fix> {
    let [edit] = fix.edits.as_slice() else { return None };
    let written = text.get(edit.span.range())?;
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
    if written.len() < 2 || !written.chars().all(of_name) {
        return None;
    }
    let is_whole = |at: &usize| !text[..*at].ends_with(of_name) && !text[at + written.len()..].starts_with(of_name);
    let places: Vec<usize> = text.match_indices(written).map(|(at, _)| at).filter(is_whole).collect();
    let [first, rest @ ..] = places.as_slice() else { return None };
    let span = |at: usize| Span::new(edit.span.file, at, at + written.len());
    let all = Fix::new(fix.applicability, span(*first), edit.text.as_str(), fix.help.as_str());
    (!rest.is_empty()).then(|| rest.iter().fold(all, |all, at| all.and(span(*at), edit.text.as_str())))
}

impl Trials<'_> {
    fn first_that_mends(&mut self, diagnostic: &Diagnostic) -> Option<Found> {
        let (mut best, mut second): (Option<Found>, Option<Fix>) = (None, None);
        let everywhere = diagnostic.fix.as_ref().filter(|_| matches!(diagnostic.code, Code::E0118 | Code::E0204));
        let everywhere = everywhere.and_then(|fix| everywhere_in(fix, &self.sources.get(fix.file()).text));
        let renamed = match diagnostic.fix.as_ref().filter(|_| matches!(diagnostic.code, Code::E0118 | Code::E0203)) {
            Some(fix) => self.renamed(fix),
            None => None,
        };
        for fix in everywhere.iter().chain(&renamed).chain(diagnostic.fixes()) {
            let is_first = diagnostic.fix.as_ref() == Some(fix);
            match self.tried(diagnostic, fix) {
                Outcome::Mends { gone, left } => {
                    let more = best.as_ref().is_none_or(|best| best.gone.len() < gone.len());
                    best = if more { Some(Found { fix: fix.clone(), mends: true, gone }) } else { best };
                    if left == 0 {
                        break;
                    }
                }
                Outcome::Reads if is_first => {
                    let guess = Fix { applicability: Applicability::Maybe, ..fix.clone() };
                    second = second.or(Some(guess));
                }
                // What was offered first is right in itself.
                Outcome::Unknown if is_first => second = second.or(Some(fix.clone())),
                Outcome::Unloaded => second = second.or(Some(fix.clone())),
                Outcome::Reads | Outcome::Fails | Outcome::Unknown => {}
            }
        }
        best.or_else(|| second.map(|fix| Found { fix, mends: false, gone: Vec::new() }))
    }

    /// The line of a mistake in the forms of this language, where it is written as another one has it.
    fn line_that_mends(&mut self, diagnostic: &Diagnostic) -> Option<Found> {
        let span = diagnostic.span();
        let text = self.sources.get(span.file).text.clone();
        let start = text[..span.range().start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let line = Line::of(&text, start..end)?;
        // One could be either, and a file that is not there is not named by another form.
        let is_open = diagnostic.code == Code::E0302
            || diagnostic.code == Code::E0208 && !text[line.range.clone()].starts_with("use");
        if is_open {
            return None;
        }
        let loads = loads_of(&text);
        let reads_files = |fix: &Fix| fix.help.contains("`use ") || fix.help.contains("`data ");
        let mut second = None;
        if self.left == 0 {
            return None;
        }
        self.lines = self.lines.checked_sub(1)?;
        let written = &text[line.range.clone()];
        let known = diagnostic.help.as_deref().filter(|help| says_more(help));
        for ours in elsewhere::forms(written, &loads) {
            let (place, changed) = elsewhere::changed(written, &ours);
            let place = Span::new(span.file, line.range.start + place.start, line.range.start + place.end);
            let help = match known {
                Some(known) => format!("{known}; write `{ours}`"),
                None => format!("write `{ours}`"),
            };
            let fix = Fix::new(Applicability::Maybe, place, changed, help);
            match self.tried(diagnostic, &fix) {
                Outcome::Mends { gone, .. } => return Some(Found { fix, mends: true, gone }),
                Outcome::Unloaded if reads_files(&fix) => {
                    second = second.or(Some(Found { fix, mends: false, gone: Vec::new() }));
                }
                Outcome::Reads | Outcome::Unloaded | Outcome::Fails | Outcome::Unknown => {}
            }
        }
        second
    }

    fn tried(&mut self, diagnostic: &Diagnostic, fix: &Fix) -> Outcome {
        match self.after(fix) {
            Ok(after) => self.outcome(diagnostic, fix, &after),
            Err(outcome) => outcome,
        }
    }

    /// What is said of the files once a fix is applied.
    fn after(&mut self, fix: &Fix) -> Result<Diagnostics, Outcome> {
        let file = fix.file();
        let module = self.inputs.modules.iter().position(|module| module.file == file);
        let (Some(module), Some(text)) = (module, fix.applied(&self.sources.get(file).text)) else {
            return Err(Outcome::Unknown);
        };
        let bytes = self.bytes.checked_sub(text.len()).filter(|_| self.left > 0).ok_or(Outcome::Unknown)?;
        (self.bytes, self.left) = (bytes, self.left - 1);
        let source = Source::new(file, self.sources.get(file).name.clone(), text);
        let parsed = crate::syntax::parse_tried(&source);
        if !parsed.needs.iter().all(|need| self.has(need, file)) {
            return Err(Outcome::Unloaded);
        }
        let uses = self.uses(module, &parsed.file)?;
        let own = Module { file, name: self.inputs.modules[module].name.clone(), ast: parsed.file, uses };
        let own = std::mem::replace(&mut self.inputs.modules[module], own);
        let source = self.sources.replaced(source);
        let (_, mut after) = super::check(self.inputs, &self.sources);
        self.sources.replaced(source);
        self.inputs.modules[module] = own;
        after.extend(parsed.diagnostics);
        self.form.iter().filter(|other| other.span().file != file).for_each(|other| after.push(other.clone()));
        Ok(after)
    }

    /// A fix of a name with each use that is not found any more once the name is another one.
    fn renamed(&mut self, fix: &Fix) -> Option<Fix> {
        const TIMES: usize = 3;
        let file = fix.file();
        let text = self.sources.get(file).text.clone();
        let [edit] = fix.edits.as_slice() else { return None };
        let (old, new) = (text.get(edit.span.range())?, edit.text.clone());
        let mut all = fix.clone();
        for _ in 0..TIMES {
            let after = self.after(&all).ok()?;
            let places =
                after.iter().filter(|other| other.span().file == file).map(|other| all.before(other.span().start));
            let places: HashSet<u32> = places.filter(|at| text[*at as usize..].starts_with(old)).collect();
            let known = |at: u32| all.edits.iter().any(|edit| edit.span.start == at);
            let new_places: Vec<u32> = places.into_iter().filter(|at| !known(*at)).collect();
            if new_places.is_empty() {
                break;
            }
            for at in new_places {
                all = all.and(Span::new(file, at as usize, at as usize + old.len()), new.as_str());
            }
        }
        (all.edits.len() > 1).then_some(all)
    }

    fn outcome(&self, diagnostic: &Diagnostic, fix: &Fix, after: &Diagnostics) -> Outcome {
        let own = place(diagnostic);
        let is_inside = |start: u32| {
            fix.edits.iter().find(|edit| edit.span.range().contains(&(start as usize)) || edit.span.start == start)
        };
        // A mistake within what was replaced is the same one in what replaces it.
        let within = |code: Code, start: u32| {
            let edit = is_inside(start)?;
            let of_edit = |at: u32| (edit.span.start..edit.span.end.max(edit.span.start + 1)).contains(&at);
            let same = |(other, file, at): &&Place| *other == code && *file == fix.file() && of_edit(*at);
            self.before.iter().filter(|other| **other != own).find(same).map(|(_, _, at)| *at)
        };
        let moved = |(code, file, start): Place| match file == fix.file() {
            true => {
                let start = fix.before(start);
                (code, file, within(code, start).unwrap_or(start))
            }
            false => (code, file, start),
        };
        let left: HashSet<Place> = after.iter().map(|other| moved(place(other))).collect();
        if left.contains(&own) {
            return Outcome::Fails;
        }
        let errors = after.iter().filter(|other| other.severity() == Severity::Error);
        let new: Vec<&Diagnostic> = errors.filter(|other| !self.before.contains(&moved(place(other)))).collect();
        if new.is_empty() {
            let removed = |(_, file, start): &Place| {
                *file == fix.file()
                    && is_inside(*start).is_some_and(|edit| edit.text.is_empty() && edit.span.end > edit.span.start)
            };
            let gone = self.before.difference(&left).filter(|gone| **gone != own && !removed(gone));
            return Outcome::Mends { gone: gone.copied().collect(), left: after.errors() };
        }
        // What was not understood may have hidden what is wrong elsewhere, and a name may be wrong everywhere.
        let source = self.sources.get(fix.file());
        let line = |start: u32| source.position_line(start as usize);
        let near = |other: &&&Diagnostic| {
            let (_, file, start) = moved(place(other));
            let of_edit =
                |edit: &crate::diag::Edit| (line(edit.span.start)..=line(edit.span.end)).contains(&line(start));
            file == fix.file() && fix.edits.iter().any(of_edit)
        };
        let goes_on = new.iter().filter(near).all(|other| goes_on(diagnostic.code, other));
        match goes_on {
            true => Outcome::Reads,
            false => Outcome::Fails,
        }
    }

    /// What the `use` lines of a changed file lead to, where each of them was there.
    fn uses(&self, module: usize, changed: &File) -> Result<Vec<Result<usize, String>>, Outcome> {
        let module = &self.inputs.modules[module];
        let known: Vec<(&UseFrom, &Result<usize, String>)> = imports(&module.ast).zip(&module.uses).collect();
        let found = |from: &UseFrom| match known.iter().find(|(own, _)| *own == from) {
            Some((_, found)) => Ok((*found).clone()),
            None => match from {
                UseFrom::Library(name) if !self.inputs.library.contains(name) => Err(Outcome::Fails),
                UseFrom::Library(_) => Err(Outcome::Unloaded),
                // What the file speaks of already was not read while the statement was not understood.
                UseFrom::File(path) if self.sources.get(module.file).text.contains(path.as_str()) => {
                    Err(Outcome::Unloaded)
                }
                UseFrom::File(_) => Err(Outcome::Unknown),
            },
        };
        imports(changed).map(found).collect()
    }

    fn has(&self, need: &Need, from: FileId) -> bool {
        match need {
            Need::File { kind, path } => {
                self.inputs.files.keys().any(|known| known.from == from && known.path == *path && known.kind == *kind)
            }
            Need::Variable(_) | Need::Dialect(_) => true,
        }
    }
}

fn imports(file: &File) -> impl Iterator<Item = &UseFrom> {
    file.items.iter().filter_map(|item| match item {
        Item::Use(import) => Some(&import.from),
        _ => None,
    })
}
