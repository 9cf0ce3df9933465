#!/usr/bin/env bash
# Takes the consumer from this host. Settings stay, and so does the bucket; a later setup.sh and runme.sh go on where it stopped.
#
#   sudo deploy/consumer/uninstall.sh
#   --purge      the settings as well
#   --dry-run    only says what would be removed
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: sudo bash $0" >&2; exit 2; }
# shellcheck source=deploy/steps/begin.sh
. "$(dirname "${BASH_SOURCE[0]}")/../steps/begin.sh"
# shellcheck source=deploy/steps/uninstall.sh
. "$deploy/steps/uninstall.sh"

read_arguments "--purge" "$@"
remove_service
remove /usr/local/bin/consumer
purge "$env_file"
