//! `[notify]`: the receivers of notifications, as they are written and as the rest of the product takes them.
//!
//! A secret is never a value here: a key names the file that holds it. A file is read for every request, as Prometheus does, so a
//! token that is renewed needs no restart.

use std::{fmt, path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    detect::Severity,
    setting::{Invalid, check_range},
};

/// Range of `resend_s`: more often than each second, a receiver does little else; more rarely than each hour, it resolves an alert
/// that has ended four hours late.
const RESEND_S: std::ops::RangeInclusive<u64> = 1..=3_600;
/// Range of `look_back_s`: incidents last minutes to days, and the alerts of more than a year are more than a start
/// should read.
const LOOK_BACK_S: std::ops::RangeInclusive<u64> = 3_600..=31_536_000;
/// Range of `timeout_s`: a receiver that is waited for longer than a minute holds up the repetition of its own alerts.
const TIMEOUT_S: std::ops::RangeInclusive<u64> = 1..=60;
/// Range of the pages within an hour: with 0 the service would never page; above a thousand there is no limit.
const PAGES_PER_HOUR: std::ops::RangeInclusive<usize> = 1..=1_000;
/// Largest number of receivers: each member of a cluster is one, and no cluster has more.
const RECEIVERS_MAX: usize = 16;

/// See `RawConfig::notify`.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawNotify {
    /// An alert that fires is posted again after so many seconds; a receiver that hears nothing for four of these resolves it.
    pub resend_s: u64,
    /// How many seconds of the alerts topic are read at a start. An incident without a revision for longer is no longer notified.
    pub look_back_s: u64,
    /// How many incidents may page within an hour. The alert `Storm`, which always passes, names those above.
    pub pages_per_hour: usize,
    /// Alertmanagers to post to, side by side: name every member of a cluster. Each is a table `[[notify.alertmanager]]` with
    /// `url`, and where needed `basic_auth_file` (holds `user:password`) or `bearer_file` (holds a token), `ca_file` (a private CA,
    /// which then is the only one trusted), `timeout_s` (10), and `send`, the least severity to send (`"warning"`: info, warning or
    /// critical).
    // Not printed where it is empty: `alertmanager = []` beside a table of that name would be a mistake.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alertmanager: Vec<RawReceiver>,
    /// Any other HTTP services, which are posted each revision of an alert as it is in the topic, with the same keys as an
    /// Alertmanager. The header `Idempotency-Key` is the same whenever a revision is posted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhook: Vec<RawReceiver>,
}

impl Default for RawNotify {
    fn default() -> Self {
        // Prometheus repeats its alerts every minute, and Kafka keeps records for seven days. Twenty pages in an hour are more than
        // one person can look at.
        Self { resend_s: 60, look_back_s: 604_800, pages_per_hour: 20, alertmanager: Vec::new(), webhook: Vec::new() }
    }
}

/// One `[[notify.alertmanager]]` or `[[notify.webhook]]`.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawReceiver {
    /// Address, with a path if it is served under one.
    pub url: String,
    /// Least severity to send.
    #[serde(default = "send")]
    pub send: Severity,
    /// File with `user:password` for a basic login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic_auth_file: Option<PathBuf>,
    /// File with a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_file: Option<PathBuf>,
    /// File with the certificates to trust, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Seconds until an attempt is given up.
    #[serde(default = "timeout_s")]
    pub timeout_s: u64,
}

const fn timeout_s() -> u64 {
    10
}

const fn send() -> Severity {
    Severity::Warning
}

/// `[notify]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// How often an alert that fires is posted to an Alertmanager.
    pub resend: Duration,
    /// How much of the alerts topic is read at a start.
    pub look_back: Duration,
    /// How many incidents may page at an Alertmanager within an hour.
    pub pages_per_hour: usize,
    /// The receivers; none by default.
    pub receivers: Vec<ReceiverSettings>,
}

impl Notify {
    /// Whether a receiver is posted alerts as they are.
    #[must_use]
    pub fn has_webhook(&self) -> bool {
        self.receivers.iter().any(|receiver| receiver.protocol == Protocol::Webhook)
    }
}

/// The form in which a receiver takes alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Alertmanager's API, version 2: labels and annotations, repeated while an alert fires.
    Alertmanager,
    /// The alert as it is in the topic, one revision a request.
    Webhook,
}

impl Protocol {
    /// The name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Webhook => "webhook",
        }
    }
}

/// One receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverSettings {
    /// The name in logs and metrics, which shows no secret: the path of a webhook often is one.
    pub name: String,
    /// The form of the requests.
    pub protocol: Protocol,
    /// The address of the receiver.
    pub url: Url,
    /// How to log in.
    pub login: Option<Login>,
    /// The certificates to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// The longest that one attempt may take.
    pub timeout: Duration,
    /// The least severity to send.
    pub least_severity: Severity,
}

/// A login whose secret is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// The file with `user:password`.
    Basic(PathBuf),
    /// The file with a bearer token.
    Bearer(PathBuf),
}

/// Address of an HTTP service, without login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Name or address of the host; an IPv6 address without its brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path under which the service is, perhaps with a query; empty if there is none.
    pub path: String,
}

impl Url {
    /// Checks an address.
    ///
    /// # Errors
    /// The expected form. The message never repeats the address, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = || "expected an address like `http://127.0.0.1:9093` or `https://host/path`".to_owned();
        let (tls, rest) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (None, Some(rest)) => (true, rest),
            (None, None) => return Err(expected()),
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        if authority.contains('@') {
            return Err("expected no login in the address: write `basic_auth_file`".to_owned());
        }
        let (host, port) = match authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':').or_else(|| port.is_empty().then_some(""))),
            None => authority.split_once(':').map_or((authority, Some("")), |(host, port)| (host, Some(port))),
        };
        let port = match port.ok_or_else(expected)? {
            "" => Some(if tls { 443 } else { 80 }),
            text => text.parse().ok().filter(|port| *port > 0),
        };
        let plain =
            |text: &str, also: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || also.as_bytes().contains(&b));
        if host.is_empty() || !plain(host, ".-_:") || !plain(path, "/.-_~%?=&:+,") {
            return Err(expected());
        }
        Ok(Self { tls, host: host.to_owned(), port: port.ok_or_else(expected)?, path: path.to_owned() })
    }

    /// Host and port, as the header `Host` has them.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.authority(), self.path)
    }
}

impl RawNotify {
    /// Checks everything.
    pub(super) fn valid(&self) -> Result<Notify, Invalid> {
        check_range("resend_s", &self.resend_s, &RESEND_S)?;
        check_range("look_back_s", &self.look_back_s, &LOOK_BACK_S)?;
        check_range("pages_per_hour", &self.pages_per_hour, &PAGES_PER_HOUR)?;
        let mut receivers: Vec<ReceiverSettings> = Vec::new();
        for (protocol, raws) in [(Protocol::Alertmanager, &self.alertmanager), (Protocol::Webhook, &self.webhook)] {
            for (i, raw) in raws.iter().enumerate() {
                let within = |e: Invalid| e.within(&i.to_string()).within(protocol.name());
                let mut one = raw.valid(protocol).map_err(within)?;
                if receivers.iter().any(|other| other.url == one.url) {
                    return Err(within(Invalid::new("url", "this receiver is there twice")));
                }
                let of_host = receivers.iter().filter(|other| other.name.split('#').next() == Some(&one.name)).count();
                if of_host > 0 {
                    one.name = format!("{}#{}", one.name, of_host + 1);
                }
                receivers.push(one);
            }
        }
        if receivers.len() > RECEIVERS_MAX {
            let what = format!("expected at most {RECEIVERS_MAX} receivers, webhooks included");
            return Err(Invalid::new("alertmanager", what));
        }
        let (resend, look_back) = (Duration::from_secs(self.resend_s), Duration::from_secs(self.look_back_s));
        Ok(Notify { resend, look_back, pages_per_hour: self.pages_per_hour, receivers })
    }
}

impl RawReceiver {
    fn valid(&self, protocol: Protocol) -> Result<ReceiverSettings, Invalid> {
        let mut url = Url::parse(&self.url).map_err(|message| Invalid::new("url", message))?;
        let name = match protocol {
            Protocol::Alertmanager if url.path.contains('?') => {
                return Err(Invalid::new("url", "expected an address without a query"));
            }
            Protocol::Alertmanager => {
                // The API's path follows.
                url.path.truncate(url.path.trim_end_matches('/').len());
                url.to_string()
            }
            Protocol::Webhook => url.authority(),
        };
        check_range("timeout_s", &self.timeout_s, &TIMEOUT_S)?;
        let login = match (&self.basic_auth_file, &self.bearer_file) {
            (None, None) => None,
            (Some(file), None) => Some(Login::Basic(file.clone())),
            (None, Some(file)) => Some(Login::Bearer(file.clone())),
            (Some(_), Some(_)) => {
                return Err(Invalid::new("bearer_file", "`basic_auth_file` is set too: which of them holds?"));
            }
        };
        if self.ca_file.is_some() && !url.tls {
            return Err(Invalid::new("ca_file", "expected an `https://` address beside it"));
        }
        let (ca_file, timeout) = (self.ca_file.clone(), Duration::from_secs(self.timeout_s));
        Ok(ReceiverSettings { name, protocol, url, login, ca_file, timeout, least_severity: self.send })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn an_address_has_host_port_and_path_and_no_login() {
        let shown = |text: &str| Url::parse(text).map(|url| (url.tls, url.to_string()));
        assert_eq!(shown("http://127.0.0.1:9093"), Ok((false, "127.0.0.1:9093".to_owned())));
        assert_eq!(shown("https://am.example/alerts/"), Ok((true, "am.example:443/alerts/".to_owned())));
        assert_eq!(shown("http://[::1]:9093"), Ok((false, "[::1]:9093".to_owned())));
        for wrong in
            ["127.0.0.1:9093", "http://", "http://a:0", "http://a:99999", "http://a?b", "http://a b", "http://[::1"]
        {
            assert!(shown(wrong).is_err(), "{wrong}");
        }
        let refused = shown("http://user:hunter2@a").unwrap_err();
        assert!(refused.contains("basic_auth_file") && !refused.contains("hunter2"), "{refused}");
    }

    #[test]
    fn a_receiver_can_be_added_to_the_printed_defaults() {
        let text = crate::config::default_toml()
            + "[[notify.alertmanager]]\nurl = 'http://a:9093/x/'\n[[notify.webhook]]\nurl = 'http://b/swordfish/?key=1'\n\
               [[notify.webhook]]\nurl = 'http://b/hook'\n";
        let receivers = Config::parse("f", &text, std::iter::empty()).unwrap().notify.receivers;
        let shown: Vec<_> = receivers.iter().map(|r| (r.protocol, r.name.as_str(), r.url.path.as_str())).collect();
        let expected = [
            (Protocol::Alertmanager, "a:9093/x", "/x"),
            (Protocol::Webhook, "b:80", "/swordfish/?key=1"),
            (Protocol::Webhook, "b:80#2", "/hook"),
        ];
        assert_eq!(shown, expected, "a name holds no path of a webhook");
    }

    #[test]
    fn a_receiver_has_one_whole_login_and_defaults_for_the_rest() {
        let parse = |keys: &str| {
            let text = format!("[[notify.alertmanager]]\nurl = 'http://a:9093'\n{keys}\n");
            Config::parse("f", &text, std::iter::empty())
                .map(|config| config.notify.receivers)
                .map_err(|e| e.to_string())
        };
        let plain = parse("").unwrap();
        assert_eq!((plain[0].timeout, plain[0].least_severity), (Duration::from_secs(10), Severity::Warning));
        let basic = parse("basic_auth_file = '/p'\nsend = 'critical'").unwrap();
        assert_eq!((&basic[0].login, basic[0].least_severity), (&Some(Login::Basic("/p".into())), Severity::Critical));
        for wrong in [
            "basic_auth_file = '/p'\nbearer_file = '/t'",
            "ca_file = '/c'",
            "timeout_s = 0",
            "send = 'loud'",
            "[[notify.alertmanager]]\nurl = 'http://a:9093/'",
            "[[notify.alertmanager]]\nurl = 'http://b:9093/?a=b'",
            "[[notify.webhook]]\nurl = 'http://a:9093'",
            "[[notify.webhook]]\nurl = 'b'",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let secret = parse("password = 'hunter2'").unwrap_err();
        assert!(!secret.contains("hunter2"), "{secret}");
    }
}
