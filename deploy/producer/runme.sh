#!/usr/bin/env bash
# Starts the producer as a service that outlives this login and a reboot, or again if its settings, key or program changed.
#   sudo deploy/producer/runme.sh
# shellcheck source=deploy/steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/../steps.sh"

key=$settings/twelve-data-api-key

check_settings "$settings/producer.env" KAFKA_BOOTSTRAP_SERVERS SYMBOLS
[ -s "$key" ] || stop "the API key is missing; from your own machine, put it there out of a file that holds nothing else:
  ssh HOST 'sudo install -D -m 0600 /dev/stdin $key' < API_KEY_FILE"
[ "$(stat --format %a:%U "$key")" = 600:root ] || stop "others may read the API key: chown root $key && chmod 600 $key"
ok "$key is there"

start_service producer /usr/local/bin/producer /etc/systemd/system/producer.service "$settings/producer.env" "$key"
show_service producer
