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

/// Below a second a receiver does little else; above an hour it forgets an alert four hours late.
const RESEND_S: std::ops::RangeInclusive<u64> = 1..=3_600;
/// Incidents last minutes to days; the alerts of a year are more than a start should read.
const LOOK_BACK_S: std::ops::RangeInclusive<u64> = 3_600..=31_536_000;
/// Longer than a minute a receiver holds up the repetition of its own alerts.
const TIMEOUT_S: std::ops::RangeInclusive<u64> = 1..=60;
/// Members of a cluster are all posted to; no cluster has more.
const RECEIVERS_MAX: usize = 16;

/// See `RawConfig::notify`.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawNotify {
    /// An alert that fires is posted again after so many seconds; a receiver that hears nothing for four of these resolves it.
    pub resend_s: u64,
    /// How many seconds of the alerts topic are read at a start. An incident without a revision for longer is no longer notified.
    pub look_back_s: u64,
    /// Alertmanagers to post to, side by side: name every member of a cluster. Each is a table `[[notify.alertmanager]]` with
    /// `url`, and where needed `username` with `password_file`, or `token_file`; `ca_file` (a private CA, which then is the only
    /// one trusted), `timeout_s` (10) and `least_severity` (`"warning"`: info, warning or critical).
    // Not printed where it is empty: `alertmanager = []` beside a table of that name would be a mistake.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alertmanager: Vec<RawAlertmanager>,
}

impl Default for RawNotify {
    fn default() -> Self {
        // Prometheus repeats its alerts every minute, and Kafka keeps records for seven days.
        Self { resend_s: 60, look_back_s: 604_800, alertmanager: Vec::new() }
    }
}

/// One `[[notify.alertmanager]]`.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAlertmanager {
    /// Address, with a path if it is served under one.
    pub url: String,
    /// User name of a basic login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// File with the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// File with a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// File with the certificates to trust, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Seconds until an attempt is given up.
    #[serde(default = "timeout_s")]
    pub timeout_s: u64,
    /// Least severity to send.
    #[serde(default = "least_severity")]
    pub least_severity: Severity,
}

const fn timeout_s() -> u64 {
    10
}

const fn least_severity() -> Severity {
    Severity::Warning
}

/// `[notify]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// How often an alert that fires is posted.
    pub resend: Duration,
    /// How much of the alerts topic is read at a start.
    pub look_back: Duration,
    /// The receivers; none by default.
    pub alertmanagers: Vec<Alertmanager>,
}

/// One Alertmanager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alertmanager {
    /// Its address.
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
    /// A user's name, and the file with the password.
    Basic(String, PathBuf),
    /// The file with a bearer token.
    Bearer(PathBuf),
}

/// Address of an HTTP service, without login and query. Its text names the receiver in logs and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Name or address of the host; an IPv6 address without its brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path under which the service is, without a slash at its end.
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
            return Err("expected no login in the address: write `username` and `password_file`".to_owned());
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
        if host.is_empty() || !plain(host, ".-_:") || !plain(path, "/.-_~") {
            return Err(expected());
        }
        let path = path.trim_end_matches('/').to_owned();
        Ok(Self { tls, host: host.to_owned(), port: port.ok_or_else(expected)?, path })
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
        if self.alertmanager.len() > RECEIVERS_MAX {
            return Err(Invalid::new("alertmanager", format!("expected at most {RECEIVERS_MAX} receivers")));
        }
        let mut alertmanagers: Vec<Alertmanager> = Vec::new();
        for (i, raw) in self.alertmanager.iter().enumerate() {
            let within = |e: Invalid| e.within(&i.to_string()).within("alertmanager");
            let one = raw.valid().map_err(within)?;
            if alertmanagers.iter().any(|other| other.url.to_string() == one.url.to_string()) {
                return Err(within(Invalid::new("url", "this receiver is there twice")));
            }
            alertmanagers.push(one);
        }
        let (resend, look_back) = (Duration::from_secs(self.resend_s), Duration::from_secs(self.look_back_s));
        Ok(Notify { resend, look_back, alertmanagers })
    }
}

impl RawAlertmanager {
    fn valid(&self) -> Result<Alertmanager, Invalid> {
        let url = Url::parse(&self.url).map_err(|message| Invalid::new("url", message))?;
        check_range("timeout_s", &self.timeout_s, &TIMEOUT_S)?;
        let login = match (&self.username, &self.password_file, &self.token_file) {
            (None, None, None) => None,
            (Some(name), Some(file), None) if !name.contains(':') => Some(Login::Basic(name.clone(), file.clone())),
            (None, None, Some(file)) => Some(Login::Bearer(file.clone())),
            (Some(_), Some(_), None) => return Err(Invalid::new("username", "expected a name without `:`")),
            (Some(_), None, _) => return Err(Invalid::new("username", "expected `password_file` beside it")),
            (None, Some(_), _) => return Err(Invalid::new("password_file", "expected `username` beside it")),
            (Some(_), Some(_), Some(_)) => {
                return Err(Invalid::new("token_file", "`password_file` is set too: which of them holds?"));
            }
        };
        if self.ca_file.is_some() && !url.tls {
            return Err(Invalid::new("ca_file", "expected an `https://` address beside it"));
        }
        let (ca_file, timeout) = (self.ca_file.clone(), Duration::from_secs(self.timeout_s));
        Ok(Alertmanager { url, login, ca_file, timeout, least_severity: self.least_severity })
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
        assert_eq!(shown("https://am.example/alerts/"), Ok((true, "am.example:443/alerts".to_owned())));
        assert_eq!(shown("http://[::1]:9093"), Ok((false, "[::1]:9093".to_owned())));
        for wrong in
            ["127.0.0.1:9093", "http://", "http://a:0", "http://a:99999", "http://a?b", "http://a b", "http://[::1"]
        {
            assert!(shown(wrong).is_err(), "{wrong}");
        }
        let refused = shown("http://user:hunter2@a").unwrap_err();
        assert!(refused.contains("password_file") && !refused.contains("hunter2"), "{refused}");
    }

    #[test]
    fn a_receiver_can_be_added_to_the_printed_defaults() {
        let text = crate::config::default_toml() + "[[notify.alertmanager]]\nurl = 'http://a:9093'\n";
        assert_eq!(Config::parse("f", &text, std::iter::empty()).unwrap().notify.alertmanagers.len(), 1);
    }

    #[test]
    fn a_receiver_has_one_whole_login_and_defaults_for_the_rest() {
        let parse = |keys: &str| {
            let text = format!("[[notify.alertmanager]]\nurl = 'http://a:9093'\n{keys}\n");
            Config::parse("f", &text, std::iter::empty())
                .map(|config| config.notify.alertmanagers)
                .map_err(|e| e.to_string())
        };
        let plain = parse("").unwrap();
        assert_eq!((plain[0].timeout, plain[0].least_severity), (Duration::from_secs(10), Severity::Warning));
        let basic = parse("username = 'u'\npassword_file = '/p'").unwrap();
        assert_eq!(basic[0].login, Some(Login::Basic("u".to_owned(), PathBuf::from("/p"))));
        for wrong in [
            "username = 'u'",
            "password_file = '/p'",
            "username = 'u'\npassword_file = '/p'\ntoken_file = '/t'",
            "ca_file = '/c'",
            "timeout_s = 0",
            "least_severity = 'loud'",
            "[[notify.alertmanager]]\nurl = 'http://a:9093/'",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let secret = parse("password = 'hunter2'").unwrap_err();
        assert!(!secret.contains("hunter2"), "{secret}");
    }
}
