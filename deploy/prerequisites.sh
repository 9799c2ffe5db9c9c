#!/usr/bin/env bash
# Checks for the programs and headers that building Foreshock needs and, as root on Debian or Ubuntu, installs missing
# ones.
#
#   deploy/prerequisites.sh            to build and run: C and C++ compilers, make, pkg-config and the headers
#                                      of OpenSSL and zlib (librdkafka is built from source), the Rust toolchain
#   deploy/prerequisites.sh --tests    also a JDK >= 17 and Maven, for the Kafka broker that the tests start, Prometheus
#                                      with promtool, for the tests of the service's metrics, Alertmanager with amtool,
#                                      systemd-analyze, which reads the unit, and Python, whose packages make the dashboards
#   deploy/prerequisites.sh --benches  also valgrind, which counts instructions
#
# On other systems the script names what to install and exits with 69 (a service is unavailable). If nothing is missing
# it prints one line.
set -euo pipefail

readonly unavailable=69 jdk_min=17
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
needs=(cc c++ make pkg-config openssl zlib)
case ${1:-} in
    "") ;;
    --tests) needs+=(jdk maven prometheus alertmanager systemd-analyze python) ;;
    --benches) needs+=(valgrind) ;;
    *) echo "usage: deploy/prerequisites.sh [--tests | --benches]" >&2; exit 64 ;;
esac

log() { echo "prerequisites: $*"; }
fail() { log "$*" >&2; exit "$unavailable"; }
have() { command -v "$1" >/dev/null 2>&1; }

header() { # pkg-config module; on macOS pkg-config does not find Homebrew's OpenSSL and the system's zlib
    { have pkg-config && pkg-config --exists "$1"; } || {
        [[ $(uname) == Darwin ]] && { [[ $1 == zlib ]] || { have brew && [[ -d $(brew --prefix openssl@3) ]]; }; }
    }
}

java_major() { java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1; }

has() { # need
    case $1 in
        openssl | zlib) header "$1" ;;
        jdk) local major; major=$(java_major) && [[ -n $major ]] && ((major >= jdk_min)) ;;
        maven) have mvn ;;
        prometheus) have prometheus && have promtool ;;
        alertmanager) have prometheus-alertmanager && have amtool ;;
        python) have python3 && python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ;;
        *) have "$1" ;;
    esac
}

missing() { # prints the needs that are not met, one a line
    local need
    for need in "${needs[@]}"; do has "$need" || echo "$need"; done
}

apt_jdk() { # prints the oldest JDK of this release that is new enough
    local version
    for version in 17 21 25; do
        if apt-cache show "openjdk-$version-jdk-headless" >/dev/null 2>&1; then
            echo "openjdk-$version-jdk-headless"
            return
        fi
    done
    echo default-jdk-headless
}

package() { # package manager, need
    case $1:$2 in
        apt-get:cc) echo "gcc libc6-dev" ;;
        apt-get:c++) echo g++ ;;
        apt-get:openssl) echo libssl-dev ;;
        apt-get:zlib) echo zlib1g-dev ;;
        apt-get:jdk) apt_jdk ;;
        apt-get:alertmanager) echo prometheus-alertmanager ;;
        apt-get:python) echo "python3 python3-venv" ;;
        *:systemd-analyze) echo systemd ;;
        dnf:cc | zypper:cc) echo gcc ;;
        dnf:c++ | zypper:c++) echo gcc-c++ ;;
        dnf:pkg-config) echo pkgconf-pkg-config ;;
        dnf:openssl) echo openssl-devel ;;
        zypper:openssl) echo libopenssl-devel ;;
        dnf:zlib | zypper:zlib) echo zlib-devel ;;
        dnf:jdk | zypper:jdk) echo java-21-openjdk-devel ;;
        pacman:cc | pacman:c++ | pacman:make | pacman:pkg-config) echo base-devel ;;
        pacman:jdk) echo jdk21-openjdk ;;
        apk:cc | apk:c++ | apk:make) echo build-base ;;
        apk:pkg-config) echo pkgconf ;;
        apk:openssl) echo openssl-dev ;;
        apk:zlib) echo zlib-dev ;;
        apk:jdk) echo openjdk21 ;;
        brew:pkg-config) echo pkgconf ;;
        brew:openssl) echo openssl@3 ;;
        brew:jdk) echo openjdk@21 ;;
        *) echo "$2" ;;
    esac
}

packages() { # package manager, needs...
    local manager=$1 need
    shift
    for need; do package "$manager" "$need"; done | tr ' ' '\n' | sort -u | paste -s -d ' ' -
}

advise() { # needs...; prints how to install them on this system, or on common ones if it is not known
    local manager known=
    for manager in apt-get dnf zypper pacman apk brew; do
        if have "$manager"; then known=$manager; break; fi
    done
    echo "missing: $*"
    for manager in ${known:-apt-get dnf zypper pacman apk brew}; do
        case $manager in
            apt-get) echo "  Debian, Ubuntu: sudo apt-get install $(packages "$manager" "$@")" ;;
            dnf) echo "  Fedora, RHEL:   sudo dnf install $(packages "$manager" "$@")" ;;
            zypper) echo "  openSUSE:       sudo zypper install $(packages "$manager" "$@")" ;;
            pacman) echo "  Arch:           sudo pacman -S --needed $(packages "$manager" "$@")" ;;
            apk) echo "  Alpine:         sudo apk add $(packages "$manager" "$@")" ;;
            brew) echo "  macOS:          xcode-select --install; brew install $(packages "$manager" "$@")" ;;
        esac
    done
}

apt_install() { # packages...
    log "installing $*"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
    # These packages start servers, which the tests do not need: they start their own.
    local server
    for server in prometheus prometheus-alertmanager; do
        if [[ " $* " == *" $server "* ]] && have systemctl; then
            systemctl disable --now "$server" >/dev/null 2>&1 || true
        fi
    done
}

can_apt() { [[ $(id -u) == 0 ]] && have apt-get; }

apt_update() { # only once in a run
    [[ -z ${updated:-} ]] || return 0
    apt-get update -q
    updated=yes
}

# shellcheck disable=SC2046,SC2086 # one word per need and per package, and no arrays: macOS has bash 3.2
system_packages() {
    local lacking
    lacking=$(missing)
    [[ $lacking ]] || return 0
    can_apt || fail "$(advise $lacking)"
    apt_update
    apt_install $(packages apt-get $lacking)
    lacking=$(missing)
    [[ -z $lacking ]] || fail "still $(advise $lacking)"
}

toolchain_answers() {
    (cd "$root" && cargo --version && cargo clippy --version && cargo fmt --version) >/dev/null 2>&1
}

rust_toolchain() {
    local pinned
    pinned=$(sed -n 's/^channel = "\(.*\)"/\1/p' "$root/rust-toolchain.toml")
    if ! have cargo && ! have rustup && can_apt; then
        apt_update
        # Debian 13 and Ubuntu 24.04 are the first releases with this package.
        if apt-cache show rustup >/dev/null 2>&1; then apt_install rustup ca-certificates; fi
    fi
    if have rustup; then
        toolchain_answers && return
        log "installing Rust $pinned"
        rustup toolchain install "$pinned" --profile minimal --component clippy --component rustfmt
        toolchain_answers || fail "Rust $pinned is installed but cargo, clippy or rustfmt does not answer"
        return
    fi
    have cargo || fail "missing: cargo. Install rustup, either from your system's packages (\"rustup\") or by the" \
        "installer that the Rust project's web site offers under \"Install\"; it fetches Rust $pinned by itself"
    local found
    found=$(rustc --version | cut -d ' ' -f 2)
    [[ $(printf '%s\n' "$pinned" "$found" | sort -V | head -n 1) == "$pinned" ]] ||
        fail "cargo is of Rust $found, but $pinned is needed: install rustup, or a newer Rust"
    toolchain_answers || fail "missing: clippy or rustfmt of Rust $found. Install them, or rustup in their place"
}

system_packages
rust_toolchain
log "all found"
