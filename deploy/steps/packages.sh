# shellcheck shell=bash disable=SC2034,SC2154 # variables go from file to file
# Packages of the distribution, by apt or dnf.
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a NEEDRESTART_SUSPEND=1 # Ubuntu asks otherwise

packages_log=/var/log/quote-pipeline/packages.log
lock_timeout_s=600

# install_package CANDIDATE...: the first of them that this distribution has
install_package() {
  local package
  for package in "$@"; do
    if is_installed "$package"; then
      ok "package $package"
      return
    fi
  done
  if is_given --dry-run; then
    printf 'would   install the first of these packages that there is: %s\n' "$*"
    return
  fi
  mkdir -p "${packages_log%/*}"
  if has apt-get; then
    # a new instance knows no packages yet; one without a way out may have them fetched already
    apt_install "$@" && return
    apt update || stop "apt-get update failed:"$'\n'"$(tail -n 5 "$packages_log")"
    apt_install "$@" && return
  elif has dnf; then
    for package in "$@"; do
      # it waits for another dnf by itself
      if dnf --quiet --assumeyes --setopt=install_weak_deps=False install "$package" >"$packages_log" 2>&1; then
        changed "package $package"
        return
      fi
    done
  else
    stop "neither apt-get nor dnf is here, install one of these by hand: $*"
  fi
  stop "none of these packages could be installed: $*"$'\n'"$(tail -n 5 "$packages_log")"
}

is_installed() {
  if has dnf; then
    rpm --query --quiet "$1" && return
  fi
  has dpkg-query && [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

apt_install() {
  local package
  for package in "$@"; do
    apt_knows "$package" || continue
    if apt install --no-install-recommends "$package"; then
      changed "package $package"
      return
    fi
  done
  return 1
}

# A package that others only name, as each distribution has of Java, has no candidate.
apt_knows() {
  local candidate
  candidate=$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p')
  [ -n "$candidate" ] && [ "$candidate" != "(none)" ]
}

# apt-get by itself waits for dpkg's lock only, not for that of the lists, which the first boot's jobs hold for minutes.
apt() {
  local deadline=$((SECONDS + lock_timeout_s)) told=
  until apt-get -qq --assume-yes -o DPkg::Lock::Timeout=60 -o Acquire::Retries=3 "$@" >"$packages_log" 2>&1; do
    grep --quiet --extended-regexp '(Could not get|Unable to acquire.*|Unable to) lock' "$packages_log" || return 1
    [ "$SECONDS" -lt "$deadline" ] || return 1
    [ -n "$told" ] || printf 'wait    for another apt, most often of the first boot, for up to %s minutes\n' $((lock_timeout_s / 60))
    told=yes
    sleep 2
  done
}

# Java that Kafka 4 runs on: what is there, else the distribution's own.
install_java() {
  local version
  version=$(/usr/bin/java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1) || true
  if [ -n "$version" ] && [ "$version" -ge 17 ]; then
    ok "Java $version"
    return
  fi
  install_package openjdk-17-jre-headless openjdk-21-jre-headless openjdk-25-jre-headless default-jre-headless \
    java-21-amazon-corretto-headless java-17-amazon-corretto-headless java-21-openjdk-headless java-17-openjdk-headless
}
