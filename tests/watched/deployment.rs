//! Units and manifests: the tools of those who will read them accept them, offline.

use std::io::Write as _;

use super::{PYTHON, files, path, read, run};

/// The most exposure that the unit may have, from 0 to 10, in tenths.
const EXPOSURE_MAX: &str = "--threshold=20";

#[test]
fn systemd_rates_the_unit_as_little_exposed() {
    run("systemd-analyze", &["security", "--offline=true", EXPOSURE_MAX, "deploy/systemd/foreshock.service"]);
}

#[test]
fn systemd_knows_every_setting_of_the_unit() {
    // The program of the unit must be there: any is.
    let unit = read("deploy/systemd/foreshock.service").replace("/usr/local/bin/foreshock", "/bin/true");
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = dir.path().join("foreshock.service");
    std::fs::File::create(&file).unwrap().write_all(unit.as_bytes()).unwrap();
    let said = run("systemd-analyze", &["verify", "--man=no", file.to_str().unwrap()]);
    let of_unit: Vec<_> = said.lines().filter(|line| line.contains("foreshock.service")).collect();
    assert!(of_unit.is_empty(), "{of_unit:?}");
}

#[test]
fn the_watchdog_of_the_unit_waits_longer_than_a_thread_may_take_for_a_step() {
    let unit = read("deploy/systemd/foreshock.service");
    let limit: u64 =
        unit.lines().find_map(|line| line.strip_prefix("WatchdogSec=")?.strip_suffix('s')).unwrap().parse().unwrap();
    assert!(limit > foreshock::app::liveness::BEATLESS_MAX.as_secs(), "{limit} s");
}

#[test]
fn the_manifests_are_valid_and_the_base_names_all_of_them() {
    let base = read("deploy/kubernetes/kustomization.yaml");
    let manifests: Vec<_> =
        files("deploy/kubernetes", ".yaml").into_iter().filter(|name| name != "kustomization.yaml").collect();
    assert!(manifests.len() >= 4, "{manifests:?}");
    for name in &manifests {
        assert!(base.contains(&format!("- {name}\n")), "kustomization.yaml does not name {name}");
    }
    let paths: Vec<_> = manifests.iter().map(|name| path("deploy/kubernetes").join(name)).collect();
    let mut words = vec!["--strict", "--quiet"];
    words.extend(paths.iter().map(|path| path.to_str().unwrap()));
    run(&format!("{PYTHON}/kubernetes-validate"), &words);
}

#[test]
fn alertmanager_accepts_the_examples_and_routes_by_severity() {
    run("amtool", &["check-config", "deploy/alertmanager.yml"]);
    run("amtool", &["check-config", "deploy/container/alertmanager.yml"]);
    let route = |label: &str| {
        let said = run("amtool", &["config", "routes", "test", "--config.file=deploy/alertmanager.yml", label]);
        said.lines().next().unwrap().to_owned()
    };
    assert_eq!(route("severity=critical"), "pager");
    assert_eq!(route("severity=warning"), "tickets");
    assert_eq!(route("severity=info"), "nobody");
    assert_eq!(route("alertname=ForeshockTest"), "pager");
}

#[test]
fn the_example_configurations_are_valid() {
    for file in ["deploy/container/foreshock.toml", "deploy/kubernetes/foreshock.toml"] {
        let config = foreshock::app::settings::load(Some(&path(file)));
        assert!(config.is_ok(), "{file}: {:?}", config.err().map(|failure| failure.to_string()));
    }
}
