//! Dead letters: records that cannot be used, with their key and bytes, the reason and their position.
//!
//! A dead letter fits into any topic that takes the default maximum of brokers and clients, a megabyte; otherwise one record too
//! large would hold up all others for ever. So every part whose length the sender decides is cut, and a header says from what
//! length.

use crate::{
    app::kafka::{
        batch::Received,
        message::{CUT, Message},
    },
    event::Rejection,
};

/// Longest part of a record's bytes that a dead letter holds: with key and headers it stays below a megabyte.
const PAYLOAD_BYTES_MAX: usize = 990_000;
/// Longest part of the record's key: the names that serve as keys are far shorter.
const KEY_BYTES_MAX: usize = 1024;
/// Longest part of the rejection's detail, which may quote the record.
const DETAIL_BYTES_MAX: usize = 1024;

/// Makes the dead letter of a record of this partition.
pub fn of(topic: &str, (from, number): (&str, i32), record: Received<'_>, rejection: &Rejection) -> Message {
    let detail = &rejection.detail[..rejection.detail.floor_char_boundary(DETAIL_BYTES_MAX)];
    let mut headers = vec![
        ("reason", rejection.reason.name().to_owned()),
        ("detail", detail.to_owned()),
        ("topic", from.to_owned()),
        ("partition", number.to_string()),
        ("offset", record.offset.to_string()),
    ];
    if record.generation > 0 {
        headers.push(("generation", record.generation.to_string()));
    }
    let mut cut = |header, bytes: &[u8], max: usize| {
        if bytes.len() > max {
            headers.push((header, bytes.len().to_string()));
        }
        bytes[..bytes.len().min(max)].to_vec()
    };
    let payload = cut(CUT, record.payload, PAYLOAD_BYTES_MAX);
    let key = cut("key_cut_from_bytes", record.key, KEY_BYTES_MAX);
    Message { topic: topic.to_owned(), key, payload, headers }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Reason;

    fn letter(key: &[u8], payload: &[u8], detail: String) -> Message {
        let record = Received { partition: 0, generation: 0, offset: 7, appended_at: None, key, payload };
        of("dead", ("in", 3), record, &Rejection::new(Reason::ALL[0].0, detail))
    }

    #[test]
    fn a_letter_holds_the_record_as_it_was() {
        let letter = letter(b"k", b"bytes", "wrong".to_owned());
        assert_eq!((letter.key.as_slice(), letter.payload.as_slice()), (b"k".as_slice(), b"bytes".as_slice()));
        let headers: Vec<_> = letter.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reason = Reason::ALL[0].1;
        let expected = [("reason", reason), ("detail", "wrong"), ("topic", "in"), ("partition", "3"), ("offset", "7")];
        assert_eq!(headers, expected);
    }

    #[test]
    fn the_largest_record_that_a_broker_takes_makes_a_letter_that_it_takes() {
        for (key, payload) in [(1, 1_040_000), (1_040_000, 1), (520_000, 520_000), (1024, 990_000)] {
            let letter = letter(&vec![b'k'; key], &vec![b'p'; payload], "ü".repeat(100_000));
            let headers: usize = letter.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
            assert!(letter.key.len() + letter.payload.len() + headers < 995_000, "{key} {payload}");
            let cut = |name| letter.headers.iter().any(|(header, _)| *header == name);
            assert_eq!((cut(CUT), cut("key_cut_from_bytes")), (payload > PAYLOAD_BYTES_MAX, key > KEY_BYTES_MAX));
        }
    }
}
