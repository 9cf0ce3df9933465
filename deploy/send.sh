#!/usr/bin/env bash
# Copies what a host needs to ~/quote-pipeline there: for programs built here, or for hosts that reach no release themselves.
#
#   deploy/send.sh kafka-server|producer|consumer [USER@]HOST
#
# Sent is the release archive of the host's processor in dist/ (scripts/release.sh), else the programs of target/release with Kafka's jars.
#   SSH        the ssh command, `ssh` by default
#   RELEASES   the folder of the archives, dist/ of this clone by default
#   PROGRAMS   the folder of the programs, in place of an archive
set -euo pipefail

case "${1:-} $#" in
  "kafka-server 2" | "producer 2" | "consumer 2") ;;
  *)
    sed -n '2,/^[^#]/ s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
role=$1 host=$2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
read -ra ssh <<<"${SSH:-ssh}"
releases=${RELEASES:-$root/dist}

# into a folder made anew, so that nothing of an older one is left
# shellcheck disable=SC2016 # the host expands it
unpack='umask 022 && rm -rf quote-pipeline && mkdir quote-pipeline && tar --extract --gzip --directory quote-pipeline'

send_archive() {
  local processor archive
  processor=$("${ssh[@]}" "$host" uname -m </dev/null)
  archive=$(find "$releases" -name "quote-pipeline-*-$role-$processor.tar.gz" -newermt @0 -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
  if [ -z "$archive" ]; then
    echo "error: no archive of $role for $processor in $releases; scripts/release.sh builds one" >&2
    exit 1
  fi
  "${ssh[@]}" "$host" "$unpack --strip-components=1" <"$archive"
  echo "sent ${archive##*/} to $host:quote-pipeline"
}

send_programs() {
  local programs=${PROGRAMS:-${CARGO_TARGET_DIR:-$root/target}/release} program=$role parcel
  parcel=$(mktemp -d)
  # shellcheck disable=SC2064 # this folder
  trap "rm -rf '$parcel'" EXIT
  mkdir -p "$parcel/bin" "$parcel/deploy"
  ln -s "$root/deploy/steps" "$root/deploy/$role" "$parcel/deploy/"
  if [ "$role" = kafka-server ]; then
    program=broker-setup
    mkdir "$parcel/kafka"
    # shellcheck source=/dev/null disable=SC2154
    ln -s "$(. "$root/scripts/install_tools.sh" && mkdir -p "$cache" && install_kafka && echo "$KAFKA_HOME/libs")" "$parcel/kafka/libs"
  fi
  if [ ! -x "$programs/$program" ]; then
    echo "error: no archive in $releases and no $programs/$program: scripts/release.sh, or cargo build --release" >&2
    exit 1
  fi
  ln -s "$programs/$program" "$parcel/bin/$program"
  tar --create --dereference --gzip --directory "$parcel" . | "${ssh[@]}" "$host" "$unpack"
  echo "sent $programs/$program to $host:quote-pipeline"
}

if [ -z "${PROGRAMS:-}" ] && [ -d "$releases" ]; then
  send_archive
else
  send_programs
fi
echo "next: ssh $host sudo quote-pipeline/deploy/$role/setup.sh"
