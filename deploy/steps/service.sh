# shellcheck shell=bash disable=SC2034,SC2154 # variables go from file to file
# The role's service: started after each change, and watched until it has proven itself.

proof_timeout_s=${QUOTE_PIPELINE_PROOF_TIMEOUT_S:-150}

# start_service FILE...: enabled at boot, and running with these files as they are now. The unit notes with which it started, in the same order.
# Returns when systemd calls the service ready, which it says of itself once its data has come through; 1 if it does not.
start_service() {
  started_at=$EPOCHSECONDS
  if is_given --dry-run; then
    printf 'would   start %s, unless it runs with these files already\n' "$unit"
    exit 0
  fi
  local is_loaded=yes
  if [ "$(systemctl show --property NeedDaemonReload --value "$unit")" != no ]; then
    systemctl daemon-reload
    is_loaded=
  fi
  if systemctl is-enabled --quiet "$unit" 2>/dev/null; then
    ok "$unit starts at boot"
  else
    systemctl enable --quiet "$unit"
    changed "$unit starts at boot"
  fi
  if [ -n "$is_loaded" ] && systemctl is-active --quiet "$unit" && cmp --silent <(sha256sum "$@") "/run/quote-pipeline/$unit.started"; then
    ok "$unit runs"
    return
  fi
  systemctl reset-failed "$unit" 2>/dev/null || true
  changed "$unit starts"
  systemctl restart "$unit" 2>/dev/null &
  await_start $!
}

# await_start JOB: tells every 10 s what the service waits for
await_start() {
  local told=$SECONDS deadline=$((SECONDS + proof_timeout_s)) status=0
  while kill -0 "$1" 2>/dev/null; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      kill "$1" 2>/dev/null || true
      return 1
    fi
    if [ "$SECONDS" -ge $((told + 10)) ]; then
      told=$SECONDS
      printf 'wait    %s\n' "$(status_text)"
    fi
    sleep 0.5
  done
  wait "$1" || status=$?
  return "$status"
}

status_text() {
  local text
  text=$(systemctl show --property StatusText --value "$unit")
  [ -n "$text" ] || text=$(journalctl --unit "$unit" --lines 1 --no-pager --output cat | cut -c 1-200)
  echo "$text"
}

# What the service said since runme.sh started it.
log_since_start() {
  journalctl --unit "$unit" --since "@$started_at" --no-pager --output cat "$@"
}

# give_up LOOK...: the service has not proven itself. Its own words, what this host has to do with it, and what happens next.
give_up() {
  local words
  words=$(log_since_start | sed -n 's/^[^ ]* *\(ERROR\|WARN\) *//p' | tail -n 1)
  echo
  printf 'the last lines of its log (journalctl --unit %s):\n' "$unit"
  log_since_start --lines 8 | cut -c 1-400 | sed 's/^/        /'
  echo
  printf 'what this host shows:\n'
  for look in "$@"; do $look; done
  echo
  printf 'error: %s has not proven itself: %s\n' "$unit" "${words:-$(status_text)}" >&2
  case $(systemctl is-active "$unit" || true) in
    active | activating | reloading) printf '       it goes on trying; once that is mended: sudo %s\n' "$0" >&2 ;;
    *) printf '       it is down and is not tried again; mend that, then: sudo %s\n' "$0" >&2 ;;
  esac
  exit 1
}
