# shellcheck shell=bash disable=SC2034,SC2154 # variables go from file to file
# What runme.sh of each role has in common.
# shellcheck source=deploy/steps/settings.sh
. "$deploy/steps/settings.sh"
# shellcheck source=deploy/steps/service.sh
. "$deploy/steps/service.sh"
# shellcheck source=deploy/steps/doctor.sh
. "$deploy/steps/doctor.sh"

# usage: the script's comment, and the settings as they are
usage() {
  sed -n '2,/^[^#]/ s/^# \{0,1\}//p' "$0"
  printf '\nSettings in %s now:\n' "$env_file"
  { grep --extended-regexp '^[A-Za-z_][A-Za-z0-9_]*=' "$env_file" 2>/dev/null || echo "(none that this user may read)"; } |
    sed -e 's/^\([A-Z_]*\(SECRET\|PASSWORD\|TOKEN\|KEY\)[A-Z_]*=\).*/\1(hidden)/' -e 's/^/  /'
  if [ -x "/usr/local/bin/$program" ]; then
    printf '\nNames that may be set (%s --help says more):\n' "$program"
    setting_names | sort --unique | paste --serial --delimiters=' ' | fold --spaces --width=118 | sed 's/^/  /'
  fi
}

# check_role_settings FILE: what only this role can say of its settings; a script may have its own
check_role_settings() { :; }

# take_settings NAME...: what the arguments say, into the file of settings, once all of it is right; NAMEs must have a value
take_settings() {
  local new
  has "/usr/local/bin/$program" || stop "/usr/local/bin/$program is not there, run setup.sh first"
  new=$(mktemp)
  # shellcheck disable=SC2064 # this file
  trap "rm -f '$new' '$new.next'" EXIT
  new_settings "$new"
  [ "$unit" = kafka ] || find_region "$new"
  check_settings "$new" "$@"
  check_role_settings "$new"
  install_file 600 "$new" "$env_file"
  rm -f "$new"
}
