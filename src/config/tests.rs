//! What a person who edits the file meets.

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
fn the_smallest_one_of_the_contract_is_the_default() {
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
fn what_schema_config_prints_reads_back_as_the_default() {
    let printed = default_toml();
    assert_eq!(parse(&printed), Ok(Config::default()), "{printed}");
    assert!(printed.contains("# The consumer group.\ngroup = \"foreshock\"\n"), "{printed}");
    assert!(printed.contains("[kafka.client]"), "{printed}");
}

#[test]
fn an_unknown_key_points_at_itself_and_names_the_nearest() {
    insta::assert_snapshot!(error("[kafka]\ngroup = 'a'\n  brokes = 'b:1'\n"), @"");
    insta::assert_snapshot!(error("[kafak]\n"), @"");
    insta::assert_snapshot!(error("orders_max = 5\n"), @"");
    insta::assert_snapshot!(error("[http]\nshoe_size = 5\n"), @"");
}

#[test]
fn a_wrong_value_points_at_itself_and_says_what_was_expected() {
    insta::assert_snapshot!(error("[kafka]\nbrokers = ''\n"), @"");
    insta::assert_snapshot!(error("[kafka]\ninput = ['a', 'b c']\n"), @"");
    insta::assert_snapshot!(error("[limits]\nsymbols_max = 0\n"), @"");
    insta::assert_snapshot!(error("[limits]\nsymbols_max = -1\n"), @"");
    insta::assert_snapshot!(error("[limits]\nsymbols_max = 'many'\n"), @"");
    insta::assert_snapshot!(error("[http]\nlisten = 'here'\n"), @"");
    insta::assert_snapshot!(error("[kafka]\ngroup = \n"), @"");
    insta::assert_snapshot!(error("[topics]\nalerts = 'orderflow.events'\n"), @"");
    insta::assert_snapshot!(error("[kafka.client]\n'group.id' = 'x'\n"), @"");
    insta::assert_snapshot!(error("kafka = 5\n"), @"");
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
        "[kafka]\ncommit_interval_ms = 0",
        "[kafka.client]\na.b = 1",
        "[kafka]\ngroup = 'a'\ngroup = 'b'",
        "[topics]\nalerts = ''",
    ] {
        assert!(parse(bad).is_err_and(|e| e.position().is_some()), "{bad}");
    }
}

#[test]
fn the_environment_goes_over_the_file() {
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
    assert_eq!(config.limits.symbols_max.get(), 7);
}

#[test]
fn a_mistake_in_the_environment_names_the_variable() {
    let words = |name, value| parse_with("[kafka]\ngroup = 'a'\n", &[(name, value)]).unwrap_err().to_string();
    insta::assert_snapshot!(words("FORESHOCK_KAFKA__BROKES", "x"), @"");
    insta::assert_snapshot!(words("FORESHOCK_KAFKA__BROKERS", "x"), @"");
    insta::assert_snapshot!(words("FORESHOCK_LIMITS__ORDERS_MAX", "many"), @"");
    insta::assert_snapshot!(words("FORESHOCK_KAFKA__INPUT", "x y"), @"");
    insta::assert_snapshot!(words("FORESHOCK_CONFIG", "f.toml"), @"");
}

#[test]
fn a_secret_is_never_shown() {
    let config = parse("[kafka.client]\n'sasl.password' = 'hunter2'\n'client.rack' = 'r1'\n").unwrap();
    let debug = format!("{config:?}");
    assert!(!debug.contains("hunter2") && debug.contains("r1"), "{debug}");
    for broken in [
        "[kafka.client]\n'sasl.password' = ['hunter2']\n",
        "[kafka.client]\n'sasl.password' = 'hunter2\n",
        "[kafka]\nsasl_password = 'hunter2'\n",
        "kafka = { client = { 'sasl.password' = 'hunter2' }, x = 1 }\n",
    ] {
        let words = error(broken);
        assert!(!words.contains("hunter2"), "{words}");
    }
}

#[test]
fn the_nearest_word_is_near() {
    assert_eq!(nearest("brokes", ["brokers", "group"]), Some("brokers"));
    assert_eq!(nearest("zzz", ["brokers", "group"]), None);
    assert_eq!(nearest("x", ["ab"]), None);
}
