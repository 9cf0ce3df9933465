#!/usr/bin/env bash
# Copies what an instance needs to ~/quote-pipeline there: deploy/, the programs built here, and to the broker Kafka's jars.
#
#   cargo build --release
#   deploy/send.sh kafka-server ubuntu@BROKER
#   deploy/send.sh producer ubuntu@PRODUCER
#   deploy/send.sh consumer ubuntu@CONSUMER
#
# SSH: the ssh command (default `ssh`). PROGRAMS: the folder of the built programs (default target/release of this clone).
set -euo pipefail

if [ $# != 2 ] || [[ $1 != @(kafka-server|producer|consumer) ]]; then
  echo "usage: deploy/send.sh kafka-server|producer|consumer [USER@]HOST" >&2
  exit 2
fi
role=$1 host=$2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
programs=${PROGRAMS:-${CARGO_TARGET_DIR:-$root/target}/release}
read -ra ssh <<<"${SSH:-ssh}"

parcel=$(mktemp -d)
trap 'rm -rf "$parcel"' EXIT
ln -s "$root/deploy" "$parcel/deploy"
mkdir "$parcel/bin"
program=$role
if [ "$role" = kafka-server ]; then
  program=broker-setup
  mkdir "$parcel/kafka"
  # shellcheck source=/dev/null disable=SC2154
  ln -s "$(. "$root/scripts/install_tools.sh" && mkdir -p "$cache" && install_kafka && echo "$KAFKA_HOME/libs")" "$parcel/kafka/libs"
fi
if [ ! -x "$programs/$program" ]; then
  echo "error: no $programs/$program, build it first: cargo build --release" >&2
  exit 1
fi
ln -s "$programs/$program" "$parcel/bin/$program"

tar --create --dereference --gzip --directory "$parcel" . |
  "${ssh[@]}" "$host" 'mkdir -p quote-pipeline && rm -rf quote-pipeline/kafka && tar --extract --gzip --directory quote-pipeline'
echo "sent to $host:quote-pipeline; next: ssh $host sudo quote-pipeline/deploy/$role/setup.sh"
