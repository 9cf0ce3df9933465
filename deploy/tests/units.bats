#!/usr/bin/env bats
# The units, by systemd's own judgement.

setup() {
  command -v systemd-analyze >/dev/null || skip "no systemd-analyze here"
}

# threshold UNIT TENTHS: systemd 252 and newer; the offline look came with 250
exposure() {
  systemd-analyze security --offline=true --threshold="$2" "$BATS_TEST_DIRNAME/../$1"
}

@test "the services may do little beside their work" {
  [ "$(systemd-analyze --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')" -ge 250 ] || skip "systemd-analyze is too old for --offline"
  exposure producer/producer.service 15
  exposure consumer/consumer.service 15
  exposure kafka-server/kafka.service 25
}

@test "systemd finds nothing wrong in the units" {
  for unit in producer/producer consumer/consumer kafka-server/kafka; do
    # with a program that is there, in place of what setup.sh installs
    file=$BATS_TEST_TMPDIR/${unit#*/}.service
    sed -E 's,/usr/(local/)?bin/(producer|consumer|broker-setup|java),/bin/true,' "$BATS_TEST_DIRNAME/../$unit.service" >"$file"
    run systemd-analyze verify --man=no "$file"
    [ "$status" = 0 ]
    [ -z "$output" ]
  done
}

@test "runme.sh and the unit name the same files, in the same order" {
  for unit in producer/producer consumer/consumer kafka-server/kafka; do
    noted=$(sed -n '/^ExecStartPre=.*sha256sum/,/started/p' "$BATS_TEST_DIRNAME/../$unit.service" |
      tr -d '\\\n' | sed 's/.*sha256sum *//; s/ *>.*//' | tr -s ' ' '\n')
    compared=$(settings=/etc/quote-pipeline env_file=/etc/quote-pipeline/${unit#*/}.env \
      api_key=/etc/quote-pipeline/twelve-data-api-key properties=/etc/kafka/server.properties \
      bash -f -c "printf '%s\n' $(sed -n '/^start_service/ s/^start_service \(.*\) ||.*/\1/p' "$BATS_TEST_DIRNAME/../${unit%/*}/runme.sh")")
    [ "$noted" = "$compared" ]
  done
}
