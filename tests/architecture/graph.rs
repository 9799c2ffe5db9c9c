//! Graph of uses: which file uses what another file defines.
//!
//! A path is followed from module to module, through re-exports, to the file that defines its item. A re-export by itself is
//! no use: a `mod.rs` that only names what its children define depends on none of them. A path that ends at a module is no
//! use either; the paths that go on from there are. Where the methods of one type stand in several files, a call by `self.` or
//! `Self::` of a method in another file is a use of that file.
//!
//! Not seen: calls of other methods, because they do not name a file.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
};

use crate::{
    names::{Names, Used},
    source::{File, without_tests},
};

/// A module by its folders, e.g. `["engine", "stage"]`; the crate's root is empty.
pub type Module = Vec<String>;

/// Uses by file: the files that define what it uses, each with the first place.
pub type Uses = BTreeMap<Module, BTreeMap<Module, Used>>;

/// Files of the crate and what they use of each other.
pub struct Graph {
    names: BTreeMap<Module, Names>,
    /// Files by module, below `src/`.
    pub paths: BTreeMap<Module, PathBuf>,
    pub uses: Uses,
    /// Paths of the crate that lead to nothing: then the reader of code has a fault.
    pub unknown: Vec<String>,
}

/// The item that a path leads to.
#[derive(Clone)]
enum Target {
    Module(Module),
    /// An item, by the module that defines it.
    Item(Module),
    /// Something of another crate.
    Outside,
}

impl Graph {
    /// Reads the uses of all files but tests and the binary, which is a crate of its own.
    pub fn of(files: &[File]) -> Self {
        let files = files.iter().map(|file| (file.module(), file));
        let files = files.filter(|(module, _)| *module != ["main"] && !module.iter().any(|name| name == "tests"));
        let files: BTreeMap<_, _> = files.collect();
        let names =
            files.iter().map(|(module, file)| (module.clone(), Names::of(&without_tests(&file.tokens)))).collect();
        let paths = files.into_iter().map(|(module, file)| (module, file.path.clone())).collect();
        let mut graph = Self { names, paths, uses: Uses::new(), unknown: Vec::new() };
        for (from, names) in &graph.names {
            let imports = names.imports.iter().filter(|(name, _)| !names.exports.contains(name)).map(|(_, used)| used);
            for used in imports.chain(&names.inline) {
                match graph.follow(from, &used.path, 0) {
                    Some(Target::Item(to)) => note(&mut graph.uses, from, &to, used.clone()),
                    Some(Target::Module(_) | Target::Outside) => {}
                    None => graph.unknown.push(format!("{}: `{}`", graph.place(from, used.line), used.path.join("::"))),
                }
            }
        }
        graph.follow_methods();
        graph
    }

    /// Adds the calls from one method of a type to another that stands in another file.
    fn follow_methods(&mut self) {
        let mut homes: BTreeMap<(Module, &String), BTreeMap<&String, &Module>> = BTreeMap::new();
        let mut files = Vec::new();
        for (file, names) in &self.names {
            for (used, methods) in &names.methods {
                let Some(Target::Item(of)) = self.follow(file, &used.path, 0) else { continue };
                let this = (of, used.path.last().unwrap());
                homes.entry(this.clone()).or_default().extend(methods.iter().map(|name| (name, file)));
                files.push((this, file, &names.own_calls));
            }
        }
        for (this, from, calls) in files {
            for (name, line) in calls {
                if let Some(to) = homes[&this].get(name) {
                    let path = vec!["self".to_owned(), name.clone()];
                    note(&mut self.uses, from, to, Used { path, line: *line });
                }
            }
        }
    }

    /// A line of a file, for a message.
    pub fn place(&self, module: &Module, line: usize) -> String {
        format!("src/{}:{line}", self.paths[module].display())
    }

    /// Prints a use: where it stands, its path, and the file that defines what it uses.
    pub fn shown(&self, from: &Module, to: &Module) -> String {
        let used = &self.uses[from][to];
        let (place, file) = (self.place(from, used.line), self.paths[to].display());
        format!("{place} uses `{}` of src/{file}", used.path.join("::"))
    }

    /// Follows a path that stands in a module.
    fn follow(&self, from: &Module, path: &[String], steps: usize) -> Option<Target> {
        // A name that is imported under itself would lead round for ever.
        if steps > 16 {
            return None;
        }
        let mut here = from.clone();
        for (at, name) in path.iter().enumerate() {
            let found = match name.as_str() {
                "crate" => Target::Module(Module::new()),
                "self" => continue,
                "super" => Target::Module(here.split_last()?.1.to_vec()),
                "*" => Target::Item(here),
                _ => match self.find(&here, name, at + 1 == path.len(), steps) {
                    None if at == 0 => Target::Outside,
                    found => found?,
                },
            };
            match found {
                Target::Module(module) => here = module,
                Target::Item(_) | Target::Outside => return Some(found),
            }
        }
        Some(Target::Module(here))
    }

    /// Finds a name in a module. A module and an item may have the same name: a path goes on from the module and ends at the
    /// item.
    fn find(&self, module: &Module, name: &str, is_last: bool, steps: usize) -> Option<Target> {
        let names = self.names.get(module)?;
        let child = [module.as_slice(), &[name.to_owned()]].concat();
        let child = self.names.contains_key(&child).then_some(Target::Module(child));
        let item = names.items.contains(name).then(|| Target::Item(module.clone()));
        let imported = || {
            let paths = names.imports.iter().filter(|(known, _)| known == name).map(|(_, used)| &used.path);
            let mut targets = paths.filter_map(|path| self.follow(module, path, steps + 1));
            targets.find(|target| child.is_none() || !matches!(target, Target::Module(_)))
        };
        let found = match &child {
            Some(child) if !is_last => Some(child.clone()),
            Some(_) | None => item.or_else(imported).or_else(|| child.clone()),
        };
        found.or_else(|| names.macros.contains(name).then(|| Target::Item(module.clone())))
    }
}

/// Keeps the first place of a use between two files.
fn note(uses: &mut Uses, from: &Module, to: &Module, used: Used) {
    if from != to {
        let first = uses.entry(from.clone()).or_default().entry(to.clone()).or_insert_with(|| used.clone());
        if used.line < first.line {
            *first = used;
        }
    }
}

/// The shortest circle of uses, with its first file again at its end; of several the first by name.
pub fn circle(uses: &Uses) -> Option<Vec<&Module>> {
    uses.keys().filter_map(|start| way(uses, start, start)).min_by_key(Vec::len)
}

/// The shortest way of at least one use from a file to another.
fn way<'a>(uses: &'a Uses, from: &'a Module, to: &'a Module) -> Option<Vec<&'a Module>> {
    let mut before: BTreeMap<&Module, &Module> = BTreeMap::new();
    let (mut seen, mut queue) = (BTreeSet::new(), VecDeque::from([from]));
    while let Some(file) = queue.pop_front() {
        for next in uses.get(file).into_iter().flat_map(BTreeMap::keys) {
            if next == to {
                let back = std::iter::successors(Some(file), |file| before.get(*file).copied());
                let mut way: Vec<&Module> = back.collect();
                way.reverse();
                way.push(to);
                return Some(way);
            }
            if next != from && seen.insert(next) {
                before.insert(next, file);
                queue.push_back(next);
            }
        }
    }
    None
}

#[test]
fn a_use_leads_to_the_file_that_defines_its_item() {
    let file =
        |path: &str, code: &str| File { path: path.into(), lines: Vec::new(), tokens: crate::source::tokens(code) };
    let files = [
        file("lib.rs", "pub mod a; pub mod b;"),
        file("a/mod.rs", "mod c; mod d; pub use self::{c::C, d::d}; use serde::Serialize; pub struct A;"),
        file(
            "a/c.rs",
            "use super::A; impl A { fn e(&self) {} } pub struct C; #[cfg(test)] mod tests { use crate::b::B; }",
        ),
        file("a/d.rs", "pub fn d() { super::Serialize::f(); }"),
        file("b.rs", "use crate::a::{self, C}; pub struct B; fn g() { a::d(); crate::a::lost(); }"),
    ];
    let graph = Graph::of(&files);
    let uses = graph.uses.iter().flat_map(|(from, to)| to.keys().map(move |to| (from.join("/"), to.join("/"))));
    let expected = [("a/c", "a"), ("b", "a/c"), ("b", "a/d")];
    assert_eq!(uses.collect::<Vec<_>>(), expected.map(|(from, to)| (from.to_owned(), to.to_owned())));
    assert_eq!(graph.unknown, ["src/b.rs:1: `crate::a::lost`"]);
}

#[test]
fn the_shortest_circle_is_found() {
    let circle_of = |pairs: &[(&str, &str)]| {
        let mut uses = Uses::new();
        for &(from, to) in pairs {
            note(&mut uses, &vec![from.to_owned()], &vec![to.to_owned()], Used { path: Vec::new(), line: 1 });
        }
        circle(&uses).map(|circle| circle.iter().map(|file| file.join("/")).collect::<String>())
    };
    assert_eq!(circle_of(&[("1", "2"), ("2", "3"), ("1", "3")]), None);
    assert_eq!(circle_of(&[("1", "2"), ("2", "3"), ("3", "4"), ("4", "1"), ("4", "2")]).as_deref(), Some("2342"));
    assert_eq!(circle_of(&[("5", "6"), ("6", "5"), ("1", "5")]).as_deref(), Some("565"));
}
