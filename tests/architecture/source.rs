//! Reads `src/`: the lines of each file for the rules about text, and the words of its code for the graph of uses.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// One file of the crate.
pub struct File {
    /// Path below `src/`.
    pub path: PathBuf,
    /// Lines without comments, in their places.
    pub lines: Vec<String>,
    /// Names, numbers and signs of its code, without comments and literals of text.
    pub tokens: Vec<Token>,
}

impl File {
    /// Names of its module from the crate's root; none for the root itself.
    pub fn module(&self) -> Vec<String> {
        let names = self.path.with_extension("");
        let mut names: Vec<String> = names.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
        names.pop_if(|last| last == "mod" || last == "lib");
        names
    }
}

/// A name, a number, `::` or another sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    /// Line, counted from 1.
    pub line: usize,
}

/// All files, by path.
pub fn source() -> &'static [File] {
    static FILES: LazyLock<Vec<File>> = LazyLock::new(read);
    &FILES
}

fn read() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push(File {
                    path: path.strip_prefix(&root).unwrap().to_owned(),
                    lines: text.lines().map(without_comment).collect(),
                    tokens: tokens(&text),
                });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.len() > 30, "the source is where it is looked for");
    files
}

fn without_comment(line: &str) -> String {
    let code = if line.trim_start().starts_with("//") { "" } else { line };
    code.split(" // ").next().unwrap_or_default().to_owned()
}

/// Splits code into tokens.
pub fn tokens(text: &str) -> Vec<Token> {
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let name = rest.len() - rest.trim_start_matches(is_word).len();
        let (length, kept) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), false)
        } else if let Some(length) = literal(rest) {
            (length, false)
        } else if name > 0 {
            (name, true)
        } else if rest.starts_with("::") {
            (2, true)
        } else {
            (first.len_utf8(), !first.is_whitespace())
        };
        if kept {
            found.push(Token { text: rest[..length].to_owned(), line });
        }
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

/// Tells whether a character is part of a name or a number.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length of the literal of text or of a character, or of the lifetime, with which the code begins.
fn literal(code: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r"].into_iter().find(|prefix| {
        code.strip_prefix(prefix).is_some_and(|rest| rest.trim_start_matches('#').starts_with(['"', '\'']))
    });
    let prefix = prefix.unwrap_or_default();
    let body = &code[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = body.len() - body.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        let close = body[hashes + 1..].find(&end)?;
        return Some(prefix.len() + hashes + 1 + close + end.len());
    }
    if let Some(after) = body.strip_prefix('\'') {
        let lifetime = after.starts_with(is_word) && after.chars().nth(1).is_none_or(|c| c != '\'');
        if lifetime {
            return Some(1 + after.find(|c| !is_word(c)).unwrap_or(after.len()));
        }
    }
    let quote = body.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let mut escaped = false;
    let close = body[1..].find(|c| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    Some(prefix.len() + 1 + close? + 1)
}

/// Leaves out each item that stands under `#[cfg(test)]`.
pub fn without_tests(tokens: &[Token]) -> Vec<Token> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if tokens[at..].iter().map(|token| &token.text).take(MARK.len()).eq(&MARK) {
            at += item(&tokens[at..]);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Number of tokens of the item with which the code begins, its attributes included.
fn item(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        let ends = token.text == ";" || token.text == "}" && tokens.get(at + 1).is_none_or(|next| next.text != ";");
        if depth == 0 && ends {
            return at + 1;
        }
    }
    tokens.len()
}

#[test]
fn literals_comments_and_tests_are_no_code() {
    let code = r##"
        let a = 'a'; let b = '\''; fn f<'a>(x: &'a str) { g("é", "\"b::c", r#"d"e"#, b'f') } // h
        /* i */ #[cfg(test)] use j::{k, l}; #[cfg(test)] #[m] mod n { o } p
    "##;
    let kept = without_tests(&tokens(code));
    let names: Vec<&str> =
        kept.iter().map(|token| token.text.as_str()).filter(|text| text.starts_with(is_word)).collect();
    assert_eq!(names, ["let", "a", "let", "b", "fn", "f", "x", "str", "g", "p"]);
}
