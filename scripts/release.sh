#!/usr/bin/env bash
# Builds a release: for each role one archive with its program, its part of deploy/ and the licences, for the broker Kafka's jars as well, and
# their SHA-256 sums. For this machine's processor; the programs run on any Linux with glibc 2.28 or newer.
#
#   scripts/release.sh [--tag vX.Y.Z] [--out DIR] [--sbom]
#
#   --tag     a checkout of that tag, which must be the version in Cargo.toml; by default the working tree
#   --out     by default dist/
#   --sbom    a CycloneDX list of each program's crates too; needs `cargo install --locked cargo-cyclonedx`
#
# What it makes is checked before it is packed: the C library's floor, which libraries are needed, no symbols left, the size.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/install_tools.sh
source "$root/scripts/install_tools.sh"

glibc_floor=2.28
# ld-linux and all but libgcc_s are glibc's own
needed_allowed='ld-linux-x86-64\.so\.2|ld-linux-aarch64\.so\.1|lib(c|m|dl|pthread|rt|util|gcc_s)\.so\.[0-9]'
size_goal_mb=25
size_limit_mb=34
roles=(kafka-server producer consumer)

main() {
  local tag='' out=$root/dist sbom=''
  while [ $# -gt 0 ]; do
    case $1 in
      --help)
        sed -n '2,/^[^#]/ s/^# \{0,1\}//p' "$0"
        return
        ;;
      --tag) tag=${2:?} && shift 2 ;;
      --out) out=$(realpath -m "${2:?}") && shift 2 ;;
      --sbom) sbom=yes && shift ;;
      *) fail "$1 is no argument, see --help" ;;
    esac
  done
  work=$(mktemp -d)
  trap clean_up EXIT
  source=$root
  [ -z "$tag" ] || check_out "$tag"
  version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source/Cargo.toml" | head -n 1)
  [ -z "$tag" ] || [ "$tag" = "v$version" ] || fail "the tag is $tag and Cargo.toml says $version"
  processor=$(uname -m)
  target=$processor-unknown-linux-gnu
  programs=${CARGO_TARGET_DIR:-$root/target}/$target/release
  # archives of the same source are the same bytes
  SOURCE_DATE_EPOCH=$(git -C "$source" log -1 --format=%ct)
  export SOURCE_DATE_EPOCH

  mkdir -p "$cache" "$out"
  install_packages ''
  install_rust
  install_kafka
  install_venv release release # zig, which links against an old glibc
  build
  local role
  for role in "${roles[@]}"; do
    strip_program "$(program_of "$role")" "$out"
    check_program "$(program_of "$role")"
    pack "$role" "$out" "$sbom"
  done
  (cd "$out" && sha256sum -- *.tar.gz >SHA256SUMS)
  say "release $version for $processor in $out"
}

program_of() { if [ "$1" = kafka-server ]; then echo broker-setup; else echo "$1"; fi; }

check_out() {
  git -C "$root" worktree add --quiet --detach "$work/source" "$1"
  source=$work/source
}

clean_up() {
  [ "$source" = "$root" ] || git -C "$root" worktree remove --force "$source"
  rm -rf "$work"
}

build() {
  local role packages=()
  for role in "${roles[@]}"; do packages+=(--package "$(program_of "$role")"); done
  # stripped here and not by cargo, so that the symbols can be kept apart
  PATH="$cache/release/bin:$PATH" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}" CARGO_PROFILE_RELEASE_STRIP=none \
    cargo zigbuild --manifest-path "$source/Cargo.toml" --release --locked --bins --target "$target.$glibc_floor" "${packages[@]}"
}

# strip_program NAME OUT: what a host needs into the work folder, the symbols beside the archives, for whoever reads a crash
strip_program() {
  strip --strip-all -o "$work/$1" "$programs/$1"
  objcopy --only-keep-debug --compress-debug-sections "$programs/$1" "$work/$1.debug"
  gzip --no-name -9 --stdout "$work/$1.debug" >"$2/$1-$version-$processor.debug.gz"
}

# check_program NAME: what a host would find out only later
check_program() {
  local file=$work/$1 newest foreign size_mb
  newest=$(readelf --dyn-syms --wide "$file" | grep --only-matching 'GLIBC_[0-9.]*' | cut -d _ -f 2 | sort --version-sort | tail -n 1)
  is_at_least "$newest" "$glibc_floor" || fail "$1 needs glibc $newest, and $glibc_floor is promised"
  foreign=$(readelf --dynamic --wide "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep --invert-match --extended-regexp "^($needed_allowed)$" || true)
  [ -z "$foreign" ] || fail "$1 needs $foreign, which a bare host may not have"
  ! readelf --sections --wide "$file" | grep --quiet '\.symtab' || fail "$1 is not stripped"
  size_mb=$(($(stat --format %s "$file") / 1000000))
  [ "$size_mb" -le $size_limit_mb ] || fail "$1 has $size_mb MB, and $size_limit_mb are the limit: which dependency came in?"
  say "$1: $size_mb MB (goal $size_goal_mb, limit $size_limit_mb), glibc $newest"
}

# pack ROLE OUT SBOM
pack() {
  local role=$1 program name=quote-pipeline-$version-$1-$processor
  program=$(program_of "$role")
  mkdir -p "$work/$name/bin" "$work/$name/deploy"
  cp "$work/$program" "$work/$name/bin/"
  cp -R "$source/deploy/steps" "$source/deploy/$role" "$work/$name/deploy/"
  cp "$source/LICENSE" "$work/$name/"
  cp "$source/deploy/README.md" "$work/$name/deploy/"
  # name, version and licence of all that is linked in
  (cd "$source" && cargo tree --locked --package "$program" --edges normal,build --target "$target" --prefix none --format '{p} {l}') |
    sed 's/ (\(\*\|[^)]*\/[^)]*\))//g' | LC_ALL=C sort --unique >"$work/$name/crates.txt"
  if [ "$role" = kafka-server ]; then
    mkdir -p "$work/$name/kafka"
    cp -R "$KAFKA_HOME/libs" "$work/$name/kafka/"
  fi
  if [ -n "$3" ]; then
    (cd "$source/crates/$program" && cargo cyclonedx --format json --target "$target" --override-filename sbom)
    mv "$source/crates/$program/sbom.json" "$work/$name/sbom.cdx.json"
    cp "$work/$name/sbom.cdx.json" "$2/$name.cdx.json"
  fi
  chmod -R u=rwX,go=rX "$work/$name"
  tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --directory "$work" "$name" |
    gzip --no-name -9 >"$2/$name.tar.gz"
}

main "$@"
