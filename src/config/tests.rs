//! Tests of what a person sees who writes the file or sets variables: values, errors, secrets.

use std::path::PathBuf;

use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    parse_with(text, &[])
}

fn parse_with(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::parse("f.toml", text, variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn the_smallest_configuration_of_the_contract_is_the_default() {
    let smallest = r#"
        [kafka]
        brokers = "127.0.0.1:9092"
        group = "foreshock"
        input = ["orderflow.events"]
        [http]
        listen = "127.0.0.1:9464"
    "#;
    assert_eq!(parse(smallest), Ok(Config::default()));
    assert_eq!(parse(""), Ok(Config::default()));
}

#[test]
fn the_printed_defaults_read_back_as_the_default() {
    let printed = default_toml();
    assert_eq!(parse(&printed), Ok(Config::default()), "{printed}");
    assert!(printed.contains("# The consumer group.\ngroup = \"foreshock\"\n"), "{printed}");
    assert!(printed.contains("[kafka.client]"), "{printed}");
}

#[test]
fn an_unknown_key_points_at_itself_and_names_the_nearest() {
    insta::assert_snapshot!(error("[kafka]\ngroup = 'a'\n  brokes = 'b:1'\n"), @r"
    f.toml:3:3: unknown key `kafka.brokes`: did you mean `brokers`?
     3 |   brokes = 'b:1'
       |   ^
    ");
    insta::assert_snapshot!(error("[kafak]\n"), @r"
    f.toml:1:2: unknown key `kafak`: did you mean `kafka`?
     1 | [kafak]
       |  ^
    ");
    insta::assert_snapshot!(error("orders_max = 5\n"), @r"
    f.toml:1:1: unknown key `orders_max`: it belongs in `[limits]`
     1 | orders_max = 5
       | ^
    ");
    insta::assert_snapshot!(error("[http]\nshoe_size = 5\n"), @r"
    f.toml:2:1: unknown key `http.shoe_size`: expected `connections_max`, `listen`, `request_ms_max`
     2 | shoe_size = 5
       | ^
    ");
}

#[test]
fn a_wrong_value_points_at_itself_and_says_what_was_expected() {
    insta::assert_snapshot!(error("[kafka]\nbrokers = ''\n"), @r"
    f.toml:2:11: `kafka.brokers`: expected `host:port`, several with commas between
     2 | brokers = ''
       |           ^
    ");
    insta::assert_snapshot!(error("[kafka]\ninput = ['a', 'b c']\n"), @r"
    f.toml:2:15: `kafka.input.1`: expected the name of a topic: 1 to 249 letters, digits, `.`, `_` or `-`
     2 | input = ['a', 'b c']
       |               ^
    ");
    insta::assert_snapshot!(error("[limits]\nsymbols_max = 0\n"), @r"
    f.toml:2:15: `limits.symbols_max`: expected 1 to 1000000000
     2 | symbols_max = 0
       |               ^
    ");
    insta::assert_snapshot!(error("[limits]\nsymbols_max = -1\n"), @r"
    f.toml:2:15: `limits.symbols_max`: invalid value: integer `-1`, expected a whole number
     2 | symbols_max = -1
       |               ^
    ");
    insta::assert_snapshot!(error("[limits]\nsymbols_max = 'many'\n"), @r#"
    f.toml:2:15: `limits.symbols_max`: invalid type: string "many", expected a whole number
     2 | symbols_max = 'many'
       |               ^
    "#);
    insta::assert_snapshot!(error("[http]\nlisten = 'here'\n"), @r"
    f.toml:2:10: `http.listen`: expected an address and a port, like 127.0.0.1:9464
     2 | listen = 'here'
       |          ^
    ");
    insta::assert_snapshot!(error("[kafka]\ngroup = \n"), @r"
    f.toml:2:9: string values must be quoted, expected literal string
     2 | group = 
       |         ^
    ");
    insta::assert_snapshot!(error("[topics]\nalerts = 'orderflow.events'\n"), @r"
    f.toml:2:10: `topics.alerts`: `orderflow.events` is also in `kafka.input`: it would read itself
     2 | alerts = 'orderflow.events'
       |          ^
    ");
    insta::assert_snapshot!(error("[kafka.client]\n'group.id' = 'x'\n"), @r"
    f.toml:2:14: `kafka.client.group.id`: not here: set `kafka.group`
     2 | 'group.id' = 'x'
       |              ^
    ");
    insta::assert_snapshot!(error("kafka = 5\n"), @r"
    f.toml:1:9: `kafka`: invalid type: integer `5`, expected a table
     1 | kafka = 5
       |         ^
    ");
}

#[test]
fn more_mistakes_are_refused() {
    for bad in [
        "[kafka]\nbrokers = 'host'",
        "[kafka]\nbrokers = 'a:1,'",
        "[kafka]\nbrokers = 'a:0'",
        "[kafka]\ngroup = ''",
        "[kafka]\ninput = []",
        "[kafka]\ntransactional_id = ''",
        "[kafka]\ninstance = ''",
        "[kafka]\ninstance = 'a b'",
        "[kafka.client]\n'group.instance.id' = 'a'",
        "[kafka]\ncommit_interval_ms = 0",
        "[kafka.client]\na.b = 1",
        "[kafka]\ngroup = 'a'\ngroup = 'b'",
        "[topics]\nalerts = ''",
    ] {
        assert!(parse(bad).is_err_and(|e| e.position().is_some()), "{bad}");
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let variables = [
        ("FORESHOCK_KAFKA__BROKERS", "a:1,b:2"),
        ("FORESHOCK_KAFKA__GROUP", "12"),
        ("FORESHOCK_KAFKA__INPUT", r#"["x", "^y.*"]"#),
        ("FORESHOCK_KAFKA__CREATE_TOPICS", "false"),
        ("FORESHOCK_KAFKA__CLIENT__SASL_PASSWORD", "1e5"),
        ("FORESHOCK_LIMITS__SYMBOLS_MAX", "7"),
        ("FORESHOCK_LOG", "debug"),
        ("HOME", "/"),
    ];
    let config = parse_with("[kafka]\nbrokers = 'c:3'\ninput = ['z']\n", &variables).unwrap();
    assert_eq!(config.kafka.brokers.as_str(), "a:1,b:2");
    assert_eq!(config.kafka.group, "12");
    assert_eq!(config.kafka.input.iter().map(Subscription::as_str).collect::<Vec<_>>(), ["x", "^y.*"]);
    assert!(!config.kafka.create_topics);
    assert_eq!(config.kafka.client["sasl.password"].expose(), "1e5");
    assert_eq!(config.limits.symbols_max, 7);
}

#[test]
fn a_mistake_in_the_environment_names_the_variable() {
    let words = |name, value| parse_with("[kafka]\ngroup = 'a'\n", &[(name, value)]).unwrap_err().to_string();
    insta::assert_snapshot!(words("FORESHOCK_KAFKA__BROKES", "x"), @"environment variable `FORESHOCK_KAFKA__BROKES`: unknown key `kafka.brokes`: did you mean `brokers`?");
    insta::assert_snapshot!(words("FORESHOCK_KAFKA__BROKERS", "x"), @"environment variable `FORESHOCK_KAFKA__BROKERS`: `kafka.brokers`: expected `host:port`, several with commas between");
    insta::assert_snapshot!(words("FORESHOCK_LIMITS__ORDERS_MAX", "many"), @r#"environment variable `FORESHOCK_LIMITS__ORDERS_MAX`: `limits.orders_max`: invalid type: string "many", expected a whole number"#);
    insta::assert_snapshot!(words("FORESHOCK_KAFKA__INPUT", "x y"), @r#"environment variable `FORESHOCK_KAFKA__INPUT`: `kafka.input`: invalid type: string "x y", expected an array"#);
    insta::assert_snapshot!(words("FORESHOCK_CONFIG", "f.toml"), @"environment variable `FORESHOCK_CONFIG`: unknown key `config`: expected `action`, `calendar`, `detect`, `engine`, `http`, `kafka`, `limits`, `maintenance`, `metrics`, `notify`, `override`, `state`, `topics`, `venue`");
}

#[test]
fn a_secret_is_never_shown() {
    let variables = [("FORESHOCK_KAFKA__CLIENT__SASL_PASSWORD", "hunter2")];
    let config = parse_with("[kafka.client]\n'client.rack' = 'r1'\n", &variables).unwrap();
    assert_eq!(config.kafka.client["sasl.password"].expose(), "hunter2");
    let debug = format!("{config:?}");
    assert!(!debug.contains("hunter2") && debug.contains("r1"), "{debug}");
    for broken in [
        "[kafka.client]\n'sasl.password' = 'hunter2'\n",
        "[kafka.client]\n'sasl.password' = ['hunter2']\n",
        "[kafka.client]\n'sasl.password' = 'hunter2\n",
        "[kafka]\nsasl_password = 'hunter2'\n",
        "kafka = { client = { 'sasl.password' = 'hunter2' }, x = 1 }\n",
        "[kafka.client]\n'ssl.key.pem' = '''\nhunter2\n'''\n",
    ] {
        let words = error(broken);
        assert!(!words.contains("hunter2"), "{words}");
    }
}

#[test]
fn a_secret_in_the_file_is_refused_with_the_two_ways_to_give_it() {
    insta::assert_snapshot!(error("[kafka.client]\n'sasl.password' = 'hunter2'\n"), @r#"
    f.toml:2:19: `kafka.client.sasl.password`: a secret must not be in this file: put it into a file of its own and write `"sasl.password_file" = "PATH"`, or set the environment variable `FORESHOCK_KAFKA__CLIENT__SASL_PASSWORD`
     2 | 'sasl.password' = ***
       |                   ^
    "#);
    for secret in ["ssl.key.password", "ssl.key.pem", "ssl.keystore.password", "sasl.oauthbearer.client.secret"] {
        let words = error(&format!("[kafka.client]\n'{secret}' = 'x'\n"));
        assert!(words.contains("a secret must not be in this file"), "{words}");
    }
    for harmless in ["ssl.key.location", "ssl.keystore.location", "sasl.username", "ssl.ca.pem"] {
        parse(&format!("[kafka.client]\n'{harmless}' = 'x'\n")).unwrap();
    }
}

#[test]
fn a_secret_comes_from_a_file_of_its_own() {
    let paths = |config: &Config| config.kafka.secret_files.clone().into_iter().collect::<Vec<_>>();
    let expected = vec![("sasl.password".to_owned(), PathBuf::from("/run/secrets/kafka"))];
    let config = parse("[kafka.client]\n'sasl.password_file' = '/run/secrets/kafka'\n").unwrap();
    assert_eq!(paths(&config), expected);
    assert!(!config.kafka.client.contains_key("sasl.password_file"), "{config:?}");
    let variables = [("FORESHOCK_KAFKA__CLIENT__SASL_PASSWORD_FILE", "/run/secrets/kafka")];
    assert_eq!(paths(&parse_with("", &variables).unwrap()), expected);

    let twice = [("FORESHOCK_KAFKA__CLIENT__SASL_PASSWORD", "hunter2"), variables[0]];
    let words = parse_with("", &twice).unwrap_err().to_string();
    assert!(words.contains("is set too") && !words.contains("hunter2"), "{words}");
    // librdkafka has a setting of its own with this ending, which stays as it is.
    let config = parse("[kafka.client]\n'sasl.oauthbearer.assertion.private.key.file' = 'x'\n").unwrap();
    assert!(config.kafka.client.contains_key("sasl.oauthbearer.assertion.private.key.file"));
}

#[test]
fn the_number_of_symbols_with_series_of_their_own_has_a_limit() {
    let text = error("[metrics]\nsymbols_max = 10001\n");
    assert!(text.contains("`metrics.symbols_max`: expected 0 to 10000"), "{text}");
}

#[test]
fn topics_have_layouts_of_their_own_and_those_that_are_read_in_order_one_partition() {
    let text = "[kafka.topics.alerts]\npartitions = 3\nreplication = 2\nretention_h = 720\n";
    let config = parse(text).unwrap();
    let layout = config.layout(&config.topics.alerts);
    let hours = std::time::Duration::from_hours(720);
    assert_eq!((layout.partitions, layout.replication, layout.retention), (Some(3), Some(2), Some(hours)));
    assert_eq!(config.layout(&config.topics.audit), TopicLayout::default());
    insta::assert_snapshot!(error("[kafka.topics.audit]\npartitions = 2\n"), @r"
    f.toml:2:14: `kafka.topics.audit.partitions`: expected 1: its records are read in order
     2 | partitions = 2
       |              ^
    ");
    insta::assert_snapshot!(error("[kafka.topics.state]\nretention_h = 2\n"), @r"
    f.toml:2:15: `kafka.topics.state.retention_h`: not here: the topic is compacted
     2 | retention_h = 2
       |               ^
    ");
    insta::assert_snapshot!(error("[kafka.topics.alerts]\npartitions = 0\n"), @r"
    f.toml:2:14: `kafka.topics.alerts.partitions`: expected 1 to 10000
     2 | partitions = 0
       |              ^
    ");
}

#[test]
fn overrides_are_read_and_a_mistake_in_one_points_at_itself() {
    let text = "[[override]]\nsymbols = ['ES*']\n[override.detect.cancel_burst]\nwarnings_per_day = 0.5\n";
    let detection = parse(text).unwrap().detection;
    let rate = |symbol: &str| {
        detection.of(&crate::detect::Subject::Symbol(symbol.into())).cancel_burst.warnings_per_day.to_string()
    };
    assert_eq!([rate("ESZ6"), rate("BTC")], ["0.5", "1"]);
    insta::assert_snapshot!(error(&text.replace("0.5", "100")), @r"
    f.toml:4:20: `override.0.detect.cancel_burst.warnings_per_day`: expected 0.001 to 72
     4 | warnings_per_day = 100
       |                    ^
    ");
    insta::assert_snapshot!(error(&text.replace("warnings_", "warning_")), @r"
    f.toml:4:1: unknown key `override.0.detect.cancel_burst.warning_per_day`: did you mean `warnings_per_day`?
     4 | warning_per_day = 0.5
       | ^
    ");
    insta::assert_snapshot!(error(&text.replace("cancel_burst", "leverage_jump").replace("warnings_per_day", "deviations_min")), @r"
    f.toml:3:1: `override.0.detect.leverage_jump`: expected in an override of `accounts`
     3 | [override.detect.leverage_jump]
       | ^
    ");
}

#[test]
fn maintenance_windows_are_read_and_a_mistake_in_one_points_at_itself() {
    let text = "[[maintenance]]\nname = 'a'\nfrom = 2026-07-04T22:00:00Z\nuntil = '2026-07-04T23:00:00Z'\n";
    let windows = parse(text).unwrap().maintenance;
    let names: Vec<&str> = windows.settings().map(|window| window.name.as_str()).collect();
    assert_eq!((names, Config::default().maintenance.is_empty()), (vec!["a"], true));
    insta::assert_snapshot!(error(&text.replace("T23", "T21")), @r"
    f.toml:4:9: `maintenance.0.until`: expected an instant after `from`
     4 | until = '2026-07-04T21:00:00Z'
       |         ^
    ");
    insta::assert_snapshot!(error(&format!("{text}symbol = ['ES*']\n")), @r"
    f.toml:5:1: unknown key `maintenance.0.symbol`: did you mean `symbols`?
     5 | symbol = ['ES*']
       | ^
    ");
}

#[test]
fn calendars_are_read_and_a_mistake_in_one_points_at_itself() {
    let text = "[[calendar]]\nsymbols = ['ES*']\nzone = 'America/Chicago'\nhours = ['sun-thu 17:00-16:00']\n";
    let calendars = parse(text).unwrap().calendars;
    assert_eq!(calendars.of_symbol("ESZ6"), calendars.of_symbol("ESU6"));
    assert!(calendars.of_symbol("ESZ6").is_some() && calendars.of_symbol("BTC").is_none());
    insta::assert_snapshot!(error("[[calendar]]\nzone = 'UTC'\nhours = ['mon 9-10']\n"), @r"
    f.toml:3:10: `calendar.0.hours.0`: `mon 9-10`: expected days and times, like `mon-fri 09:30-16:00`
     3 | hours = ['mon 9-10']
       |          ^
    ");
}
