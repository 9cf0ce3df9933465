#!/usr/bin/env bash
# Starts the consumer as a service that outlives this login and a reboot, or again if its settings or its program changed.
#   sudo deploy/consumer/runme.sh
# shellcheck source=deploy/steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/../steps.sh"

check_settings "$settings/consumer.env" KAFKA_BOOTSTRAP_SERVERS BUCKET_NAME AWS_REGION
start_service consumer /usr/local/bin/consumer /etc/systemd/system/consumer.service "$settings/consumer.env"
show_service consumer
