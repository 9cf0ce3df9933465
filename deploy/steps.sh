# shellcheck shell=bash
# Steps of setup.sh and runme.sh, sourced by them. Each looks first, acts only if something is to be done, and prints which: `ok` or
# `changed`.
set -euo pipefail
shopt -s inherit_errexit
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a NEEDRESTART_SUSPEND=1 # Ubuntu asks otherwise

deploy=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_root=${deploy%/*} # a clone of the repository, or what send.sh copied
settings=/etc/quote-pipeline

ok() { printf 'ok      %s\n' "$*"; }
changed() { printf 'changed %s\n' "$*"; }
stop() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || stop "run this as root: sudo $0"

# --- setup.sh ----------------------------------------------------------------------------------------------------------------------

# install_package CANDIDATE...: the first of them that this distribution has
install_package() {
  local package
  for package in "$@"; do
    if [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" = installed ]; then
      ok "package $package"
      return
    fi
  done
  command -v apt-get >/dev/null || stop "no apt-get here, install one of these by hand: $*"
  # a new instance knows no packages yet; one without a way out may have them fetched already
  for package in "$@"; do try_package "$package" && return; done
  apt-get -qq -o DPkg::Lock::Timeout=300 update
  for package in "$@"; do try_package "$package" && return; done
  stop "apt-get cannot install any of: $*"
}

try_package() {
  apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$1" >/var/log/quote-pipeline-apt.log 2>&1 || return 1
  changed "package $1"
}

# install_file MODE SOURCE TARGET: replaced in one step, so that nobody sees half of it
install_file() {
  local mode=$1 source=$2 target=$3
  if cmp --silent "$source" "$target" && [ "$(stat --format %a "$target")" = "$mode" ]; then
    ok "$target"
    return
  fi
  install -D -m "$mode" "$source" "$target.new"
  mv --force "$target.new" "$target"
  changed "$target"
}

# The user's settings: made from the example once, then never touched.
install_settings() {
  local target=$settings/$1.env
  if [ -e "$target" ]; then
    ok "$target"
  else
    install -D -m 600 "$2" "$target"
    changed "$target (edit it, then run runme.sh)"
  fi
}

# install_program NAME: from bin/ beside deploy/, where send.sh puts it, else from the clone.
install_program() {
  local name=$1 built
  built=$source_root/bin/$name
  if [ ! -e "$built" ]; then
    built=$source_root/target/release/$name
    build_program "$name"
  fi
  "$built" --version >/dev/null ||
    stop "$built does not run on this $(uname -m) host: built for another processor or a newer C library; build it on one like this"
  install_file 755 "$built" "/usr/local/bin/$name"
}

# In a clone, by its owner. Cargo sees by itself whether there is anything to do.
build_program() {
  local name=$1 tools=$source_root/scripts/install_tools.sh owner home
  [ -f "$tools" ] || stop "no bin/$name beside $deploy: copy it here with deploy/send.sh, or run this in a clone of the repository"
  echo "building $name, some minutes; instances of less than 4 GiB are too small for it: there, use deploy/send.sh"
  # shellcheck source=/dev/null
  (. "$tools" && compiles_c && has c++ && has make && has curl) || (. "$tools" && apt_install g++ gcc libc6-dev make perl curl ca-certificates)
  owner=$(stat --format %U "$source_root")
  home=$(getent passwd "$owner" | cut -d : -f 6)
  # shellcheck disable=SC2016 # the inner shell expands them
  runuser -u "$owner" -- env HOME="$home" bash -c \
    '. "$1" && install_rust && cd "$2" && cargo build --quiet --release --locked --target-dir target --bin "$3"' \
    build "$tools" "$source_root" "$name"
}

# --- runme.sh ----------------------------------------------------------------------------------------------------------------------

# check_settings FILE NAME...: each name has a value, and no placeholder of the example is left
check_settings() {
  local file=$1 name value faults=()
  shift
  [ -f "$file" ] || stop "$file is not there, run setup.sh first"
  for name in "$@"; do
    value=$(setting "$file" "$name")
    [ -n "$value" ] || faults+=("$name has no value")
  done
  while IFS='=' read -r name value; do
    [[ $name == \#* || $value != *CHANGE_ME* ]] || faults+=("$name still says CHANGE_ME")
  done <"$file"
  if [ "${#faults[@]}" -gt 0 ]; then
    printf 'error: %s: %s\n' "$file" "${faults[@]/#/}" >&2
    exit 1
  fi
  ok "$file is complete"
}

# setting FILE NAME: its value, as systemd reads it: the last one counts
setting() {
  sed -n "s/^$2=//p" "$1" | tail -n 1 | sed 's/^"\(.*\)"$/\1/'
}

# start_service NAME FILE...: enabled at boot, running, and started after the last change of each of the files
start_service() {
  local name=$1 started
  shift
  [ "$(systemctl show --property NeedDaemonReload --value "$name")" = no ] || systemctl daemon-reload
  if systemctl is-enabled --quiet "$name" 2>/dev/null; then
    ok "$name starts at boot"
  else
    systemctl enable --quiet "$name"
    changed "$name starts at boot"
  fi
  if systemctl is-active --quiet "$name"; then
    started=$(systemctl show --property ExecMainStartTimestamp --timestamp=us --value "$name")
    if [ -z "$(find "$@" -maxdepth 0 -newermt "$started")" ]; then
      ok "$name runs"
      return
    fi
  fi
  systemctl reset-failed "$name" 2>/dev/null || true
  if ! systemctl restart "$name"; then
    show_service "$name" || true
    stop "$name did not start, its log is above"
  fi
  changed "$name started"
}

# The last thing that runme.sh does; its exit status is the service's state.
show_service() {
  journalctl --unit "$1" --lines 20 --no-pager --output short-iso
  systemctl is-active "$1"
}
