#!/usr/bin/env bash
# Packs what is installed into target/dist: the binary, its manual and completions, a software bill of materials, the unit, rules,
# dashboards and documents, and the SHA-256 of each archive. `make dist` runs it.
#
# The binary is linked to the system's glibc, OpenSSL 3 and zlib, not to copies of its own: so the system's updates of OpenSSL and of the
# authorities' certificates reach it. It runs where those are as new as on the machine that builds it; build on the oldest that you have.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
target=$(rustc -vV | sed -n 's/^host: //p')
name=foreshock-$version-$target
dist=target/dist
tree=$dist/$name

rm -rf "$dist"
mkdir -p "$tree"
cargo build --locked --release --bin foreshock
install -s -m 755 "${CARGO_TARGET_DIR:-target}/release/foreshock" "$tree/foreshock"
cargo run -q --locked --release --example manual -- "$tree"
# The tool writes beside the manifest.
cargo cyclonedx -q --format json --spec-version 1.5 --override-filename sbom
mv sbom.json "$tree/sbom.cdx.json"
cp LICENSE README.md SECURITY.md "$tree"
cp -R docs grafana/dashboards "$tree"
mkdir "$tree/systemd" "$tree/prometheus"
cp deploy/systemd/foreshock.service "$tree/systemd"
cp deploy/prometheus/*.yml deploy/alertmanager.yml "$tree/prometheus"

# The same files give the same archive.
time=$(git log -1 --format=%ct 2>/dev/null || echo 0)
tar --sort=name --mtime="@$time" --owner=0 --group=0 --numeric-owner -C "$dist" -cf - "$name" | gzip -n -9 > "$dist/$name.tar.gz"
rm -rf "$tree"
(cd "$dist" && sha256sum ./*.tar.gz > SHA256SUMS)
echo "dist: $dist/$name.tar.gz"
cat "$dist/SHA256SUMS"
