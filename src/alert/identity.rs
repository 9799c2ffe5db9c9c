//! Identity: the id of an incident, its fingerprint, and subjects and nodes as `kind:name`.
//!
//! Ids and fingerprints are hashes of names and positions alone, so every process and every replay arrives at the same
//! ones.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::Context;
use crate::{
    correlate::Opening,
    detect::{Node, Subject},
};

/// The length of an incident's id, in bytes of its hash.
const ID_BYTES: usize = 16;
/// The length of a fingerprint, in bytes of its hash.
const FINGERPRINT_BYTES: usize = 8;

/// Returns the id of the incident that this opened: a hash of the settings, the subject, the detector and the record.
///
/// A record opens at most one incident of a subject, so these tell incidents apart, except those about the pipeline.
/// Their record is merely where the input stood, and the input may still stand there when the next one opens (a gap
/// that was over before its partition fell silent), so the instant of opening belongs to the hash too.
pub(super) fn incident_id(opening: &Opening, context: &Context) -> String {
    let record = context.record_text(opening.record);
    let position = match opening.subject {
        Subject::Pipeline | Subject::Records => format!("{record}@{}", opening.at),
        Subject::Symbol(_)
        | Subject::Account(_)
        | Subject::AccountSymbol(..)
        | Subject::Owner(_)
        | Subject::OwnerSymbol(..)
        | Subject::Market => record,
    };
    hash(ID_BYTES, &[&opening.config, &subject_text(&opening.subject), opening.detector.name(), &position])
}

/// Returns the fingerprint of what opened an incident: a hash of the subject and the detector. It is the same each time
/// that the same detector opens an incident about the same subject.
pub(super) fn fingerprint(opening: &Opening) -> String {
    hash(FINGERPRINT_BYTES, &[&subject_text(&opening.subject), opening.detector.name()])
}

/// Returns a subject as `kind:name`.
pub(super) fn subject_text(subject: &Subject) -> String {
    match subject {
        Subject::Symbol(name) => format!("symbol:{name}"),
        Subject::Account(name) => format!("account:{name}"),
        Subject::AccountSymbol(account, symbol) => format!("account:{account}:symbol:{symbol}"),
        Subject::Owner(name) => format!("owner:{name}"),
        Subject::OwnerSymbol(owner, symbol) => format!("owner:{owner}:symbol:{symbol}"),
        Subject::Market => "market".to_owned(),
        Subject::Pipeline => "pipeline".to_owned(),
        Subject::Records => "records".to_owned(),
    }
}

/// Returns a node as `kind:name`.
pub(super) fn node_text(node: &Node) -> String {
    match node {
        Node::Account(name) => format!("account:{name}"),
        Node::Owner(name) => format!("owner:{name}"),
        Node::Symbol(name) => format!("symbol:{name}"),
        Node::Market => "market".to_owned(),
        Node::Pipeline => "pipeline".to_owned(),
        Node::Records => "records".to_owned(),
    }
}

/// Returns bytes in hexadecimal, two digits for each.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns the first bytes of the SHA-256 of all parts, in hexadecimal. A line feed separates the parts; names contain
/// no control characters.
fn hash(bytes: usize, parts: &[&str]) -> String {
    hexadecimal(&Sha256::digest(parts.join("\n"))[..bytes])
}
