#!/usr/bin/env bash
# Installs Kafka and broker-setup on the broker's instance (Debian 12, Ubuntu 22.04 or newer). Run it again at any time, also to
# upgrade; then runme.sh.
#   sudo deploy/kafka-server/setup.sh
# shellcheck source=deploy/steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/../steps.sh"

create_user() {
  if getent passwd kafka >/dev/null; then
    ok "user kafka"
  else
    useradd --system --user-group --home-dir /var/lib/kafka --no-create-home --shell /usr/sbin/nologin kafka
    changed "user kafka"
  fi
  # the data lie in a folder below this one, so that a disk of its own can be mounted here
  if [ -d /var/lib/kafka ] && [ "$(stat --format %U:%a /var/lib/kafka)" = kafka:750 ]; then
    ok /var/lib/kafka
  else
    install -d -o kafka -g kafka -m 750 /var/lib/kafka
    changed /var/lib/kafka
  fi
}

# Kafka's jars: from kafka/libs beside deploy/, where send.sh puts them, else by Maven as the clone's tests get them. Each version has
# a folder of its own, and /opt/kafka says which one runs.
install_kafka_jars() {
  local libs=$source_root/kafka/libs version target
  if [ ! -d "$libs" ]; then
    local tools=$source_root/scripts/install_tools.sh
    [ -f "$tools" ] || stop "no kafka/libs beside $deploy: copy it here with deploy/send.sh, or run this in a clone of the repository"
    # shellcheck source=/dev/null disable=SC2154
    libs=$(
      . "$tools"
      mkdir -p "$cache"
      is_kafka_there || has mvn || apt_install maven
      install_kafka
      echo "$KAFKA_HOME/libs"
    )
  fi
  version=$(find "$libs" -name 'kafka-clients-*.jar' -printf '%f\n' | sed 's/kafka-clients-\(.*\)\.jar/\1/')
  [ -n "$version" ] || stop "$libs holds no kafka-clients-*.jar"
  target=/opt/kafka-$version
  if diff --brief "$libs" "$target/libs" >/dev/null 2>&1; then
    ok "$target"
  else
    rm -rf "$target.new"
    install -d "$target.new/libs"
    install -m 644 "$libs"/*.jar "$target.new/libs/"
    rm -rf "$target"
    mv "$target.new" "$target"
    changed "$target"
  fi
  if [ "$(readlink /opt/kafka)" = "$target" ]; then
    ok "/opt/kafka -> $target"
  else
    ln --symbolic --force --no-dereference "$target" /opt/kafka
    changed "/opt/kafka -> $target"
  fi
}

install_package openjdk-17-jre-headless openjdk-21-jre-headless
create_user
install_kafka_jars
install_program broker-setup
install_file 644 "$deploy/kafka-server/log4j2.properties" /etc/kafka/log4j2.properties
install_file 644 "$deploy/kafka-server/kafka.service" /etc/systemd/system/kafka.service
install_settings kafka "$deploy/kafka-server/kafka.env.example"
