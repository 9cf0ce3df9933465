#!/usr/bin/env bash
# Starts the consumer as a service that outlives this login and a reboot, or again if its settings or its program changed; ends when it has
# read what the topic held and written its first object, or with what is wrong.
#
#   sudo deploy/consumer/runme.sh KAFKA_BOOTSTRAP_SERVERS=BROKER:9092 BUCKET_NAME=BUCKET [NAME=VALUE...]
#
# Each NAME=VALUE is kept in /etc/quote-pipeline/consumer.env, which may be edited as well; then it needs no argument. AWS_REGION comes from
# the instance, credentials from its role.
#   --dry-run    only says what would be changed
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: sudo bash $0" >&2; exit 2; }
# shellcheck source=deploy/steps/begin.sh
. "$(dirname "${BASH_SOURCE[0]}")/../steps/begin.sh"
# shellcheck source=deploy/steps/runme.sh
. "$deploy/steps/runme.sh"

look() {
  look_at_clock
  look_at_disk /var
  look_at_brokers "$(setting "$env_file" KAFKA_BOOTSTRAP_SERVERS)"
}

# The service is ready once it knows where each of its partitions goes on in the bucket; this waits for what it then does: an object, or for
# some seconds nothing that could be read.
await_first_object() {
  local deadline=$((SECONDS + proof_timeout_s)) quiet_until=$((SECONDS + 8)) state=
  until [[ $state =~ [1-9][0-9]*\ objects\ written ]]; do
    if [[ $state == "nothing to read yet"* ]] && [ "$SECONDS" -ge "$quiet_until" ]; then
      return
    fi
    systemctl is-active --quiet consumer && [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.5
    state=$(systemctl show --property StatusText --value consumer)
  done
}

read_arguments "" "$@"
refuse_secrets
take_settings KAFKA_BOOTSTRAP_SERVERS BUCKET_NAME
start_service /usr/local/bin/consumer /etc/systemd/system/consumer.service "$env_file" || give_up look
await_first_object || give_up look
printf 'runs    %s, into s3://%s/%s\n' "$(status_text)" "$(setting "$env_file" BUCKET_NAME)" "$(setting "$env_file" BUCKET_PREFIX)"
