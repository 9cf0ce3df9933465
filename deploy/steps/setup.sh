# shellcheck shell=bash disable=SC2034,SC2154 # variables go from file to file
# What setup.sh of each role has in common.
# shellcheck source=deploy/steps/packages.sh
. "$deploy/steps/packages.sh"
# shellcheck source=deploy/steps/program.sh
. "$deploy/steps/program.sh"
# shellcheck source=deploy/steps/settings.sh
. "$deploy/steps/settings.sh"

# Proxies and the place of the releases: sudo takes variables away, arguments stay.
export_assignments() {
  local assignment
  for assignment in "${assignments[@]}"; do
    case $assignment in
      QUOTE_PIPELINE_RELEASES=*) export "${assignment?}" ;;
      HTTPS_PROXY=* | HTTP_PROXY=* | NO_PROXY=*)
        export "${assignment?}"
        local name=${assignment%%=*}
        export "${name,,}=${assignment#*=}" # apt and curl read these
        ;;
      *) refuse_argument "$assignment" ;;
    esac
  done
}

# What the scripts themselves need and a minimal image may lack.
install_own_needs() {
  install_package ca-certificates
  has curl || install_package curl curl-minimal
  has tar || install_package tar
  has cmp || install_package diffutils
}

install_unit() {
  install_file 644 "$deploy/$role/$unit.service" "/etc/systemd/system/$unit.service"
}

next_step() {
  echo "next: sudo $(dirname "$0")/runme.sh --help"
}
