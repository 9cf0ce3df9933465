#!/usr/bin/env bash
# Installs what the demo and the tests need and this machine lacks. A second run needs no network and changes nothing.
#
#   scripts/install_tools.sh [--tests]         --tests: also what only the tests need
#
# Or source it and call `install_tools`: then PATH, JAVA_HOME, KAFKA_HOME and RUSTUP_TOOLCHAIN are set for the caller.
# Kafka's jars, the S3 server and the Python tools go to ${XDG_CACHE_HOME:-$HOME/.cache}/quote-pipeline.
# Missing system packages are installed by apt as root or by sudo; on other distributions they are named.
# KAFKA_HOME, if set, is used as it is.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/quote-pipeline
kafka_version=4.3.1
own_kafka=$cache/kafka-$kafka_version
java_version=17
export KAFKA_HOME=${KAFKA_HOME:-$own_kafka}
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "error: $*"
  exit 1
}
has() { command -v "$1" >/dev/null; }
is_at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; } # is_at_least WANTED FOUND

install_tools() {
  local with_tests=${1:-}
  mkdir -p "$cache"
  install_packages "$with_tests"
  install_rust
  install_kafka
  install_venv venv requirements # the S3 server and the vendor's client
  [ "$with_tests" != --tests ] || {
    install_venv readers readers
    install_venv checks checks
  }
}

# --- system packages -------------------------------------------------------------------------------------------------

install_packages() {
  local missing=()
  compiles_c || missing+=(gcc libc6-dev)
  has c++ || missing+=(g++) # librdkafka's configure wants it
  has make || missing+=(make)
  perl -MIPC::Cmd -MFile::Compare -MTime::Piece -e 1 2>/dev/null || missing+=(perl)
  setpriv --pdeathsig KILL true 2>/dev/null || missing+=(util-linux)
  use_java || missing+=("openjdk-$java_version-jre-headless")
  has_rust || has curl || missing+=(curl ca-certificates)
  is_kafka_there || has mvn || missing+=(maven)
  is_venv_there venv requirements || python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  if [ "$1" = --tests ]; then
    has shellcheck || missing+=(shellcheck)
    has bats || missing+=(bats)
  fi
  [ ${#missing[@]} = 0 ] && return
  say "system packages: installing ${missing[*]}"
  apt_install "${missing[@]}"
  use_java || fail "no Java $java_version or newer, install one and put \`java\` into the PATH"
}

apt_install() {
  local as_root=() packages=()
  has apt-get || fail "missing: $* (names of Debian packages); install them by hand, then run this again"
  if [ "$(id -u)" != 0 ]; then
    has sudo || fail "missing: $*; as root, run: apt-get install $*"
    as_root=(sudo)
    [ -t 0 ] || as_root=(sudo -n)
  fi
  local log=$cache/apt.log
  mkdir -p "$cache"
  apt update >"$log" 2>&1 || fail "apt-get update failed, see below; install by hand: $*"$'\n'"$(tail -n 5 "$log")"
  for package in "$@"; do
    # a distribution that has dropped this Java has a newer default
    if [[ $package == openjdk-* ]] && ! apt_knows "$package"; then
      package=default-jre-headless
    fi
    packages+=("$package")
  done
  apt install --no-install-recommends "${packages[@]}" >"$log" 2>&1 ||
    fail "apt-get install failed, see below; install by hand: ${packages[*]}"$'\n'"$(tail -n 5 "$log")"
}

# A package that others only name, such as a Java that was dropped, is known and has no candidate.
apt_knows() {
  local candidate
  candidate=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p')
  [ -n "$candidate" ] && [ "$candidate" != "(none)" ]
}

# apt-get by itself waits for dpkg's lock only, not for that of the lists, which the first boot's jobs hold for minutes.
apt() {
  local said deadline=$((SECONDS + 600))
  until said=$("${as_root[@]}" env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=60 -o Acquire::Retries=3 "$@" 2>&1); do
    if ! grep -qE '(Could not get|Unable to acquire.*|Unable to) lock' <<<"$said" || [ "$SECONDS" -ge "$deadline" ]; then
      printf '%s\n' "$said"
      return 1
    fi
    sleep 2
  done
}

compiles_c() {
  has gcc && printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | gcc -x c - -o /dev/null 2>/dev/null
}

# The first Java that is new enough, put first into the PATH.
use_java() {
  local java version
  for java in "${JAVA_HOME:-}/bin/java" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
    [ -x "$java" ] || continue
    version=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p;' | head -n 1)
    if [ -n "$version" ] && [ "$version" -ge "$java_version" ]; then
      java=$(readlink -f "$java")
      export JAVA_HOME=${java%/bin/java}
      export PATH="$JAVA_HOME/bin:$PATH"
      return 0
    fi
  done
  return 1
}

# --- Rust ------------------------------------------------------------------------------------------------------------

rust_version=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$here/../Cargo.toml")

has_rust() {
  local version
  version=$(cargo --version 2>/dev/null | cut -d ' ' -f 2) && is_at_least "$rust_version" "${version:-0}"
}

install_rust() {
  has_rust && return
  if has rustup; then
    export RUSTUP_TOOLCHAIN=$rust_version
    has_rust && return
    say "Rust $rust_version: installing beside the toolchains that are there"
    rustup --quiet toolchain install "$rust_version" --profile minimal --component clippy --component rustfmt ||
      fail "rustup cannot install Rust $rust_version, see above; install it by hand"
  else
    say "Rust $rust_version: installing by rustup into ${CARGO_HOME:-$HOME/.cargo}"
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
      sh -s -- -y --quiet --no-modify-path --profile minimal --component clippy rustfmt \
        --default-toolchain "$rust_version" ||
      fail "rustup cannot be fetched or run, see above; install Rust $rust_version or newer by hand"
  fi
  has_rust || fail "cargo is still older than $rust_version, install Rust by hand"
}

# --- Kafka, S3 server and Python tools: each installed once, by one run at a time --------------------------------------

stamp_of() { cat "$@" | sha256sum | cut -d ' ' -f 1; }
is_stamped() { [ -f "$1/.stamp" ] && [ "$(cat "$1/.stamp")" = "$2" ]; }

is_kafka_there() { [ "$KAFKA_HOME" != "$own_kafka" ] || is_stamped "$own_kafka" "$(kafka_stamp)"; }
kafka_stamp() { stamp_of "$here/tools/pom.xml" "$here/tools/kafka-$kafka_version.sha256"; }

install_kafka() {
  is_kafka_there || locked kafka fetch_kafka
  compgen -G "$KAFKA_HOME/libs/kafka_*.jar" >/dev/null ||
    fail "KAFKA_HOME=$KAFKA_HOME has no libs/kafka_*.jar; unset it, or name an unpacked Kafka"
}

fetch_kafka() {
  is_kafka_there && return
  rm -rf "$KAFKA_HOME".??????
  if ! has_kafka_jars "$KAFKA_HOME"; then
    say "Kafka $kafka_version: downloading its jars by Maven (54 MB)"
    local new
    new=$(mktemp -d "$KAFKA_HOME.XXXXXX")
    mvn -q -B -C -f "$here/tools/pom.xml" \
      org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
      -DoutputDirectory="$new/libs" -DincludeScope=runtime >"$cache/maven.log" 2>&1 ||
      fail "Maven cannot fetch Kafka, see below; or set KAFKA_HOME to an unpacked Kafka 4"$'\n'"$(tail -n 5 "$cache/maven.log")"
    has_kafka_jars "$new" || fail "the jars in $new are not those of kafka-$kafka_version.sha256, nothing installed"
    chmod 755 "$new"
    rm -rf "$KAFKA_HOME"
    mv "$new" "$KAFKA_HOME"
  fi
  kafka_stamp >"$KAFKA_HOME/.stamp"
}
has_kafka_jars() {
  [ -d "$1/libs" ] && (cd "$1/libs" && sha256sum --status --check "$here/tools/kafka-$kafka_version.sha256" 2>/dev/null)
}

# venv NAME REQUIREMENTS: a folder of Python packages in the cache.
is_venv_there() { is_stamped "$cache/$1" "$(venv_stamp "$2")" && "$cache/$1/bin/python" -c '' 2>/dev/null; }
venv_stamp() { stamp_of "$here/tools/$1.txt"; }

install_venv() { is_venv_there "$1" "$2" || locked "$1" fetch_venv "$1" "$2"; }

# Not atomic, as a venv cannot be moved: the stamp comes last, and what was interrupted is done again.
fetch_venv() {
  is_venv_there "$1" "$2" && return
  say "Python packages (tools/$2.txt): installing into $cache/$1"
  "$cache/$1/bin/python" -c '' 2>/dev/null || python3 -m venv --clear "$cache/$1"
  "$cache/$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
    --requirement "$here/tools/$2.txt" >&2 || fail "pip cannot install the packages of tools/$2.txt, see above"
  venv_stamp "$2" >"$cache/$1/.stamp"
}

# locked NAME COMMAND: runs the command while no other run does.
locked() {
  (
    flock --nonblock 9 || {
      say "$1: waiting for another run that installs it"
      flock 9
    }
    "${@:2}"
  ) 9>"$cache/$1.lock"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  install_tools "$@"
  say "all tools are there"
fi
