//! Names in the code of one file: what it defines, imports and uses.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Token, is_word};

/// A path in code, e.g. `["super", "clock", "wall"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    pub path: Vec<String>,
    /// Line, counted from 1.
    pub line: usize,
}

/// Names in the code of one file.
#[derive(Default)]
pub struct Names {
    /// Items that the file defines.
    pub items: BTreeSet<String>,
    /// Words in macros at the top level of the file: each may be the name of an item that the macro defines.
    pub macros: BTreeSet<String>,
    /// Paths of `use`, each with the name that it has in the file; `*` is a name too.
    pub imports: Vec<(String, Used)>,
    /// Imports that the file only exports again and does not use.
    pub exports: BTreeSet<String>,
    /// Paths of two names or more outside of `use`.
    pub inline: Vec<Used>,
    /// Types that have methods here, each with the names of these methods. Methods of a trait are left out.
    pub methods: Vec<(Used, BTreeSet<String>)>,
    /// Names that follow `self.` or `Self::`, with the first line of each.
    pub own_calls: BTreeMap<String, usize>,
}

/// Kind of the block at the top level of the file in which a token stands.
#[derive(Clone, Copy, PartialEq)]
enum Block {
    Enum,
    Methods,
    Other,
}

impl Names {
    /// Reads the names from a file's code.
    pub fn of(tokens: &[Token]) -> Self {
        let mut names = Self::default();
        let (mut exported, mut words) = (BTreeSet::new(), BTreeSet::new());
        let (mut depth, mut block, mut at) = (0_usize, Block::Other, 0);
        // Depths at which inline modules begin: `super` in such a module is the file itself.
        let mut inner: Vec<usize> = Vec::new();
        while at < tokens.len() {
            let text = |offset: usize| tokens.get(at + offset).map_or("", |token| token.text.as_str());
            let before = at.checked_sub(1).map_or("", |at| tokens[at].text.as_str());
            let before_path = at.checked_sub(2).map_or("", |at| tokens[at].text.as_str());
            match text(0) {
                "use" => {
                    let end = tokens[at..].iter().position(|token| token.text == ";").unwrap();
                    let mut paths = imports(&tokens[at + 1..at + end]);
                    for (_, used) in &mut paths {
                        from_file(&mut used.path, inner.len());
                    }
                    if ["pub", ")"].contains(&before) {
                        exported.extend(paths.iter().map(|(name, _)| name.clone()));
                    }
                    names.imports.extend(paths);
                    at += end;
                    continue;
                }
                "mod" => {
                    inner.extend((text(2) == "{").then_some(depth));
                    at += 2;
                    continue;
                }
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    inner.pop_if(|begin| *begin == depth);
                }
                "impl" if depth == 0 => block = names.implementation(&tokens[at..]),
                "fn" if depth == 1 && block == Block::Methods => {
                    names.methods.last_mut().unwrap().1.insert(text(1).to_owned());
                }
                "struct" | "enum" | "union" | "trait" | "type" | "fn" | "const" | "static" if depth == 0 => {
                    block = if text(0) == "enum" { Block::Enum } else { Block::Other };
                    names.items.insert(text(1).to_owned());
                }
                word if depth == 0 && text(1) == "!" && word.starts_with(is_word) => {
                    names.macros.extend(call(&tokens[at..]).iter().map(|token| token.text.clone()));
                }
                _ => {}
            }
            let is_variant = block == Block::Enum && depth == 1 && ["{", ",", "]"].contains(&before);
            if text(0).starts_with(is_word) && !is_variant {
                if [["self", "."], ["Self", "::"]].contains(&[before_path, before]) {
                    names.own_calls.entry(text(0).to_owned()).or_insert(tokens[at].line);
                }
                if !["::", "."].contains(&before) {
                    words.insert(text(0).to_owned());
                    let mut path = path(&tokens[at..]);
                    if path.len() > 1 {
                        from_file(&mut path, inner.len());
                        names.inline.push(Used { path, line: tokens[at].line });
                    }
                }
            }
            at += 1;
        }
        names.exports = exported.difference(&words).cloned().collect();
        names
    }

    /// Notes the type of the `impl` with which the code begins, unless it is the `impl` of a trait.
    fn implementation(&mut self, tokens: &[Token]) -> Block {
        let head = tokens[1..].iter().take_while(|token| token.text != "{");
        let mut depth = 0;
        let head = head.filter(|token| {
            depth += i32::from(token.text == "<") - i32::from(token.text == ">");
            depth == 0 && token.text != ">"
        });
        let head: Vec<Token> = head.cloned().collect();
        if head.iter().any(|token| token.text == "for") {
            return Block::Other;
        }
        let used = Used { path: path(&head), line: head[0].line };
        self.methods.push((used, BTreeSet::new()));
        Block::Methods
    }
}

/// Turns a path in an inline module into the same path in the file around it.
fn from_file(path: &mut [String], inner: usize) {
    path.iter_mut().take(inner).take_while(|name| *name == "super").for_each(|name| "self".clone_into(name));
}

/// The path with which the code begins.
fn path(tokens: &[Token]) -> Vec<String> {
    let next = tokens[1..].chunks_exact(2).take_while(|pair| pair[0].text == "::" && pair[1].text.starts_with(is_word));
    let names = tokens[..1].iter().chain(next.map(|pair| &pair[1]));
    names.map(|token| token.text.clone()).collect()
}

/// The call of a macro with which the code begins.
fn call(tokens: &[Token]) -> &[Token] {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" if depth == 1 => return &tokens[..at],
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
    }
    tokens
}

/// Paths of a `use`, each with the name that it has in the file.
fn imports(tokens: &[Token]) -> Vec<(String, Used)> {
    let (mut found, mut prefixes, mut prefix) = (Vec::new(), Vec::new(), Vec::new());
    let (mut path, mut alias, mut line): (Vec<String>, Option<String>, usize) = (Vec::new(), None, 0);
    let end = Token { text: ",".to_owned(), line: 0 };
    let mut tokens = tokens.iter().chain([&end]);
    while let Some(token) = tokens.next() {
        match token.text.as_str() {
            "::" => {}
            "{" => {
                prefixes.push(std::mem::take(&mut prefix));
                prefix = std::mem::take(&mut path);
            }
            "," | "}" => {
                // `a::{self}` imports `a`.
                path.pop_if(|last| last == "self");
                if let Some(last) = path.last() {
                    let name = alias.take().unwrap_or_else(|| last.clone());
                    found.push((name, Used { path: std::mem::take(&mut path), line }));
                }
                if token.text == "}" {
                    prefix = prefixes.pop().unwrap();
                }
            }
            "as" => alias = tokens.next().map(|name| name.text.clone()),
            name => {
                if path.is_empty() {
                    path.clone_from(&prefix);
                }
                path.push(name.to_owned());
                line = token.line;
            }
        }
    }
    found
}

#[test]
fn names_of_a_file_are_what_it_defines_imports_and_uses() {
    let code = r"
        pub use self::{a::{A, B as C}, d};
        use super::{e::{self, E}, F};
        enum G { A, H(C) }
        impl<T: e::I> F<T> { fn j(&self) { self.k(|l| l.m); Self::n(crate::o::P) } }
        impl E for G { fn q() {} }
        mod r { use super::s; use super::super::t; }
        u! { V }
    ";
    let names = Names::of(&crate::source::tokens(code));
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
    let paths = |used: &[Used]| used.iter().map(|used| (used.path.join("::"), used.line)).collect::<Vec<_>>();
    let imports: Vec<&str> = names.imports.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(imports, ["A", "C", "d", "e", "E", "F", "s", "t"]);
    let imports: Vec<Used> = names.imports.into_iter().map(|(_, used)| used).collect();
    let expected =
        ["self::a::A", "self::a::B", "self::d", "super::e", "super::e::E", "super::F", "self::s", "self::super::t"];
    assert_eq!(paths(&imports).into_iter().map(|(path, _)| path).collect::<Vec<_>>(), expected);
    assert_eq!(names.exports, set(&["A", "d"]));
    assert_eq!(names.items, set(&["G"]));
    assert_eq!(names.macros, set(&["u", "!", "{", "V"]));
    assert_eq!(
        paths(&names.inline),
        [("e::I".to_owned(), 5), ("Self::n".to_owned(), 5), ("crate::o::P".to_owned(), 5)]
    );
    assert_eq!(names.methods, [(Used { path: vec!["F".to_owned()], line: 5 }, set(&["j"]))]);
    assert_eq!(names.own_calls.into_keys().collect::<BTreeSet<_>>(), set(&["k", "n"]));
}
