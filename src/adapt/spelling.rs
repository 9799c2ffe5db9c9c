//! Respells a JSON text for tests: the same value with other escapes, other white space, another order of fields.

use serde_json::Value;

/// Spells a JSON text in another way. Each byte of `choices` decides one detail. After the last byte the plain spelling
/// is chosen, so a failing test shrinks to the one detail that matters.
pub(super) fn respell(json: &str, choices: &[u8]) -> String {
    let mut speller = Speller { choices: choices.iter(), out: String::new() };
    speller.value(&serde_json::from_str(json).unwrap());
    speller.out
}

/// Writes a JSON value, and asks `choices` about each detail of its spelling.
struct Speller<'c> {
    choices: std::slice::Iter<'c, u8>,
    out: String,
}

impl Speller<'_> {
    fn choose(&mut self, of: usize) -> usize {
        self.choices.next().map_or(0, |&choice| usize::from(choice) % of)
    }

    fn space(&mut self) {
        const SPACES: [&str; 6] = ["", "", "", " ", "\t", "\r  "];
        let space = self.choose(SPACES.len());
        self.out.push_str(SPACES[space]);
    }

    fn token(&mut self, text: &str) {
        self.space();
        self.out.push_str(text);
        self.space();
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => self.token(&value.to_string()),
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                self.token("[");
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        self.token(",");
                    }
                    self.value(item);
                }
                self.token("]");
            }
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                self.token("{");
                for i in (0..fields.len()).rev() {
                    let chosen = self.choose(i + 1);
                    let (name, value) = fields.swap_remove(chosen);
                    self.string(name);
                    self.token(":");
                    self.value(value);
                    if i > 0 {
                        self.token(",");
                    }
                }
                self.token("}");
            }
        }
    }

    fn string(&mut self, text: &str) {
        self.token("");
        self.out.push('"');
        for char in text.chars() {
            match self.choose(4) {
                0 | 1 if !matches!(char, '"' | '\\' | '\0'..='\u{1f}') => self.out.push(char),
                2 if char == '/' => self.out.push_str("\\/"),
                way => {
                    for unit in char.encode_utf16(&mut [0; 2]) {
                        let escape = if way == 3 { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
                        self.out.push_str(&escape);
                    }
                }
            }
        }
        self.out.push('"');
    }
}
