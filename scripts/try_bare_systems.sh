#!/usr/bin/env bash
# The README's two commands on systems on which nothing is installed: each in a root of its own, made by debootstrap, with this machine's network.
#
#   sudo scripts/try_bare_systems.sh [--tools-only] RELEASE...     bookworm trixie jammy noble ...
#
#   --tools-only   installs what the commands need, builds and runs nothing
#   --own-rust     takes this user's Rust instead of fetching it, for machines that do not reach rustup
#
# What a run leaves is removed; the log of one that failed is shown.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools_only='' own_rust='' releases=()

main() {
  local argument release
  for argument in "$@"; do
    case $argument in
      --tools-only) tools_only=yes ;;
      --own-rust) own_rust=yes ;;
      [a-z]*) releases+=("$argument") ;;
      *) usage ;;
    esac
  done
  [ "${#releases[@]}" -gt 0 ] || usage
  if [ "$(id -u)" != 0 ]; then
    echo "try_bare_systems.sh: run this as root: debootstrap needs it" >&2
    exit 1
  fi
  command -v debootstrap >/dev/null || { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install debootstrap; }
  bare=$(mktemp -d "${TMPDIR:-/var/tmp}/bare-systems.XXXXXX")
  trap clean_up EXIT
  for release in "${releases[@]}"; do
    try "$release"
  done
}

usage() {
  sed -n '2,/^[^#]/ s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

# The mounts lie in a namespace of each try and go with it.
clean_up() {
  rm -rf --one-file-system "$bare"
}

try() {
  local release=$1 target=$bare/$1 start=$SECONDS command
  echo "$release: making a bare system"
  if ! debootstrap --variant=minbase "$release" "$target" >"$bare/$release.log" 2>&1; then
    tail -n 20 "$bare/$release.log" >&2
    exit 1
  fi
  copy_sources "$target/root/quote-pipeline"
  copy_network "$target"
  if [ -n "$tools_only" ]; then
    run "$release" scripts/install_tools.sh --tests
    # a second run needs no network and changes nothing
    run "$release" unshare --net scripts/install_tools.sh --tests
  else
    for command in scripts/demo.sh scripts/test.sh; do run "$release" "./$command"; done
  fi
  echo "$release: went well in $((SECONDS - start)) s"
  rm -rf --one-file-system "$target"
}

# What a clone has.
copy_sources() {
  mkdir -p "$1"
  git -C "$root" -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
    (cd "$root" && while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done) |
    tar --create --directory "$root" --null --files-from - | tar --extract --directory "$1"
}

# Names, certificates and where this user's tools look for packages.
copy_network() {
  local file
  cp --dereference /etc/resolv.conf /etc/hosts "$1/etc/"
  for file in /etc/pip.conf /etc/apt/apt.conf.d/*proxy* /usr/local/share/ca-certificates \
    "$HOME"/.config/pip "$HOME"/.m2/settings.xml "$HOME"/.cargo/config.toml; do
    [ -e "$file" ] || continue
    install -d "$1${file%/*}"
    cp --recursive --dereference "$file" "$1${file%/*}/"
  done
}

# run RELEASE COMMAND...: in the root, as root, in namespaces that end with it
run() {
  local release=$1 target=$bare/$1
  shift
  echo "$release: $*"
  # shellcheck disable=SC2016 # the inner shell expands them
  if ! unshare --mount --pid --fork --kill-child bash -euc '
    target=$1 own_rust=$2
    shift 2
    mount --bind "$target" "$target"
    mount -t proc proc "$target/proc"
    mount --rbind /dev "$target/dev"
    mount -t sysfs sysfs "$target/sys"
    mount -t tmpfs -o mode=1777 tmpfs "$target/tmp"
    if [ -n "$own_rust" ]; then
      # as they are, and whatever is written stays in the root
      for folder in .rustup .cargo; do
        mkdir -p "$target/root/$folder" "$target/own-rust/$folder/upper" "$target/own-rust/$folder/work"
        mount -t overlay overlay \
          -o "lowerdir=$HOME/$folder,upperdir=$target/own-rust/$folder/upper,workdir=$target/own-rust/$folder/work" "$target/root/$folder"
      done
    fi
    cd "$target/root/quote-pipeline"
    exec chroot "$target" /usr/bin/env --ignore-environment HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      ${https_proxy:+https_proxy="$https_proxy"} ${http_proxy:+http_proxy="$http_proxy"} \
      ${RUSTUP_TOOLCHAIN:+RUSTUP_TOOLCHAIN="$RUSTUP_TOOLCHAIN"} ${PIP_INDEX_URL:+PIP_INDEX_URL="$PIP_INDEX_URL"} \
      bash -c "cd /root/quote-pipeline && exec \"\$@\"" in-root "$@"
  ' bare "$target" "$own_rust" "$@" >>"$bare/$release.log" 2>&1 </dev/null; then
    tail -n 60 "$bare/$release.log" >&2
    echo "error: on a bare $release, $* failed, see above" >&2
    exit 1
  fi
}

main "$@"
