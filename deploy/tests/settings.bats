#!/usr/bin/env bats
# The file of settings, and where a program comes from. No root, no network, nothing outside a folder of its own.

setup() {
  export QUOTE_PIPELINE_ETC=$BATS_TEST_TMPDIR/etc
  mkdir -p "$QUOTE_PIPELINE_ETC"
  clone=$BATS_TEST_TMPDIR/clone
  mkdir -p "$clone"
  cp -R "$BATS_TEST_DIRNAME/.." "$clone/deploy"
}

# steps COMMAND: what setup.sh or runme.sh of the consumer would do
steps() {
  run bash -c 'set -- ; . "$0"; . "${0%/*}/settings.sh"; . "${0%/*}/packages.sh"; . "${0%/*}/program.sh"
    . "${0%/*}/doctor.sh"; role=consumer unit=consumer program=consumer env_file=$settings/consumer.env
    '"$1" "$clone/deploy/steps/begin.sh"
}

@test "a setting is written as systemd reads it, whatever it holds" {
  for value in plain 'two words' 'a"b' 'back\slash' '$HOME `id`' "it's" 'k=v;k2=v2' '#hash' 'ä'; do
    printf '# comment\nOTHER=1\n' >"$QUOTE_PIPELINE_ETC/consumer.env"
    VALUE=$value steps 'with_setting NAME "$VALUE" <"$env_file" >"$env_file.new"; setting "$env_file.new" NAME; setting "$env_file.new" OTHER'
    [ "${lines[0]}" = "$value" ]
    [ "${lines[1]}" = 1 ]
  done
}

@test "a setting takes the place of the example's line or of the ones there are, once" {
  printf '#NAME=example\nA=1\n' >"$QUOTE_PIPELINE_ETC/consumer.env"
  steps 'with_setting NAME x <"$env_file"'
  [ "$output" = $'NAME=x\nA=1' ]
  printf 'NAME=1\n#NAME=example\nA=1\nNAME=2\n' >"$QUOTE_PIPELINE_ETC/consumer.env"
  steps 'with_setting NAME x <"$env_file"'
  [ "$output" = $'#NAME=example\nA=1\nNAME=x' ]
}

@test "a secret on the command line is refused, and not repeated" {
  printf '' >"$QUOTE_PIPELINE_ETC/consumer.env"
  for name in TWELVEDATA_API_KEY AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN; do
    NAME=$name steps 'assignments=("$NAME=hunter2"); refuse_secrets'
    [ "$status" = 1 ]
    [[ $output == *"$name is a secret"* && $output != *hunter2* ]]
  done
}

@test "a name that the program does not read is refused" {
  printf '' >"$QUOTE_PIPELINE_ETC/consumer.env"
  steps 'setting_names() { echo BUCKET_NAME; }; assignments=(BUKET_NAME=x); new_settings "$env_file.new"'
  [ "$status" = 1 ]
  [[ $output == *"reads no setting BUKET_NAME; it reads: BUCKET_NAME"* ]]
}

@test "releases are looked for below the clone's origin, without a token that stands in it" {
  git init -q "$clone"
  printf 'version = "1.2.3"\n' >"$clone/Cargo.toml"
  git -C "$clone" remote add origin unset
  while read -r origin expected; do
    git -C "$clone" remote set-url origin "$origin"
    steps 'runuser() { shift 3; "$@"; }; origin_releases 1.2.3'
    [ "$output" = "$expected/releases/download/v1.2.3" ]
  done <<'ORIGINS'
https://github.com/o/r.git https://github.com/o/r
https://github.com/o/r/ https://github.com/o/r
https://user:token@github.com/o/r https://github.com/o/r
git@github.com:o/r.git https://github.com/o/r
ssh://git@codeberg.org:22/o/r.git https://codeberg.org/o/r
http://10.77.0.1:8000/o/r http://10.77.0.1:8000/o/r
ORIGINS
  git -C "$clone" remote set-url origin /srv/mirror
  steps 'runuser() { shift 3; "$@"; }; origin_releases 1.2.3'
  [ "$status" = 1 ]
  [[ $output == *QUOTE_PIPELINE_RELEASES* ]]
}

# a release of two small files, and a place to install from
make_release() {
  printf 'version = "1.2.3"\n' >"$clone/Cargo.toml"
  releases=$BATS_TEST_TMPDIR/releases
  name=quote-pipeline-1.2.3-consumer-$(uname -m)
  mkdir -p "$releases" "$BATS_TEST_TMPDIR/$name/bin"
  echo program >"$BATS_TEST_TMPDIR/$name/bin/consumer"
  tar -czf "$releases/$name.tar.gz" -C "$BATS_TEST_TMPDIR" "$name"
  (cd "$releases" && sha256sum -- *.tar.gz >SHA256SUMS)
  fetch="downloads=$BATS_TEST_TMPDIR/d library=$BATS_TEST_TMPDIR/l; QUOTE_PIPELINE_RELEASES=$releases fetch_release"
}

@test "a release is taken from a folder once its sum is right, and not fetched twice" {
  make_release
  steps "$fetch; cat \"\$beside/bin/consumer\""
  [[ $status = 0 && $output == "changed "*$'\n'program ]]
  steps "$fetch"
  [[ $status = 0 && $output == "ok "* ]]
}

@test "a byte that differs is refused, and nothing of it is kept" {
  make_release
  printf '\x01' | dd of="$releases/$name.tar.gz" bs=1 seek=20 conv=notrunc status=none
  steps "$fetch"
  [ "$status" = 1 ]
  [[ $output == *"has the sum"*"not installed"* ]]
  [ -z "$(find "$BATS_TEST_TMPDIR/d" -name '*.tar.gz*')" ]
}

@test "what does not run here is told by name" {
  cp /bin/true "$BATS_TEST_TMPDIR/true"
  steps "why_not_running $BATS_TEST_TMPDIR/true \"x: version \\\`GLIBC_2.99' not found (required by x)\""
  [[ $output == *"was built for glibc 2.99, this host has 2."* ]]
  printf '\xb7' | dd of="$BATS_TEST_TMPDIR/true" bs=1 seek=18 conv=notrunc status=none
  steps "uname() { echo x86_64; }; why_not_running $BATS_TEST_TMPDIR/true 'Exec format error'"
  [[ $output == *"is for aarch64, this host is x86_64"* ]]
  make_release
  steps "glibc_version() { echo 2.26; }; $fetch"
  [[ $status = 1 && $output == *"glibc 2.26, releases need 2.28"* ]]
  steps "uname() { echo riscv64; }; $fetch"
  [[ $status = 1 && $output == *"this host is riscv64"* ]]
}

@test "a package that others only name has no candidate" {
  steps 'apt-cache() { printf "%s:\n  Installed: (none)\n  Candidate: (none)\n" "$2"; }; apt_knows openjdk-17-jre-headless'
  [ "$status" = 1 ]
  steps 'apt-cache() { printf "%s:\n  Installed: (none)\n  Candidate: 21.0\n" "$2"; }; apt_knows openjdk-21-jre-headless'
  [ "$status" = 0 ]
}

@test "the lock of the lists, which apt does not wait for, is waited for" {
  steps 'packages_log=$settings/log; tries=0
    apt-get() { tries=$((tries + 1)); [ $tries -gt 1 ] || { echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1"; return 100; }; }
    sleep() { :; }; apt update && echo "$tries tries"'
  [[ $status = 0 && $output == *"2 tries" ]]
  steps 'packages_log=$settings/log; apt-get() { echo "E: no route"; return 100; }; apt update'
  [ "$status" = 1 ]
}

@test "a dry run does nothing, and says what would be done" {
  steps 'given[--dry-run]=; act "the file" touch "$settings/touched"; [ ! -e "$settings/touched" ]'
  [[ $status = 0 && $output == "would   the file" ]]
  steps 'act "the file" touch "$settings/touched"; [ -e "$settings/touched" ]'
  [[ $status = 0 && $output == "changed the file" ]]
}

@test "a clock that is an hour off is a fault" {
  printf 'AWS_ENDPOINT_URL=http://s3.test\n' >"$QUOTE_PIPELINE_ETC/consumer.env"
  steps 'curl() { printf "HTTP/1.1 200 OK\r\nDate: %s\r\n" "$(TZ=GMT date --date "1 hour ago" "+%a, %d %b %Y %T GMT")"; }; look_at_clock; echo $faults_found'
  [[ $output == *"s ahead of that of http://s3.test"*$'\n'1 ]]
  steps 'curl() { printf "HTTP/1.1 200 OK\r\nDate: %s\r\n" "$(TZ=GMT date "+%a, %d %b %Y %T GMT")"; }; look_at_clock; echo $faults_found'
  [[ $output == "ok "*$'\n'0 ]]
}

@test "memory, disk and brokers that will not do are faults" {
  steps 'look_at_memory 950; df() { echo Avail; echo 100; }; look_at_disk /var; look_at_brokers no-such-host.invalid:9092,127.0.0.1:1; echo $faults_found'
  [[ $output == *"has 950 MiB of memory"*"100 MiB left"*"does not resolve"*"refuses the connection"*$'\n'4 ]]
}

@test "each script has help, refuses what it does not know, and says that it is for bash" {
  for script in "$clone"/deploy/{kafka-server,producer,consumer}/{setup,runme,uninstall}.sh; do
    run "$script" --help
    [[ $status = 0 && $output == *"sudo deploy/"*"--dry-run"* ]]
    run "$script" --no-such-flag
    [[ $status = 2 && $output == *"--no-such-flag is no argument"* ]]
    run dash "$script" --help
    [[ $status = 2 && $output == *"script for bash"* ]]
    run bash --posix "$script" --help
    [[ $status = 2 && $output == *"script for bash"* ]]
  done
}
