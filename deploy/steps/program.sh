# shellcheck shell=bash disable=SC2034,SC2154 # variables go from file to file
# Where a role's program comes from: from beside deploy/ (an unpacked release, send.sh), else from the release of this clone's version,
# else, with --build, from the clone itself.
glibc_floor=2.28
library=/usr/local/lib/quote-pipeline # programs are tried out here: /tmp and /home may be mounted noexec
downloads=/var/cache/quote-pipeline
beside= # the folder that holds bin/ and, for the broker, kafka/

# find_parts: sets `beside`
find_parts() {
  if [ -e "$source_root/bin/$program" ]; then
    beside=$source_root
  elif is_given --build; then
    build_parts
  elif is_given --dry-run; then
    find_release
    printf 'would   take %s from %s\n' "$archive" "$releases"
  else
    fetch_release
  fi
}

# install_program: once it has shown that it runs here
install_program() {
  local trial said
  if [ -z "$beside" ]; then
    return
  fi
  if cmp --silent "$beside/bin/$program" "/usr/local/bin/$program"; then
    ok "/usr/local/bin/$program"
    return
  fi
  if is_given --dry-run; then
    printf 'would   /usr/local/bin/%s\n' "$program"
    return
  fi
  mkdir -p "$library"
  trial=$(mktemp "$library/$program.XXXXXX")
  install -m 755 "$beside/bin/$program" "$trial"
  if ! said=$("$trial" --version 2>&1); then
    rm -f "$trial"
    stop "$(why_not_running "$beside/bin/$program" "$said")"
  fi
  chmod 755 "$trial"
  mv --force "$trial" "/usr/local/bin/$program"
  changed "/usr/local/bin/$program ($said)"
}

# why_not_running FILE WHAT_IT_SAID
why_not_running() {
  local processor needed
  processor=$(processor_of "$1")
  needed=$(sed -n 's/.*version .GLIBC_\([0-9.]*\). not found.*/\1/p' <<<"$2" | sort --version-sort | tail -n 1)
  if [ "$processor" != "$(uname -m)" ]; then
    echo "$1 is for $processor, this host is $(uname -m): take the $(uname -m) one"
  elif [ -n "$needed" ]; then
    echo "$1 was built for glibc $needed, this host has $(glibc_version): take the program from a release, which runs from $glibc_floor on"
  elif [ -z "$(glibc_version)" ]; then
    echo "$1 needs the GNU C library, which is not on this host; use Debian, Ubuntu or Amazon Linux"
  else
    echo "$1 does not run here: $2"
  fi
}

# The ELF header's e_machine.
processor_of() {
  case $(od --address-radix=n --format=u2 --skip-bytes=18 --read-bytes=2 "$1" | tr -d ' ') in
    62) echo x86_64 ;;
    183) echo aarch64 ;;
    *) echo "another processor" ;;
  esac
}

glibc_version() { getconf GNU_LIBC_VERSION 2>/dev/null | cut -d ' ' -f 2 || true; }

# --- a release ---------------------------------------------------------------------------------------------------------------------

# find_release: sets `releases` (a folder or a URL that holds the archives) and `archive`
find_release() {
  local version processor glibc
  processor=$(uname -m)
  case $processor in
    x86_64 | aarch64) ;;
    arm64) processor=aarch64 ;;
    *) stop "there are releases for x86_64 and aarch64, this host is $processor: build with $0 --build" ;;
  esac
  glibc=$(glibc_version)
  [ -n "$glibc" ] || stop "this host has no GNU C library, which the releases need; use Debian, Ubuntu or Amazon Linux"
  is_at_least $glibc_floor "$glibc" || stop "this host's C library is glibc $glibc, releases need $glibc_floor or newer: use a newer distribution"
  [ -f "$source_root/Cargo.toml" ] || stop "no bin/$program beside $deploy, and this is no clone: unpack a whole release here"
  version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source_root/Cargo.toml" | head -n 1)
  archive=quote-pipeline-$version-$role-$processor.tar.gz
  releases=${QUOTE_PIPELINE_RELEASES:-}
  [ -n "$releases" ] || releases=$(origin_releases "$version")
  if [ -e "$source_root/.git" ] && [ "$(clone_git rev-parse HEAD)" != "$(clone_git rev-parse --quiet --verify "v$version^{commit}")" ]; then
    note "these files are not those of v$version, whose program is taken; if it does not get on with them: git checkout v$version"
  fi
}

# as the clone's owner, since git refuses other people's folders
clone_git() {
  runuser -u "$(stat --format %U "$source_root")" -- git -C "$source_root" "$@" 2>/dev/null || true
}

# Where the clone came from, which GitHub, Gitea and Forgejo have releases below.
origin_releases() {
  local origin
  origin=$(clone_git config --get remote.origin.url)
  [ -n "$origin" ] ||
    stop "this clone has no origin to take the release from: set QUOTE_PIPELINE_RELEASES to a folder or URL that holds it, or use $0 --build"
  case $origin in
    http://*@* | https://*@*) origin=${origin%%://*}://${origin#*@} ;;
    http://* | https://*) ;;
    ssh://*) origin=https://$(sed 's|^ssh://\([^/@]*@\)\?||; s|:[0-9]*/|/|' <<<"$origin") ;;
    *@*:*) origin=https://$(sed 's|^[^@]*@||; s|:|/|' <<<"$origin") ;;
    *) stop "the clone's origin $origin holds no releases: set QUOTE_PIPELINE_RELEASES to a folder or URL that does, or use $0 --build" ;;
  esac
  origin=${origin%/}
  echo "${origin%.git}/releases/download/v$1"
}

# fetch_release: sets `beside` to the unpacked release of this clone's version, its sum checked
fetch_release() {
  local wanted found
  find_release
  mkdir -p "$downloads" "$library"
  fetch SHA256SUMS "$downloads/SHA256SUMS.new"
  wanted=$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' "$downloads/SHA256SUMS.new")
  [[ $wanted =~ ^[0-9a-f]{64}$ ]] || stop "$releases/SHA256SUMS does not name $archive"
  if [ "$(sum_of "$downloads/$archive")" != "$wanted" ]; then
    fetch "$archive" "$downloads/$archive.new"
    found=$(sum_of "$downloads/$archive.new")
    if [ "$found" != "$wanted" ]; then
      rm -f "$downloads/$archive.new"
      stop "$archive from $releases has the sum $found, and SHA256SUMS says $wanted: not installed. Try again; if it stays so, do not trust that place"
    fi
    find "$downloads" -name '*.tar.gz' -delete # of older versions
    mv "$downloads/$archive.new" "$downloads/$archive"
    changed "$downloads/$archive"
  else
    ok "$downloads/$archive"
  fi
  rm -f "$downloads/SHA256SUMS.new"
  beside=$(mktemp --directory "$library/release.XXXXXX")
  # shellcheck disable=SC2064 # this folder
  trap "rm -rf '$beside'" EXIT
  tar --extract --gzip --no-same-owner --strip-components=1 --directory "$beside" --file "$downloads/$archive"
}

sum_of() { sha256sum "$1" 2>/dev/null | cut -d ' ' -f 1; }

# fetch NAME TARGET
fetch() {
  local said
  case $releases in
    http://* | https://*)
      said=$(curl --fail --silent --show-error --location --proto '=http,https' --connect-timeout 15 --retry 3 \
        --output "$2" "$releases/$1" 2>&1) ||
        stop "cannot fetch $releases/$1: $said. QUOTE_PIPELINE_RELEASES names another place, HTTPS_PROXY a proxy (as arguments: $0 NAME=VALUE), --build builds"
      ;;
    *) cp "$releases/$1" "$2" || stop "no $1 in $releases" ;;
  esac
}

# --- a build -----------------------------------------------------------------------------------------------------------------------

# build_parts: in a clone, by its owner; sets `beside`. Cargo and Maven see by themselves whether there is anything to do.
build_parts() {
  local tools=$source_root/scripts/install_tools.sh owner home
  [ -f "$tools" ] || stop "--build needs a clone of the repository, $source_root is none"
  beside=$library/built
  if is_given --dry-run; then
    printf 'would   build %s in %s\n' "$program" "$source_root"
    beside=
    return
  fi
  echo "building $program, some minutes; it needs 4 GiB of memory"
  owner=$(stat --format %U "$source_root")
  home=$(getent passwd "$owner" | cut -d : -f 6)
  # shellcheck source=/dev/null
  (. "$tools" && compiles_c && has c++ && has make && has curl) || (. "$tools" && apt_install g++ gcc libc6-dev make perl curl ca-certificates)
  # shellcheck disable=SC2016 # the inner shell expands them
  runuser -u "$owner" -- env HOME="$home" bash -c \
    '. "$1" && install_rust && cd "$2" && cargo build --quiet --release --locked --target-dir target --bin "$3"' \
    build "$tools" "$source_root" "$program"
  install -D -m 755 "$source_root/target/release/$program" "$beside/bin/$program"
  if [ "$role" = kafka-server ]; then
    # shellcheck source=/dev/null disable=SC2154
    (
      . "$tools"
      is_kafka_there || has mvn || apt_install maven
      mkdir -p "$cache"
      install_kafka
      install -d "$beside/kafka"
      ln --symbolic --force --no-dereference "$KAFKA_HOME/libs" "$beside/kafka/libs"
    )
  fi
}
