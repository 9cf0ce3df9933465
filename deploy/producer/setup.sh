#!/usr/bin/env bash
# Installs the producer (quotes from Twelve Data to Kafka) on this host: Debian 12 or newer, Ubuntu 22.04 or newer, Amazon Linux 2023. Run it again at any
# time, also to upgrade; then runme.sh.
#
#   sudo deploy/producer/setup.sh [NAME=VALUE...]
#
# The program is taken from beside deploy/ (an unpacked release, or what deploy/send.sh copied), else from the release of this clone's
# version at this clone's origin, its sum checked.
#   --build                       builds it in this clone instead; needs 4 GiB of memory
#   --dry-run                     only says what would be changed
#   QUOTE_PIPELINE_RELEASES=...   a folder or URL that holds the release's files, in place of the origin
#   HTTPS_PROXY=... HTTP_PROXY=... NO_PROXY=...
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: sudo bash $0" >&2; exit 2; }
# shellcheck source=deploy/steps/begin.sh
. "$(dirname "${BASH_SOURCE[0]}")/../steps/begin.sh"
# shellcheck source=deploy/steps/setup.sh
. "$deploy/steps/setup.sh"

read_arguments "--build" "$@"
export_assignments
install_own_needs
find_parts
install_program
install_unit
install_settings
next_step
