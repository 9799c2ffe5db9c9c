//! Reads one line: `<receive time in ms> <kind> <json>`, or a frame of version 2:
//! `{"event":"order_created","channel":"live_orders_btcusd","data":{…}}`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    super::record::{self, Reading, Text, any_unit, before_json, json, micros, millis, receive_time, text, wrong},
    line::{Kind, Line},
};
use crate::{
    event::{Name, Reason, Rejection},
    time::EventTime,
};

#[derive(Deserialize)]
#[serde(expecting = "a frame")]
struct FrameJson<'a> {
    #[serde(borrow)]
    event: Option<Text<'a>>,
    #[serde(borrow)]
    channel: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// The times that a frame's data may have: microseconds, or whole seconds under either name.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct TimesJson<'a> {
    #[serde(borrow)]
    microtimestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    datetime: Option<&'a RawValue>,
}

/// Reads a line of either form. Returns its market, if it names one; `None` for a frame that yields no event.
///
/// # Errors
/// Returns the reason for which the line is not one of the feed.
pub(super) fn parse(line: &[u8], reading: &mut Reading) -> Result<Option<(Option<Name<'static>>, Line)>, Rejection> {
    let (before, body) = before_json(text(line, reading.limits)?)?;
    let old = before.split_once(' ').and_then(|(ms, kind)| Some((ms, Kind::of(kind.trim_ascii_start())?)));
    if let Some((ms, kind)) = old {
        let at = millis(ms.parse().map_err(|_| wrong("expected a receive time in milliseconds"))?)?;
        return Ok(Some((None, Line::of(kind, at, body, reading)?)));
    }
    let frame: FrameJson<'_> = json(body)?;
    let event = frame.event.ok_or_else(|| wrong("expected `<ms> <kind> <json>`, or a frame with `event`"))?;
    let Some((kind, market)) = frame.channel.as_deref().and_then(|channel| subject(channel, &event)) else {
        return Ok(None);
    };
    let data = frame.data.ok_or_else(|| wrong("expected a frame with `data`"))?.get();
    let line = Line::of(kind, time(data, before)?, data, reading)?;
    Ok(Some((Some(record::name(market)?), line)))
}

/// Returns the kind of an event in a channel, and the market of the channel; `None` if the event is none of the flow.
fn subject<'a>(channel: &'a str, event: &str) -> Option<(Kind, &'a str)> {
    const BOOKS: [(&str, Kind); 3] =
        [("order_book_", Kind::Book), ("detail_order_book_", Kind::Book), ("diff_order_book_", Kind::Levels)];
    if event == "data" {
        return BOOKS.into_iter().find_map(|(topic, kind)| Some((kind, channel.strip_prefix(topic)?)));
    }
    let topic = if event == "trade" { "live_trades_" } else { "live_orders_" };
    Some((Kind::of(event)?, channel.strip_prefix(topic)?))
}

/// Returns the time of a frame: the venue's microseconds, or else the receive time, or else the venue's whole seconds.
fn time(data: &str, received: &str) -> Result<EventTime, Rejection> {
    let times: TimesJson<'_> = json(data)?;
    if let Some(time) = times.microtimestamp {
        return micros(whole(time, "`microtimestamp`")?);
    }
    let seconds = times.timestamp.or(times.datetime).map(|time| whole(time, "`timestamp`")).transpose()?;
    let missing = || Rejection::new(Reason::MissingField, "`microtimestamp`");
    receive_time(received).or_else(|| any_unit(seconds?)).ok_or_else(missing)
}

/// Reads a whole number, in a string or as a number.
fn whole(raw: &RawValue, field: &'static str) -> Result<i64, Rejection> {
    let text = raw.get();
    let number = if text.starts_with('"') { json::<Text<'_>>(text)?.parse() } else { text.parse() };
    number.map_err(|_| wrong(format!("{field}: expected a whole number")))
}
