#!/usr/bin/env bash
# The deployment of deploy/, rehearsed on three hosts on this machine: copied, set up and started over ssh as on EC2, until ticks lie in the
# bucket; then each host is rebooted in turn and new ticks must follow, every script must change nothing when it runs again, and the bucket
# must pass the audit. Twelve Data is played by the stand-in, S3 by SeaweedFS, both outside the hosts.
#
#   scripts/rehearse_deploy.sh [--release]
#
# Builds as whoever calls it; asks sudo for the hosts.
#
# Exit status 0: all of it held.
set -euo pipefail

export REHEARSAL_START=${REHEARSAL_START:-$EPOCHSECONDS}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
here_address=10.77.0.1
producer_address=10.77.0.12
consumer_address=10.77.0.13
api_key=0123456789abcdef0123456789abcdef
vendor_port=8080
s3_port=8333
bucket=rehearsal
topic=stock_pipeline
deadline_s=120
export AWS_ACCESS_KEY_ID=rehearsal AWS_SECRET_ACCESS_KEY=rehearsal-secret AWS_REGION=us-east-1
export AWS_ENDPOINT_URL=http://$here_address:$s3_port

main() {
  local profile=dev folder=debug
  case "${1:-}" in
    '') ;;
    --release) profile=release folder=release ;;
    *)
      echo "usage: scripts/rehearse_deploy.sh [--release]" >&2
      exit 2
      ;;
  esac
  # shellcheck source=/dev/null
  . "$root/scripts/install_tools.sh"
  install_tools
  step "build"
  (cd "$root" && cargo build --workspace --bins --profile "$profile")
  # shellcheck disable=SC2154 # set by install_tools.sh
  export PROGRAMS=${CARGO_TARGET_DIR:-$root/target}/$folder VENV=$cache/venv
  step "three hosts"
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo "--preserve-env=KAFKA_HOME,PROGRAMS,VENV,REHEARSAL_START")
  exec "${as_root[@]}" "$root/scripts/hosts.sh" "$root/scripts/rehearse_deploy.sh" --between-hosts
}

# --- from here on: beside the hosts ------------------------------------------------------------------------------------------------

rehearse() {
  work=$(mktemp -d "$HOSTS_STATE/rehearsal.XXXX")
  export SSH="ssh -F $HOSTS_SSH_CONFIG"
  trap show_logs EXIT

  step "Twelve Data's stand-in and S3"
  start_outside
  step "broker: send, setup, runme"
  deploy_broker
  step "producer: send, setup, runme"
  deploy_client producer "$(client_settings)
    s|^SYMBOLS=.*|SYMBOLS=AAPL,EUR/USD,BTC/USD|
    s|^INTERVAL=.*|INTERVAL=1s|
    \$a TWELVEDATA_API_BASE_URL=http://$here_address:$vendor_port"
  step "consumer: send, setup, runme"
  deploy_client consumer "$(client_settings)
    \$a FLUSH_INTERVAL=2s"
  step "ticks in the bucket"
  await_new_objects 1 /dev/null

  reboot consumer consumer
  reboot broker kafka
  reboot producer producer

  step "second run of all scripts"
  run_again kafka-server broker kafka
  run_again producer producer producer
  run_again consumer consumer consumer

  step "stop, audit"
  on producer sudo systemctl stop producer
  on consumer sudo systemctl stop consumer
  "$PROGRAMS/consumer" audit --bucket $bucket --topic $topic
  step "done"
  trap - EXIT
}

step() {
  printf '\033[1m%4d s  %s\033[0m\n' "$((EPOCHSECONDS - REHEARSAL_START))" "$*" >&2
}

on() {
  ssh -F "$HOSTS_SSH_CONFIG" "$@"
}

start_outside() {
  nft add rule inet security_group in ip saddr $producer_address tcp dport "{ $vendor_port, $s3_port }" accept
  nft add rule inet security_group in ip saddr $consumer_address tcp dport $s3_port accept
  "$PROGRAMS/twelve-data-stand-in" --listen $here_address:$vendor_port --api-key $api_key \
    --credits-per-minute 1000 >"$work/vendor.log" 2>&1 &
  await_port $vendor_port $!
  "$VENV/bin/weed" mini -dir="$work" -ip=$here_address -ip.bind=$here_address -s3.port=$s3_port \
    -s3.autoCreateBucket=false -master.telemetry=false >"$work/s3.log" 2>&1 &
  await_port $s3_port $!
}

# await_port PORT PROCESS
await_port() {
  deadline=$((SECONDS + deadline_s))
  until (: <>"/dev/tcp/$here_address/$1") 2>/dev/null; do
    kill -0 "$2" 2>/dev/null || fail_rehearsal "what should listen on port $1 has ended"
    in_time "port $1" && sleep 0.2
  done
}

deploy_broker() {
  "$root/deploy/send.sh" kafka-server broker
  on broker sudo quote-pipeline/deploy/kafka-server/setup.sh
  on broker sudo quote-pipeline/deploy/kafka-server/runme.sh
}

# deploy_client ROLE SETTINGS: as the README has it; SETTINGS is a sed script for the file of settings
deploy_client() {
  local role=$1 edits=$2
  "$root/deploy/send.sh" "$role" "$role"
  on "$role" sudo "quote-pipeline/deploy/$role/setup.sh"
  must_refuse "$role" "BUCKET_NAME still says CHANGE_ME"
  on "$role" "sudo sed -i -f - /etc/quote-pipeline/$role.env" <<<"$edits"
  if [ "$role" = producer ]; then
    must_refuse producer "API key is missing"
    give_key "another-$api_key"
    must_refuse producer "API key"
    [ "$(on producer systemctl show --property NRestarts --value producer)" = 0 ] || fail_rehearsal "a refused key is tried again"
    give_key $api_key
  fi
  on "$role" sudo "quote-pipeline/deploy/$role/runme.sh"
}

give_key() {
  on producer sudo install -D -m 0600 /dev/stdin /etc/quote-pipeline/twelve-data-api-key <<<"$1"
}

client_settings() {
  cat <<SED
    s/^KAFKA_BOOTSTRAP_SERVERS=.*/KAFKA_BOOTSTRAP_SERVERS=broker.internal:9092/
    s/^BUCKET_NAME=.*/BUCKET_NAME=$bucket/
    s/^AWS_REGION=.*/AWS_REGION=$AWS_REGION/
    \$a AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL
    \$a AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID
    \$a AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY
SED
}

# A start with a setting missing is refused, and the message names it.
must_refuse() {
  local role=$1 reason=$2 said
  if said=$(on "$role" sudo "quote-pipeline/deploy/$role/runme.sh" 2>&1); then
    fail_rehearsal "$role started although something is missing: $reason"
  fi
  grep --quiet --fixed-strings "$reason" <<<"$said" || fail_rehearsal "$role does not say \"$reason\" but: $said"
}

# Asked of the S3 server itself, not through S3: curl 7.88 signs what SeaweedFS does not accept.
list_objects() {
  "$VENV/bin/weed" shell -master=$here_address:9333 <<<"fs.tree /buckets/$bucket" 2>/dev/null |
    grep --only-matching "$topic-[0-9]*-[0-9]*\.jsonl[.a-z]*" | sort || true
}

# await_new_objects N LIST: objects never change once written, so a name that is not in the list is new ticks
await_new_objects() {
  local new
  deadline=$((SECONDS + deadline_s))
  until new=$(list_objects | comm -13 "$2" -) && [ "$(grep --count . <<<"$new")" -ge "$1" ]; do
    in_time "$1 new objects in the bucket" && sleep 1
  done
  echo "$new"
}

# reboot HOST UNIT: nobody starts anything by hand, and ticks flow again
reboot() {
  local host=$1 unit=$2 before
  step "reboot of $host"
  before=$(on "$host" cat /proc/sys/kernel/random/boot_id)
  on "$host" sudo systemctl reboot || true # the connection is cut
  deadline=$((SECONDS + deadline_s))
  until [ "$(on "$host" cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo "$before")" != "$before" ] &&
    on "$host" systemctl is-active --quiet "$unit"; do
    in_time "$unit after the reboot of $host" && sleep 0.2
  done
  step "new ticks in the bucket"
  list_objects >"$work/before"
  # A consumer may have had two objects in the making for each of the three partitions; the seventh was read after the reboot.
  await_new_objects 7 "$work/before"
}

run_again() {
  local role=$1 host=$2 unit=$3 said before
  on "$host" systemd-analyze verify "$unit.service"
  before=$(on "$host" systemctl show --property MainPID "$unit")
  said=$(on "$host" "sudo quote-pipeline/deploy/$role/setup.sh && sudo quote-pipeline/deploy/$role/runme.sh")
  ! grep -E '^(changed|created) ' <<<"$said" || fail_rehearsal "the second run on $host changed something, see above"
  [ "$(on "$host" systemctl show --property MainPID "$unit")" = "$before" ] || fail_rehearsal "the second run restarted $unit"
}

in_time() {
  [ "$SECONDS" -lt "$deadline" ] || fail_rehearsal "waited $deadline_s s for $1"
}

fail_rehearsal() {
  echo "rehearsal failed: $*" >&2
  exit 1
}

show_logs() {
  local status=$? log
  for log in vendor s3; do
    echo "--- $log"
    tail -n 20 "$work/$log.log"
  done >&2
  for log in broker:kafka producer:producer consumer:consumer; do
    echo "--- $log"
    on "${log%:*}" sudo journalctl --unit "${log#*:}" --lines 40 --no-pager --output cat || true
  done >&2
  exit "$status"
}

if [ "${1:-}" = --between-hosts ]; then
  rehearse
else
  main "$@"
fi
