#!/usr/bin/env bash
# Installs Kafka and broker-setup on the broker's host: Debian 12 or newer, Ubuntu 22.04 or newer, Amazon Linux 2023. Run it again at any
# time, also to upgrade; then runme.sh.
#
#   sudo deploy/kafka-server/setup.sh [NAME=VALUE...]
#
# Program and Kafka's jars are taken from beside deploy/ (an unpacked release, or what deploy/send.sh copied), else from the release of this
# clone's version at this clone's origin, its sum checked. Java is the distribution's own.
#   --build                       builds in this clone instead, jars by Maven; needs 4 GiB of memory
#   --dry-run                     only says what would be changed
#   QUOTE_PIPELINE_RELEASES=...   a folder or URL that holds the release's files, in place of the origin
#   HTTPS_PROXY=... HTTP_PROXY=... NO_PROXY=...
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: sudo bash $0" >&2; exit 2; }
# shellcheck source=deploy/steps/begin.sh
. "$(dirname "${BASH_SOURCE[0]}")/../steps/begin.sh"
# shellcheck source=deploy/steps/setup.sh
. "$deploy/steps/setup.sh"

install_user() {
  if getent passwd kafka >/dev/null; then
    ok "user kafka"
  else
    act "user kafka" useradd --system --user-group --home-dir /var/lib/kafka --no-create-home --shell "$(command -v nologin || echo /bin/false)" kafka
  fi
  # the data lie in a folder below this one, so that a disk of its own can be mounted here
  if [ -d /var/lib/kafka ] && [ "$(stat --format %U:%a /var/lib/kafka)" = kafka:750 ]; then
    ok /var/lib/kafka
  else
    act /var/lib/kafka install -d -o kafka -g kafka -m 750 /var/lib/kafka
  fi
}

# Each version of Kafka's jars has a folder of its own, and /opt/kafka says which one runs.
install_kafka() {
  local libs=$beside/kafka/libs version target
  [ -n "$beside" ] || return 0
  version=$(find -H "$libs" -name 'kafka-clients-*.jar' -printf '%f\n' 2>/dev/null | sed 's/kafka-clients-\(.*\)\.jar/\1/')
  [ -n "$version" ] || stop "$libs holds no kafka-clients-*.jar: this is not the whole of a release of kafka-server"
  target=/opt/kafka-$version
  if diff --brief --recursive "$libs" "$target/libs" >/dev/null 2>&1; then
    ok "$target"
  else
    act "$target" replace_jars "$libs" "$target"
  fi
  if [ "$(readlink /opt/kafka || true)" = "$target" ]; then
    ok "/opt/kafka -> $target"
  else
    act "/opt/kafka -> $target" ln --symbolic --force --no-dereference "$target" /opt/kafka
  fi
}

replace_jars() {
  rm -rf "$2.new"
  install -d "$2.new/libs"
  install -m 644 "$1"/*.jar "$2.new/libs/"
  rm -rf "$2"
  mv "$2.new" "$2"
}

# Kafka logs to journald alone, which keeps to this.
limit_journal() {
  local target=/etc/systemd/journald.conf.d/quote-pipeline.conf
  if cmp --silent "$deploy/kafka-server/journald.conf" "$target"; then
    ok "$target"
  else
    act "$target" install -D -m 644 "$deploy/kafka-server/journald.conf" "$target"
    is_given --dry-run || systemctl restart systemd-journald
  fi
}

read_arguments "--build" "$@"
export_assignments
install_own_needs
install_java
install_user
find_parts
install_kafka
install_program
install_file 644 "$deploy/kafka-server/log4j2.properties" /etc/kafka/log4j2.properties
limit_journal
install_unit
install_settings
next_step
