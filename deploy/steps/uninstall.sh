# shellcheck shell=bash disable=SC2034,SC2154 # variables go from file to file
# What uninstall.sh of each role has in common.

remove_service() {
  if [ -e "/etc/systemd/system/$unit.service" ]; then
    act "$unit is stopped and not started at boot" systemctl disable --now --quiet "$unit"
    remove "/etc/systemd/system/$unit.service"
    is_given --dry-run || systemctl daemon-reload
    systemctl reset-failed "$unit" 2>/dev/null || true
  else
    ok "no service $unit"
  fi
}

# remove PATH...
remove() {
  local path
  for path in "$@"; do
    if [ -e "$path" ] || [ -L "$path" ]; then
      act "no $path" rm --recursive --force "$path"
    fi
  done
}

# purge PATH...: removed with --purge, else kept
purge() {
  local path
  if is_given --purge; then
    remove "$@"
  else
    for path in "$@"; do
      [ ! -e "$path" ] || note "$path stays (--purge)"
    done
  fi
}
