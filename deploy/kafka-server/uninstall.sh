#!/usr/bin/env bash
# Takes Kafka from this host. Data and settings stay; a later setup.sh and runme.sh go on with them.
#
#   sudo deploy/kafka-server/uninstall.sh
#   --purge      data, settings and the user kafka as well: what the consumer has not read yet is lost
#   --dry-run    only says what would be removed
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: sudo bash $0" >&2; exit 2; }
# shellcheck source=deploy/steps/begin.sh
. "$(dirname "${BASH_SOURCE[0]}")/../steps/begin.sh"
# shellcheck source=deploy/steps/uninstall.sh
. "$deploy/steps/uninstall.sh"

remove_data() {
  # the folder itself may be a mount
  if [ -d /var/lib/kafka ] && is_given --purge; then
    act "/var/lib/kafka is empty" find /var/lib/kafka -mindepth 1 -delete
  fi
  purge "$env_file" /etc/kafka
  if is_given --purge && getent passwd kafka >/dev/null; then
    act "no user kafka" userdel kafka
  fi
}

read_arguments "--purge" "$@"
remove_service
remove /usr/local/bin/broker-setup /opt/kafka /opt/kafka-[0-9]* /etc/systemd/journald.conf.d/quote-pipeline.conf /var/cache/kafka
remove_data
