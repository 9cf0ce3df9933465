#!/usr/bin/env bash
# Starts the producer as a service that outlives this login and a reboot, or again if its settings, key or program changed; ends when Kafka
# has acknowledged its first tick, or with what is wrong.
#
#   sudo deploy/producer/runme.sh KAFKA_BOOTSTRAP_SERVERS=BROKER:9092 SYMBOLS=AAPL,EUR/USD BUCKET_NAME=BUCKET [NAME=VALUE...]
#
# Each NAME=VALUE is kept in /etc/quote-pipeline/producer.env, which may be edited as well; then it needs no argument. AWS_REGION comes from
# the instance, credentials from its role. The first time, it asks for the API key of Twelve Data, if there is a terminal.
#   --api-key=ask         asks for a new API key, without showing it
#   --api-key=stdin       reads it from stdin: ssh HOST sudo .../runme.sh --api-key=stdin < FILE
#   --api-key=ssm:NAME    takes it from the SSM parameter NAME, with this instance's role and the AWS CLI
#   --dry-run             only says what would be changed
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: sudo bash $0" >&2; exit 2; }
# shellcheck source=deploy/steps/begin.sh
. "$(dirname "${BASH_SOURCE[0]}")/../steps/begin.sh"
# shellcheck source=deploy/steps/runme.sh
. "$deploy/steps/runme.sh"
# shellcheck source=deploy/steps/api_key.sh
. "$deploy/steps/api_key.sh"

look() {
  look_at_clock
  look_at_disk /var
  look_at_brokers "$(setting "$env_file" KAFKA_BOOTSTRAP_SERVERS)"
}

read_arguments "--api-key=" "$@"
refuse_secrets
take_api_key
take_settings KAFKA_BOOTSTRAP_SERVERS SYMBOLS
start_service /usr/local/bin/producer /etc/systemd/system/producer.service "$env_file" "$api_key" || give_up look
printf 'runs    %s\n' "$(status_text)"
