#!/usr/bin/env bash
# Configures Kafka and starts it as a service that outlives this login and a reboot, or again if its program or its settings changed, and makes
# the topics equal to topics.toml; ends when a client reaches it at the address that it tells its clients, or with what is wrong.
#
#   sudo deploy/kafka-server/runme.sh [NAME=VALUE...]
#
# Each NAME=VALUE is kept in /etc/quote-pipeline/kafka.env, which may be edited as well. None is needed on EC2.
#   KAFKA_ADVERTISED_HOST=...   the name by which producer and consumer reach this host; by default its private DNS name
#   KAFKA_HEAP_MIB=...          by default two fifths of the memory, between 256 and 1024
#   KAFKA_SETTINGS='log.retention.hours=336;...'   settings of the broker itself, over those that are made here
#   --dry-run                   only says what would be changed
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: sudo bash $0" >&2; exit 2; }
# shellcheck source=deploy/steps/begin.sh
. "$(dirname "${BASH_SOURCE[0]}")/../steps/begin.sh"
# shellcheck source=deploy/steps/runme.sh
. "$deploy/steps/runme.sh"

properties=/etc/kafka/server.properties

setting_names() { printf '%s\n' KAFKA_ADVERTISED_HOST KAFKA_HEAP_MIB KAFKA_SETTINGS; }

memory_mib() { echo $(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024)); }

# heap_mib MEMORY: Kafka needs 300 to 500 MB beside its heap, and the page cache does the rest of its work.
heap_mib() {
  local heap
  heap=$(setting "$env_file" KAFKA_HEAP_MIB)
  if [ -z "$heap" ]; then
    heap=$(($1 * 2 / 5))
    ((heap <= 1024)) || heap=1024
    ((heap >= 256)) || heap=256
  fi
  [[ $heap =~ ^[0-9]+$ ]] || stop "KAFKA_HEAP_MIB is a number of MiB, not $heap"
  echo "$heap"
}

look() {
  look_at_clock
  look_at_disk /var/lib/kafka
  look_at_memory "$(memory_mib)"
}

# What Kafka would fail by, or its records be wrong by, stops here.
look_first() {
  look_at_clock
  look_at_disk /var/lib/kafka
  [ -n "$(setting "$env_file" KAFKA_HEAP_MIB)" ] || look_at_memory "$(memory_mib)"
  [ "$faults_found" = 0 ] || stop "Kafka is not started on a host like this, see above"
}

write_jvm_settings() {
  local heap new
  heap=$(heap_mib "$(memory_mib)")
  new=$(mktemp)
  echo "HEAP=-Xms${heap}m -Xmx${heap}m" >"$new"
  install_file 644 "$new" /etc/kafka/jvm.env
  rm "$new"
}

# render_properties FILE ARGUMENT...: what the settings of FILE make of server.properties
render_properties() {
  local file=$1 render=(broker-setup --log warn render) host list setting
  shift
  host=$(setting "$file" KAFKA_ADVERTISED_HOST)
  [ -z "$host" ] || render+=(--advertised-host "$host")
  IFS=';' read -ra list <<<"$(setting "$file" KAFKA_SETTINGS)"
  for setting in "${list[@]}"; do render+=(--set "$setting"); done
  "${render[@]}" "$@"
}

# advertised_in: the address for clients, of server.properties on stdin
advertised_in() { sed -n 's|^advertised.listeners=PLAINTEXT://\([^,]*\).*|\1|p'; }

# Kafka itself finds its controller by the name; a wrong one keeps it from starting after the next stop, a minute later and without a word on why.
check_role_settings() {
  local rendered host
  rendered=$(render_properties "$1") || stop "these settings are refused, see above; nothing was changed"
  host=$(advertised_in <<<"$rendered")
  host=${host%:*}
  getent ahosts "$host" >/dev/null ||
    stop "the name $host does not resolve on this host, so that nobody would reach it; nothing was changed. Set KAFKA_ADVERTISED_HOST to a name that does"
}

write_properties() {
  if is_given --dry-run; then
    render_properties "$env_file" --out "$properties" --diff || true
  else
    render_properties "$env_file" --out "$properties"
    # settings may hold passwords, and Kafka's own user reads them
    chown root:kafka "$properties"
    chmod 640 "$properties"
  fi
}

read_arguments "" "$@"
refuse_secrets
# shellcheck disable=SC2119 # none needs a value
take_settings
look_first
write_jvm_settings
write_properties
# as Kafka's own user, whom the data belong to
is_given --dry-run || runuser -u kafka -- broker-setup --log warn format --cluster-id-file /var/lib/kafka/cluster-id
start_service /opt/kafka/libs/*.jar /etc/systemd/system/kafka.service /etc/kafka/log4j2.properties /etc/kafka/jvm.env "$properties" ||
  give_up look
address=$(advertised_in <"$properties")
broker-setup --log warn --bootstrap-server "$address" doctor || give_up look
broker-setup --log warn topics apply --file "$deploy/kafka-server/topics.toml"
cat <<NEXT
runs    Kafka, and clients are told to reach it at $address
next, on the producer's host, with the API key at hand:
  sudo ${0%/kafka-server/*}/producer/runme.sh KAFKA_BOOTSTRAP_SERVERS=$address SYMBOLS=AAPL,EUR/USD BUCKET_NAME=BUCKET
NEXT
