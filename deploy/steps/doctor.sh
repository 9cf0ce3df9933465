# shellcheck shell=bash disable=SC2034,SC2154 # variables go from file to file
# What on this host keeps the service from its work, and how to mend it. Each look prints one line: `ok`, or `fault` and then the mending.

clock_skew_max_s=120
disk_min_mib=1024
faults_found=0

fault() {
  faults_found=$((faults_found + 1))
  printf 'fault   %s\n' "$1"
  note "$2"
}

# Against the clock of a server that answers, if any does: S3 refuses 15 minutes, Kafka an hour ahead, and the times in the data are wrong.
look_at_clock() {
  local url there skew
  for url in "$(setting "$env_file" AWS_ENDPOINT_URL)" "$(setting "$env_file" TWELVEDATA_API_BASE_URL)" \
    "${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}" https://s3.amazonaws.com; do
    [ -n "$url" ] || continue
    there=$(curl --silent --head --max-time 3 "$url" 2>/dev/null | tr -d '\r' | sed -n 's/^[Dd]ate: //p' | head -n 1) || true
    there=$(date --date "${there:-never}" +%s 2>/dev/null) || continue
    skew=$(($(date +%s) - there))
    if [ "${skew#-}" -gt $clock_skew_max_s ]; then
      fault "the clock of this host is ${skew#-} s $([ "$skew" -gt 0 ] && echo ahead of || echo behind) that of $url" \
        "set it by NTP: sudo timedatectl set-ntp true, or with chrony sudo chronyc makestep; then again: sudo $0"
    else
      ok "clock (within $clock_skew_max_s s of $url)"
    fi
    return
  done
}

# look_at_disk FOLDER
look_at_disk() {
  local folder=$1 free
  until [ -d "$folder" ]; do folder=${folder%/*}; done
  free=$(df --output=avail --block-size=1M "${folder:-/}" | tail -n 1 | tr -d ' ')
  if [ "$free" -lt $disk_min_mib ]; then
    fault "the disk that holds $1 has $free MiB left" \
      "make room (du -xh / | sort -h | tail) or enlarge the volume; it needs $disk_min_mib MiB and more"
  else
    ok "disk of $1 ($free MiB free)"
  fi
}

# Kafka takes 300 to 500 MB beside its heap.
look_at_memory() {
  local memory_mib=$1 swap_kib
  if [ "$memory_mib" -lt 1400 ]; then
    fault "this host has $memory_mib MiB of memory, and Kafka needs 2 GiB" \
      "take an instance of 2 GiB, such as t3.small; to try it all the same: sudo $0 KAFKA_HEAP_MIB=256"
    return
  fi
  ok "memory ($memory_mib MiB)"
  swap_kib=$(awk '/^SwapTotal:/ { print $2 }' /proc/meminfo)
  if [ "$memory_mib" -lt 3500 ] && [ "$swap_kib" = 0 ]; then
    note "without swap a peak ends Kafka: sudo fallocate -l 1G /swap && sudo chmod 600 /swap && sudo mkswap /swap && sudo swapon /swap"
    note "and in /etc/fstab: /swap none swap sw 0 0; in /etc/sysctl.d/: vm.swappiness=1"
  fi
}

# The brokers, as far as a connection goes; the service's own log tells the rest.
look_at_brokers() {
  local address host port status
  for address in ${1//,/ }; do
    host=${address%:*} port=${address##*:}
    if ! getent ahosts "$host" >/dev/null; then
      fault "the broker's name $host does not resolve here" \
        "a private DNS name resolves inside its VPC only: are both instances in one? Else set KAFKA_ADVERTISED_HOST on the broker's host"
      continue
    fi
    status=0
    # shellcheck disable=SC2016 # the inner shell expands them
    timeout 4 bash -c ': <>"/dev/tcp/$1/$2"' connect "$host" "$port" 2>/dev/null || status=$?
    case $status in
      0) ok "broker $address (it listens)" ;;
      124) fault "$address does not answer" \
        "a security group drops it: let TCP $port from this instance's group into the broker's; or the broker's host is down" ;;
      *) fault "$address refuses the connection" \
        "its host is there and Kafka is not; on the broker's host: sudo deploy/kafka-server/runme.sh" ;;
    esac
  done
}
