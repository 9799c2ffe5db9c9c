//! Writes what the fuzzers begin with, made from the product: `seeds FOLDER` fills `FOLDER/TARGET` for each target that reads a
//! format. The engine's operations have none; there the fuzzer begins with nothing.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use foreshock::{config, event::EventType, simulate};
use foreshock_fuzz::{
    Clock, Said,
    engines::{START, handle, learned, plan},
};

/// Minutes of simulated flow from which records are taken.
const MINUTES: u64 = 1;
/// One record out of so many is taken: some dozens in all.
const EVERY: usize = 40;

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).expect("expected a folder: `seeds FOLDER`");
    write(&folder.join("decode"), records())?;
    write(&folder.join("configuration"), configurations())?;
    write(&folder.join("snapshot"), snapshots())
}

fn write(folder: &Path, seeds: Vec<Vec<u8>>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (i, seed) in seeds.into_iter().enumerate() {
        fs::write(folder.join(i.to_string()), seed)?;
    }
    Ok(())
}

/// Records of the simulator, and one of each type with every field.
fn records() -> Vec<Vec<u8>> {
    let exchange = simulate::Exchange::try_new(&simulate::Plan::new(1, MINUTES)).expect("the plan is valid");
    let simulated = exchange.step_by(EVERY).map(|item| serde_json::to_vec(&item.into_event()).expect("an event"));
    let whole = (0..EventType::ALL.len()).map(|kind| said(kind).into_bytes());
    simulated.chain(whole).collect()
}

fn said(kind: usize) -> String {
    // Bytes from which every field comes out present and small.
    let mut bytes = vec![1; 64];
    bytes[0] = u8::try_from(kind).unwrap_or_default();
    let said: Said = arbitrary::Unstructured::new(&bytes).arbitrary().expect("enough bytes");
    said.text(&mut Clock::at(START))
}

fn configurations() -> Vec<Vec<u8>> {
    let variables = ["KAFKA__BROKERS=b:9092", "STATE__INTERVAL_S=5", "KAFKA__CLIENT__SASL_USERNAME=a", "DETECT=1"];
    let example =
        "[kafka]\nbrokers = 'a:9092,b:9092'\ninput = ['x', '^y.*']\n[kafka.client]\n'sasl.password_file' = 'p'\n";
    let defaults = config::default_toml();
    [defaults.clone(), example.to_owned(), format!("{example}\0{}", variables.join("\0"))]
        .map(String::into_bytes)
        .to_vec()
}

/// An engine that has learned, and one in the middle of an incident.
fn snapshots() -> Vec<Vec<u8>> {
    let (learned, next, now) = learned();
    let mut engine = foreshock::engine::Engine::restore(&plan(), learned.clone()).expect("its own plan");
    for offset in next..next + 50 {
        let text = format!(r#"{{"type":"order_cancel","ts":{now},"symbol":"S1","order":"1"}}"#);
        handle(&mut engine, 1, offset, &[text]);
    }
    [learned, engine.snapshot()].iter().map(body).collect()
}

/// What stands between the head of 12 bytes and the checksum of 32.
fn body(snapshot: &foreshock::engine::Snapshot) -> Vec<u8> {
    let whole = snapshot.encode();
    whole[12..whole.len() - 32].to_vec()
}
