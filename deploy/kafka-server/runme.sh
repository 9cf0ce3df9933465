#!/usr/bin/env bash
# Configures and starts Kafka as a service that outlives this login and a reboot, and makes the topics equal to topics.toml. Run it
# again at any time: it restarts Kafka only if its program or its configuration changed.
#   sudo deploy/kafka-server/runme.sh
# shellcheck source=deploy/steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/../steps.sh"

properties=/etc/kafka/server.properties

# Kafka needs 300 to 500 MB beside its heap, and the page cache does the rest of its work.
heap_mib() {
  local memory_mib heap
  heap=$(setting "$settings/kafka.env" KAFKA_HEAP_MIB)
  if [ -z "$heap" ]; then
    memory_mib=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))
    heap=$((memory_mib * 2 / 5))
    ((heap <= 1024)) || heap=1024
    ((heap >= 256)) || heap=256
  fi
  [[ $heap =~ ^[0-9]+$ ]] || stop "$settings/kafka.env: KAFKA_HEAP_MIB is a number of MiB, not $heap"
  echo "$heap"
}

check_settings "$settings/kafka.env"
advertised=()
host=$(setting "$settings/kafka.env" KAFKA_ADVERTISED_HOST)
[ -z "$host" ] || advertised=(--advertised-host "$host")

heap=$(heap_mib)
jvm=$(mktemp)
echo "HEAP=-Xms${heap}m -Xmx${heap}m" >"$jvm"
install_file 644 "$jvm" /etc/kafka/jvm.env
rm "$jvm"
broker-setup render "${advertised[@]}" --out $properties
# as Kafka's own user, whom the data belong to
runuser -u kafka -- broker-setup format --cluster-id-file /var/lib/kafka/cluster-id
start_service kafka /opt/kafka /etc/systemd/system/kafka.service /etc/kafka/log4j2.properties /etc/kafka/jvm.env $properties
broker-setup topics apply --file "$deploy/kafka-server/topics.toml"
echo "producer and consumer set KAFKA_BOOTSTRAP_SERVERS=$(sed -n 's|^advertised.listeners=PLAINTEXT://\([^,]*\).*|\1|p' $properties)"
show_service kafka
