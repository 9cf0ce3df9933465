#!/usr/bin/env bash
# Installs the producer on its instance (Debian 12, Ubuntu 22.04 or newer). Run it again at any time, also to upgrade; then runme.sh.
#   sudo deploy/producer/setup.sh
# shellcheck source=deploy/steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/../steps.sh"

install_package ca-certificates
install_program producer
install_file 644 "$deploy/producer/producer.service" /etc/systemd/system/producer.service
install_settings producer "$deploy/producer/producer.env.example"
