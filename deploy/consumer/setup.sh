#!/usr/bin/env bash
# Installs the consumer on its instance (Debian 12, Ubuntu 22.04 or newer). Run it again at any time, also to upgrade; then runme.sh.
#   sudo deploy/consumer/setup.sh
# shellcheck source=deploy/steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/../steps.sh"

install_package ca-certificates
install_program consumer
install_file 644 "$deploy/consumer/consumer.service" /etc/systemd/system/consumer.service
install_settings consumer "$deploy/consumer/consumer.env.example"
