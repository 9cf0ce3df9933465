# shellcheck shell=bash disable=SC2034,SC2154 # variables go from file to file
# Sourced first by setup.sh, runme.sh and uninstall.sh of each role. Each step looks first, acts only if something is to be done, and prints
# which: `ok` or `changed`; with --dry-run `would` in place of `changed`, and nothing is done.
case :$SHELLOPTS: in
  *:posix:*)
    echo "this is a script for bash itself: sudo bash $0" >&2
    exit 2
    ;;
esac
set -euo pipefail
shopt -s inherit_errexit
umask 022 # whoever calls may have a stricter one, and services read what is written here
export LC_ALL=C
PATH=$PATH:/usr/local/bin # sudo leaves it out on Amazon Linux

deploy=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source_root=${deploy%/*} # a clone of the repository, an unpacked release, or what send.sh copied
settings=${QUOTE_PIPELINE_ETC:-/etc/quote-pipeline}

role=$(cd "$(dirname "$0")" && basename "$PWD")
case $role in
  kafka-server) unit=kafka program=broker-setup ;;
  *) unit=$role program=$role ;;
esac
env_file=$settings/$unit.env

ok() { printf 'ok      %s\n' "$*"; }
changed() { printf 'changed %s\n' "$*"; }
note() { printf '        %s\n' "$*"; }
stop() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }
# is_at_least WANTED FOUND, as versions
is_at_least() { [ "$(printf '%s\n' "$1" "$2" | sort --version-sort | head -n 1)" = "$1" ]; }

# act WHAT COMMAND...: does it and says so
act() {
  if is_given --dry-run; then
    printf 'would   %s\n' "$1"
  else
    "${@:2}"
    changed "$1"
  fi
}

# install_file MODE SOURCE TARGET: replaced in one step, so that nobody sees half of it
install_file() {
  if cmp --silent "$2" "$3" && [ "$(stat --format %a "$3")" = "$1" ]; then
    ok "$3"
  else
    act "$3" replace_file "$@"
  fi
}
replace_file() {
  install -D -m "$1" "$2" "$3.new"
  mv --force "$3.new" "$3"
}

# --- arguments ---------------------------------------------------------------------------------------------------------------------

declare -A given=()
assignments=() # NAME=VALUE...

is_given() { [ -n "${given[$1]+x}" ]; }

# read_arguments "FLAG FLAG=..." ARGUMENT...: those that this script has beside --help and --dry-run
read_arguments() {
  local known=" --dry-run $1 " argument
  shift
  for argument in "$@"; do
    case $argument in
      --help | -h)
        usage
        exit 0
        ;;
      --*=*)
        [[ $known == *" ${argument%%=*}= "* ]] || refuse_argument "$argument"
        given[${argument%%=*}]=${argument#*=}
        ;;
      --*)
        [[ $known == *" $argument "* ]] || refuse_argument "$argument"
        given[$argument]=
        ;;
      [A-Za-z_]*=*) assignments+=("$argument") ;;
      *) refuse_argument "$argument" ;;
    esac
  done
  [ "$(id -u)" = 0 ] || stop "run this as root: sudo $0"
}

refuse_argument() {
  printf 'error: %s is no argument of this script; see %s --help\n' "$1" "$0" >&2
  exit 2
}

# The comment that the script begins with.
usage() {
  sed -n '2,/^[^#]/ s/^# \{0,1\}//p' "$0"
}
