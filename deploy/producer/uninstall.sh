#!/usr/bin/env bash
# Takes the producer from this host. Settings, API key and state stay, and so do topic and bucket.
#
#   sudo deploy/producer/uninstall.sh
#   --purge      settings, API key and state as well
#   --dry-run    only says what would be removed
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: sudo bash $0" >&2; exit 2; }
# shellcheck source=deploy/steps/begin.sh
. "$(dirname "${BASH_SOURCE[0]}")/../steps/begin.sh"
# shellcheck source=deploy/steps/uninstall.sh
. "$deploy/steps/uninstall.sh"

read_arguments "--purge" "$@"
remove_service
remove /usr/local/bin/producer
purge "$env_file" "$settings/twelve-data-api-key" /var/lib/producer /var/lib/private/producer
