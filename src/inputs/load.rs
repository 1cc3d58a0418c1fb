//! From a path to everything that its compilation needs: the modules that it uses, and theirs, and the files and
//! variables that they name.

use super::document::document;
use super::file_system::{Disk, Files};
use super::root::{Opened, Refused, Root};
use super::{data, environment, library, prometheus, rules};
use crate::base::{FileId, Sources};
use crate::check::inputs::{Content, FileKind, FileNeed, Inputs, Module};
use crate::diag::Diagnostics;
use crate::plan::DataFormat;
use crate::syntax::ast::{Item, UseFrom};
use crate::syntax::dialect::Dialect;
use crate::syntax::needs::Need;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What is set from outside.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub profile: Option<String>,
    /// `NAME=VALUE`, each as it was typed.
    pub set: Vec<String>,
    pub env_file: Option<PathBuf>,
    /// The directory beneath which everything lies that the file names.
    pub root: Option<PathBuf>,
    /// The directory that was named, and that the file was found in.
    pub directory: Option<PathBuf>,
}

/// The most `.stress` files in a compilation, and their most bytes: files that use each other are walked by recursion.
const MOST_MODULES: usize = 1_000;
const MOST_BYTES: usize = 16 << 20;
/// Each table whose path is written in one place is read in so many ways at most for those that take it in another.
const MOST_DIALECTS: usize = 8;

/// All that a compilation is given, and what was wrong with its form.
#[derive(Debug, Default)]
pub struct Loaded {
    pub sources: Sources,
    pub inputs: Inputs,
    pub diagnostics: Diagnostics,
    /// Every file that was looked for: when one changes, the result may.
    pub paths: Vec<PathBuf>,
}

/// Reads a file and what it needs; `Err` is why the file itself, or what was asked for, cannot be read.
pub fn load(path: &Path, asked: &Asked) -> Result<Loaded, String> {
    load_from(&Disk, path, asked)
}

/// As [`load`], from other files than those of the disk.
pub fn load_from(files: &dyn Files, path: &Path, asked: &Asked) -> Result<Loaded, String> {
    loaded(files, path, super::read(files, path, asked.directory.as_deref())?, asked)
}

/// As [`load`], with the text that the file has or is going to have.
pub fn load_text(path: &Path, text: String, asked: &Asked) -> Result<Loaded, String> {
    loaded(&Disk, path, text, asked)
}

fn loaded(files: &dyn Files, path: &Path, text: String, asked: &Asked) -> Result<Loaded, String> {
    let root = match &asked.root {
        Some(root) => Root::chosen(root)?,
        None => Root::of(path, asked.directory.as_deref()),
    };
    let environment = environment::read(files, asked.env_file.as_deref())?;
    let mut loader = Loader {
        files,
        root,
        bytes: 0,
        environment,
        loaded: Loaded::default(),
        places: Vec::new(),
        tables: Vec::new(),
        dialects: Vec::new(),
        known: HashMap::new(),
        queue: Vec::new(),
    };
    loader.loaded.paths.extend(asked.env_file.clone());
    let name = path.file_stem().map_or_else(|| "main".to_owned(), |stem| stem.to_string_lossy().into_owned());
    loader.module(&path.display().to_string(), name, text, ModuleSource::File(path.to_owned()));
    while let Some(module) = loader.queue.pop() {
        loader.uses(module);
    }
    loader.dialects();
    loader.settings(&asked.set);
    let mut loaded = loader.loaded;
    loaded.inputs.library = library::names().map(str::to_owned).collect();
    loaded.inputs.profile.clone_from(&asked.profile);
    if let Some(profile) = &asked.profile {
        has_profile(&loaded.inputs, profile)?;
    }
    Ok(loaded)
}

/// The profiles of a file and of those that it uses; one of several files comes several times.
pub fn profiles(inputs: &Inputs) -> impl Iterator<Item = &str> {
    inputs.modules.iter().flat_map(|module| &module.ast.items).filter_map(|item| match item {
        Item::Profile(profile) => Some(profile.name.text.as_str()),
        _ => None,
    })
}

fn has_profile(inputs: &Inputs, wanted: &str) -> Result<(), String> {
    let mut known: Vec<&str> = Vec::new();
    for profile in profiles(inputs) {
        if !known.contains(&profile) {
            known.push(profile);
        }
    }
    if known.contains(&wanted) {
        return Ok(());
    }
    Err(match known.as_slice() {
        [] => format!("no file declares the profile `{wanted}`; no profile is declared, so leave `--profile` out"),
        known => {
            let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            format!("no file declares the profile `{wanted}`; choose from {}", list.join(", "))
        }
    })
}

/// Where a module comes from: what it names is next to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum ModuleSource {
    File(PathBuf),
    Library(String),
}

struct Loader<'f> {
    files: &'f dyn Files,
    root: Root,
    /// Of the files that are used.
    bytes: usize,
    loaded: Loaded,
    environment: HashMap<String, String>,
    places: Vec<ModuleSource>,
    /// The paths of CSV files that are written somewhere, and how those of templates are read.
    tables: Vec<(String, FileId, ModuleSource)>,
    dialects: Vec<Dialect>,
    /// Modules by where they come from, each read once.
    known: HashMap<ModuleSource, usize>,
    queue: Vec<usize>,
}

impl Loader<'_> {
    fn module(&mut self, shown: &str, name: String, text: String, place: ModuleSource) -> usize {
        if let ModuleSource::File(path) = &place {
            self.loaded.paths.push(path.clone());
        }
        let file = self.loaded.sources.add(shown, text);
        let parsed = crate::syntax::parse(self.loaded.sources.get(file));
        self.loaded.diagnostics.extend(parsed.diagnostics);
        let index = self.loaded.inputs.modules.len();
        self.loaded.inputs.modules.push(Module { file, name, ast: parsed.file, uses: Vec::new() });
        let known = self.canonical(&place);
        self.known.insert(known, index);
        for need in parsed.needs {
            self.need(need, file, &place);
        }
        self.places.push(place);
        self.queue.push(index);
        index
    }

    fn need(&mut self, need: Need, from: FileId, place: &ModuleSource) {
        match need {
            Need::Variable(name) => {
                if let Some(value) = self.environment.get(&name) {
                    self.loaded.inputs.env.insert(name, value.clone());
                }
            }
            Need::Dialect(dialect) if self.dialects.len() < MOST_DIALECTS && !self.dialects.contains(&dialect) => {
                self.dialects.push(dialect);
            }
            Need::Dialect(_) => {}
            Need::File { kind, path } => {
                if kind == FileKind::Csv(Dialect::default()) {
                    self.tables.push((path.clone(), from, place.clone()));
                }
                let need = FileNeed { from, path, kind };
                if self.loaded.inputs.files.contains_key(&need) {
                    return;
                }
                let path = &need.path;
                let content = match place {
                    ModuleSource::Library(_) => return,
                    ModuleSource::File(own) => {
                        let full = beside(own, path);
                        let kind = need.kind.clone();
                        let found = self.open(&full, path).and_then(|opened| self.files.content(opened, path, kind));
                        found.map(|content| self.with_rules(content, &full, path))
                    }
                };
                self.loaded.inputs.files.insert(need, content);
            }
        }
    }

    /// A configuration of Prometheus names rules files, which lie where it lies.
    fn with_rules(&mut self, content: Content, full: &Path, shown: &str) -> Content {
        let Content::Prometheus(mut own) = content else { return content };
        let directory = Path::new(shown).parent().unwrap_or(Path::new(""));
        for written in own.rule_files.clone() {
            if own.rules.len() >= prometheus::MOST_FILES {
                let why = format!("`{shown}` names more than {} rules files", prometheus::MOST_FILES);
                own.rules.push((written, Err(why)));
                break;
            }
            let paths = prometheus::meant(self.files, full, &written);
            let shown_as = |path: &Path| directory.join(path).display().to_string();
            match paths {
                Err(why) => own.rules.push((written, Err(why))),
                Ok(paths) => {
                    for path in paths {
                        let shown = shown_as(&path);
                        let opened = self.open(&beside(full, &path.to_string_lossy()), &shown);
                        let read = opened.and_then(|opened| self.files.content(opened, &shown, FileKind::Rules));
                        let rules = read.and_then(|content| match content {
                            Content::Rules(rules) => Ok(rules),
                            Content::Text(_) | Content::Table(_) | Content::Prometheus(_) => {
                                Err(format!("`{shown}` is no rules file of Prometheus"))
                            }
                        });
                        own.rules.push((shown, rules));
                    }
                }
            }
        }
        Content::Prometheus(own)
    }

    /// A path may come to a template that says how the file is written.
    fn dialects(&mut self) {
        for (path, from, place) in std::mem::take(&mut self.tables) {
            for dialect in self.dialects.clone() {
                self.need(Need::File { kind: FileKind::Csv(dialect), path: path.clone() }, from, &place);
            }
        }
    }

    /// Reads what a module uses, unless it is there already.
    fn uses(&mut self, module: usize) {
        let items = &self.loaded.inputs.modules[module].ast.items;
        let wanted: Vec<UseFrom> = items
            .iter()
            .filter_map(|item| match item {
                Item::Use(import) => Some(import.from.clone()),
                _ => None,
            })
            .collect();
        for from in wanted {
            let found = self.used(module, &from);
            self.loaded.inputs.modules[module].uses.push(found);
        }
    }

    fn used(&mut self, module: usize, from: &UseFrom) -> Result<usize, String> {
        match from {
            UseFrom::Library(name) => {
                let place = ModuleSource::Library(name.clone());
                if let Some(known) = self.known.get(&place) {
                    return Ok(*known);
                }
                let text = library::text(name).ok_or_else(|| format!("the library has no module `{name}`"))?;
                Ok(self.module(&format!("std/{name}.stress"), name.clone(), text.to_owned(), place))
            }
            UseFrom::File(path) => {
                let ModuleSource::File(own) = self.places[module].clone() else {
                    return Err("a module of the library uses only the library".to_owned());
                };
                let full = beside(&own, path);
                let place = ModuleSource::File(full.clone());
                if let Some(known) = self.known.get(&self.canonical(&place)) {
                    return Ok(*known);
                }
                let shown = full.display().to_string();
                if self.loaded.inputs.modules.len() >= MOST_MODULES {
                    return Err("one file more: these are 1,000 already, and more are not used together".to_owned());
                }
                let text = super::source(self.open(&full, &shown)?, &shown)?;
                self.bytes += text.len();
                if self.bytes > MOST_BYTES {
                    return Err("the files that are used have more than 16 MiB together".to_owned());
                }
                let name = full.file_stem().map_or_else(|| path.clone(), |stem| stem.to_string_lossy().into_owned());
                Ok(self.module(&full.display().to_string(), name, text, place))
            }
        }
    }

    /// Opens a file beneath the root, which is watched also while it is not there.
    fn open(&mut self, full: &Path, shown: &str) -> Result<Opened, String> {
        let opened = self.files.open(&self.root, full, shown);
        if !matches!(opened, Err(Refused::Beyond(_))) {
            self.loaded.paths.push(full.to_owned());
        }
        opened.map_err(Refused::why)
    }

    /// The same file has one place, however it is written.
    fn canonical(&self, place: &ModuleSource) -> ModuleSource {
        match place {
            ModuleSource::File(path) => ModuleSource::File(self.files.place(path)),
            ModuleSource::Library(name) => ModuleSource::Library(name.clone()),
        }
    }

    fn settings(&mut self, set: &[String]) {
        for text in set {
            let file = self.loaded.sources.add("--set", text.clone());
            let (settings, diagnostics) = crate::syntax::settings(self.loaded.sources.get(file));
            self.loaded.diagnostics.extend(diagnostics);
            self.loaded.inputs.settings.extend(settings);
        }
    }
}

fn beside(own: &Path, path: &str) -> PathBuf {
    let path = path.strip_prefix("./").unwrap_or(path);
    own.parent().unwrap_or(Path::new("")).join(path)
}

/// Reads what a file holds as what it is needed.
pub(super) fn content(opened: Opened, shown: &str, kind: FileKind) -> Result<Content, String> {
    match kind {
        FileKind::Text => document(opened, shown).map(Content::Text),
        FileKind::Csv(dialect) => data::table(opened, shown, DataFormat::Csv, &dialect).map(Content::Table),
        FileKind::Json => data::table(opened, shown, DataFormat::Json, &Dialect::default()).map(Content::Table),
        FileKind::JsonLines => data::table(opened, shown, DataFormat::Jsonl, &Dialect::default()).map(Content::Table),
        FileKind::Rules => super::text(opened.file, shown, super::LARGEST, "rules file")
            .and_then(|text| rules::parse(&text, shown))
            .map(Content::Rules),
        FileKind::Prometheus => super::text(opened.file, shown, super::LARGEST, "configuration of Prometheus")
            .and_then(|text| prometheus::parse(&text, shown))
            .map(Content::Prometheus),
    }
}
