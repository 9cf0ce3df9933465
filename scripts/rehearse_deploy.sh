#!/usr/bin/env bash
# The README's way to three hosts, rehearsed on this machine with the README's own commands: a release is built and served, as is the clone,
# and a laptop that has only ssh does what the sections "1. Broker" to "3. Consumer" say. Then what may go wrong is made to go wrong (a byte
# of a release, a closed port, a wrong name, a wrong clock, a full disk, a wrong key, too little in a file), each host is rebooted under load,
# producer and consumer are upgraded and downgraded under load, every script runs again and must change nothing, the bucket must pass the
# audit, and all is removed. Twelve Data is played by the stand-in, S3 by SeaweedFS, both outside the hosts.
#
#   scripts/rehearse_deploy.sh [--release DIR]
#
#   --release DIR   rehearses the release in DIR, as scripts/release.sh makes it, in place of a new one
#
# Builds as whoever calls it; asks sudo for the hosts. Exit status 0: all of it held.
set -euo pipefail

export REHEARSAL_START=${REHEARSAL_START:-$EPOCHSECONDS}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
here_address=10.77.0.1
producer_address=10.77.0.12
consumer_address=10.77.0.13
api_key=0123456789abcdef0123456789abcdef
vendor_port=8080
s3_port=8333
# for the clone and the releases; and one that answers with the time of an hour ago
web_port=8000
past_port=8001
# as the README names them
origin=https://github.com/OWNER/quote-pipeline
bucket=rehearsal
topic=stock_pipeline
deadline_s=120
export AWS_ACCESS_KEY_ID=rehearsal AWS_SECRET_ACCESS_KEY=rehearsal-secret AWS_REGION=us-east-1
export AWS_ENDPOINT_URL=http://$here_address:$s3_port

main() {
  local release=''
  case "${1:-} $#" in
    ' 0') ;;
    '--release 2') release=$(realpath "$2") ;;
    *)
      sed -n '2,/^[^#]/ s/^# \{0,1\}//p' "$0" >&2
      exit 2
      ;;
  esac
  # shellcheck source=/dev/null
  . "$root/scripts/install_tools.sh"
  install_tools
  if [ -z "$release" ]; then
    step "release"
    release=$root/dist
    "$root/scripts/release.sh" --out "$release"
  fi
  step "what plays the outside"
  cargo build --manifest-path "$root/Cargo.toml" --package twelve-data-stand-in --package consumer --bins
  # shellcheck disable=SC2154 # set by install_tools.sh
  export RELEASE=$release PROGRAMS=${CARGO_TARGET_DIR:-$root/target}/debug VENV=$cache/venv
  step "three hosts"
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo "--preserve-env=RELEASE,PROGRAMS,VENV,REHEARSAL_START")
  exec "${as_root[@]}" "$root/scripts/hosts.sh" "$root/scripts/rehearse_deploy.sh" --between-hosts
}

# --- from here on: beside the hosts ------------------------------------------------------------------------------------------------

rehearse() {
  work=$(mktemp -d "$HOSTS_STATE/rehearsal.XXXX")
  trap show_logs EXIT
  version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
  next_version=${version%.*}.$((${version##*.} + 1))
  make_laptop

  step "Twelve Data's stand-in, S3, the clone and its releases"
  start_outside
  serve_clone
  serve_release "$version"

  make_hosts_strict
  step "broker: as the README says"
  setup_as_readme broker
  a_full_disk
  a_wrong_clock
  runme_as_readme broker
  a_wrong_name
  a_changed_jar
  step "producer: as the README says"
  a_wrong_byte
  setup_as_readme producer
  play_the_role producer
  a_wrong_key
  runme_as_readme producer
  step "consumer, on a host of dnf: as the README says"
  make_host_of_dnf consumer
  setup_as_readme consumer
  play_the_role consumer
  a_missing_setting
  a_closed_port
  runme_as_readme consumer
  step "ticks in the bucket"
  await_new_objects 1 /dev/null

  reboot consumer consumer
  reboot broker kafka
  reboot producer producer

  step "second run of all scripts"
  run_again broker kafka-server kafka
  run_again producer producer producer
  run_again consumer consumer consumer

  step "upgrade and downgrade under load"
  serve_next_version
  for role in producer consumer; do change_version "$role" main "$next_version"; done
  new_ticks
  for role in producer consumer; do change_version "$role" "v$version" "$version"; done
  new_ticks

  step "stop, audit"
  on producer sudo systemctl stop producer
  on consumer sudo systemctl stop consumer
  "$PROGRAMS/consumer" audit --bucket $bucket --topic $topic
  step "no secret in a log"
  no_secret_in_logs
  step "uninstall"
  uninstall broker kafka-server kafka
  uninstall producer producer producer
  uninstall consumer consumer consumer
  step "done"
  trap - EXIT
}

step() {
  printf '\033[1m%4d s  %s\033[0m\n' "$((EPOCHSECONDS - REHEARSAL_START))" "$*" >&2
}

# --- what plays the outside --------------------------------------------------------------------------------------------------------

on() {
  ssh -F "$HOSTS_SSH_CONFIG" "$@"
}

start_outside() {
  nft add rule inet security_group in ip saddr $producer_address tcp dport "{ $vendor_port, $s3_port }" accept
  nft add rule inet security_group in ip saddr $consumer_address tcp dport $s3_port accept
  nft add rule inet security_group in tcp dport "{ $web_port, $past_port }" accept
  "$PROGRAMS/twelve-data-stand-in" --listen $here_address:$vendor_port --api-key $api_key \
    --credits-per-minute 1000 >"$work/vendor.log" 2>&1 &
  await_port $vendor_port $!
  "$VENV/bin/weed" mini -dir="$work" -ip=$here_address -ip.bind=$here_address -s3.port=$s3_port \
    -s3.autoCreateBucket=false -master.telemetry=false >"$work/s3.log" 2>&1 &
  await_port $s3_port $!
  mkdir "$work/web"
  python3 -m http.server --bind $here_address --directory "$work/web" $web_port >"$work/web.log" 2>&1 &
  await_port $web_port $!
  python3 -c '
import http.server, sys, time
class Past(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()
    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() - 3600)
http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), Past).serve_forever()' $here_address $past_port >"$work/past.log" 2>&1 &
  await_port $past_port $!
}

# await_port PORT PROCESS
await_port() {
  deadline=$((SECONDS + deadline_s))
  until (: <>"/dev/tcp/$here_address/$1") 2>/dev/null; do
    kill -0 "$2" 2>/dev/null || fail_rehearsal "what should listen on port $1 has ended"
    in_time "port $1" && sleep 0.2
  done
}

# The working tree as a repository, on the branch main, its version tagged.
serve_clone() {
  git -C "$root" -c safe.directory='*' ls-files -z --cached --others --exclude-standard >"$work/files"
  mkdir "$work/clone"
  (cd "$root" && while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done <"$work/files" |
    tar --create --null --files-from - | tar --extract --directory "$work/clone")
  git_clone init --quiet --initial-branch main
  commit_clone "v$version"
}

git_clone() {
  git -C "$work/clone" -c user.name=rehearsal -c user.email=rehearsal@localhost "$@"
}

# commit_clone TAG
commit_clone() {
  git_clone add --all
  git_clone commit --quiet --message "$1"
  git_clone tag "$1"
  rm -rf "$work/web/quote-pipeline.git"
  git clone --quiet --bare "$work/clone" "$work/web/quote-pipeline.git"
  git -C "$work/web/quote-pipeline.git" update-server-info
  # where `git clone https://…/quote-pipeline` looks
  ln --symbolic --force --no-dereference quote-pipeline.git "$work/web/quote-pipeline"
}

releases_of() { echo "$work/web/quote-pipeline.git/releases/download/v$1"; }

serve_release() {
  mkdir -p "$(releases_of "$1")"
  cp "$RELEASE"/* "$(releases_of "$1")/"
}

# The same programs with a byte more, which changes nothing in them, as the next version.
serve_next_version() {
  local role archive target name
  sed -i "0,/^version = .*/s//version = \"$next_version\"/" "$work/clone/Cargo.toml"
  mv "$(releases_of "$version")" "$work/kept"
  commit_clone "v$next_version"
  target=$(releases_of "$next_version")
  mkdir -p "$target"
  mv "$work/kept" "$(releases_of "$version")"
  for role in producer consumer; do
    archive=$(find "$RELEASE" -name "quote-pipeline-$version-$role-$(uname -m).tar.gz")
    name=quote-pipeline-$next_version-$role-$(uname -m)
    mkdir "$work/$name"
    tar --extract --gzip --strip-components=1 --directory "$work/$name" --file "$archive"
    printf 'x' >>"$work/$name/bin/$role"
    tar --create --gzip --directory "$work" --file "$target/$name.tar.gz" "$name"
  done
  (cd "$target" && sha256sum -- *.tar.gz >SHA256SUMS)
}

# --- the laptop --------------------------------------------------------------------------------------------------------------------

# It has ssh, and nothing else is found there.
make_laptop() {
  mkdir -p "$work/laptop"
  ln -s "$(command -v ssh)" "$work/laptop/ssh"
  mkfifo "$work/keyboard"
  exec {keyboard}<>"$work/keyboard"
}

# laptop HOST COMMAND: with a terminal there, as a person has it
laptop() {
  env --ignore-environment PATH="$work/laptop" HOME="$work/laptop" TERM=xterm \
    ssh -F "$HOSTS_SSH_CONFIG" -tt "$1" "$2" | stdbuf --output=0 tr -d '\r'
}

# readme_commands HOST: what the README says to type there, with the names that the reader puts in
readme_commands() {
  sed -n "/^ssh ubuntu@${1^^}\$/,/^\`\`\`/p" "$root/README.md" | sed -e 1d -e '/^```/d' -e 's/ *# .*//' \
    -e "s|$origin|http://$here_address:$web_port/quote-pipeline|" -e "s|BROKER_ADDRESS|${broker_address:-}|" -e "s|=BUCKET\>|=$bucket|"
}

# All that comes before runme.sh.
setup_as_readme() {
  local line count=0
  while IFS= read -r line; do
    [[ $line != *runme.sh* ]] || break
    printf '\033[1m        %s> %s\033[0m\n' "$1" "$line" >&2
    laptop "$1" "$line" </dev/null
    count=$((count + 1))
  done < <(readme_commands "$1")
  [ "$count" -gt 0 ] || fail_rehearsal "the README has no commands for the $1"
}

# runme_as_readme HOST: answers with the API key if it is asked for
runme_as_readme() {
  local line
  line=$(readme_commands "$1" | grep runme.sh)
  printf '\033[1m        %s> %s\033[0m\n' "$1" "$line" >&2
  : >"$work/said"
  laptop "$1" "$line" <&"$keyboard" | tee "$work/said" &
  typing $!
  grep --quiet '^runs ' "$work/said" || fail_rehearsal "runme.sh on $1 does not say that it runs"
  ! grep --quiet "$api_key" "$work/said" || fail_rehearsal "the API key was shown"
  if [ "$1" = broker ]; then
    broker_address=$(sed -n 's/.*KAFKA_BOOTSTRAP_SERVERS=\([^ ]*\).*/\1/p' "$work/said" | head -n 1)
    [ "$broker_address" = broker.internal:9092 ] || fail_rehearsal "the broker names $broker_address to the next host"
  fi
}

# typing PROCESS: waits for its end, and types the API key when it is asked for
typing() {
  local is_typed=
  while kill -0 "$1" 2>/dev/null; do
    if [ -z "$is_typed" ] && grep --quiet 'API key of Twelve Data: ' "$work/said"; then
      echo "$api_key" >&"$keyboard"
      is_typed=yes
    fi
    sleep 0.1
  done
  wait "$1" || true
}

# What an instance's role and AWS itself give on EC2, and a faster pace.
play_the_role() {
  on "$1" "sudo tee -a /etc/quote-pipeline/$1.env >/dev/null" <<SETTINGS
AWS_REGION=$AWS_REGION
AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL
AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID
AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY
SETTINGS
  case $1 in
    producer) on producer "sudo tee -a /etc/quote-pipeline/producer.env >/dev/null" <<<"TWELVEDATA_API_BASE_URL=http://$here_address:$vendor_port
INTERVAL=1s" ;;
    consumer) on consumer "sudo tee -a /etc/quote-pipeline/consumer.env >/dev/null" <<<"FLUSH_INTERVAL=2s" ;;
  esac
}

# As careful people have them: files are their own, and what lies in /tmp is not run.
make_hosts_strict() {
  local host
  for host in broker producer consumer; do
    on "$host" "sed -i '1i umask 077' .bashrc && sudo mount -t tmpfs -o mode=1777,nosuid,nodev,noexec tmpfs /tmp"
    [ "$(on "$host" umask)" = 0077 ] || fail_rehearsal "the umask of $host is not strict"
  done
}

# Without apt and dpkg, and with a repository that has what setup.sh asks for, as far as this host's own rpm knows: empty packages, since what
# they would hold is there.
make_host_of_dnf() {
  on "$1" sudo bash -euo pipefail -s >/dev/null <<'HOST'
echo 'Defaults secure_path = /sbin:/bin:/usr/sbin:/usr/bin' >/etc/sudoers.d/secure_path
for program in apt-get dpkg-query; do mv "/usr/bin/$program" "/usr/bin/$program.away"; done
mkdir -p /srv/repository
cd /srv/repository
for name in ca-certificates; do
  cat >"$name.spec" <<SPEC
Name: $name
Version: 1
Release: 1
Summary: $name
License: MIT
BuildArch: noarch
%description
$name
%files
SPEC
  rpmbuild --quiet -bb --define '_rpmdir /srv/repository' "$name.spec"
done
createrepo_c --quiet .
mkdir -p /etc/yum.repos.d
printf '[here]\nname=here\nbaseurl=file:///srv/repository\ngpgcheck=0\n' >/etc/yum.repos.d/here.repo
HOST
}

# --- what may go wrong -------------------------------------------------------------------------------------------------------------

# must_refuse HOST WORDS COMMAND: it fails, and says so
must_refuse() {
  local said
  printf '\033[1m        %s> %s\033[0m\n' "$1" "$3" >&2
  if said=$(on "$1" "$3" 2>&1 </dev/null); then
    fail_rehearsal "\`$3\` went well, and should say \"$2\""
  fi
  grep --quiet --fixed-strings "$2" <<<"$said" || fail_rehearsal "\`$3\` does not say \"$2\" but: $said"
  grep --fixed-strings "$2" <<<"$said" | sed 's/^/        /'
}

a_wrong_byte() {
  local archive
  archive=$(find "$(releases_of "$version")" -name "*-producer-$(uname -m).tar.gz")
  cp "$archive" "$work/right"
  printf 'x' | dd of="$archive" bs=1 seek=1000000 conv=notrunc status=none
  on producer git clone --quiet "http://$here_address:$web_port/quote-pipeline" tampered
  must_refuse producer "not installed" "sudo tampered/deploy/producer/setup.sh"
  on producer "rm -rf tampered; ! ls /usr/local/bin/producer 2>/dev/null"
  cp "$work/right" "$archive"
}

a_full_disk() {
  on broker sudo mount -t tmpfs -o size=64m tmpfs /var/lib/kafka
  must_refuse broker "MiB left" "sudo quote-pipeline/deploy/kafka-server/runme.sh"
  on broker sudo umount /var/lib/kafka
}

a_wrong_clock() {
  must_refuse broker "s ahead of that of" \
    "sudo AWS_EC2_METADATA_SERVICE_ENDPOINT=http://$here_address:$past_port quote-pipeline/deploy/kafka-server/runme.sh"
}

a_wrong_name() {
  must_refuse broker "does not resolve" "sudo quote-pipeline/deploy/kafka-server/runme.sh KAFKA_ADVERTISED_HOST=wrong.internal"
  must_refuse broker "did you mean" "sudo quote-pipeline/deploy/kafka-server/runme.sh KAFKA_SETTINGS=log.retention.hour=1"
}

# Jars that were replaced below the same name run only after a restart.
a_changed_jar() {
  local said
  on broker "sudo truncate --size=+1 \$(ls /opt/kafka/libs/*.jar | head -n 1)"
  said=$(on broker sudo quote-pipeline/deploy/kafka-server/runme.sh)
  grep --quiet '^changed kafka starts$' <<<"$said" || fail_rehearsal "a changed jar does not restart Kafka: $said"
  said=$(on broker "sudo quote-pipeline/deploy/kafka-server/setup.sh && sudo quote-pipeline/deploy/kafka-server/runme.sh")
  grep --quiet '^changed /opt/kafka-' <<<"$said" || fail_rehearsal "setup.sh does not mend a changed jar: $said"
}

a_wrong_key() {
  must_refuse producer "API key is missing" "sudo quote-pipeline/deploy/producer/runme.sh"
  must_refuse producer "TWELVEDATA_API_KEY is a secret" "sudo quote-pipeline/deploy/producer/runme.sh TWELVEDATA_API_KEY=x"
  must_refuse producer "API key" "echo another-$api_key | sudo QUOTE_PIPELINE_PROOF_TIMEOUT_S=20 quote-pipeline/deploy/producer/runme.sh --api-key=stdin \
    KAFKA_BOOTSTRAP_SERVERS=$broker_address SYMBOLS=AAPL"
  on producer sudo rm /etc/quote-pipeline/twelve-data-api-key
}

a_missing_setting() {
  must_refuse consumer "BUCKET_NAME has no value" "sudo quote-pipeline/deploy/consumer/runme.sh KAFKA_BOOTSTRAP_SERVERS=$broker_address"
  must_refuse consumer "reads no setting BUKET_NAME" "sudo quote-pipeline/deploy/consumer/runme.sh BUKET_NAME=x"
  must_refuse consumer "flush-interval" "sudo quote-pipeline/deploy/consumer/runme.sh FLUSH_INTERVAL=soon \
    KAFKA_BOOTSTRAP_SERVERS=$broker_address BUCKET_NAME=$bucket"
}

a_closed_port() {
  local rule
  rule=$(ip netns exec broker nft --handle list chain inet security_group in | sed -n 's/.*dport 9092 accept # handle //p')
  ip netns exec broker nft delete rule inet security_group in handle "$rule"
  must_refuse consumer "a security group drops it" "sudo QUOTE_PIPELINE_PROOF_TIMEOUT_S=20 \
    quote-pipeline/deploy/consumer/runme.sh KAFKA_BOOTSTRAP_SERVERS=$broker_address BUCKET_NAME=$bucket"
  ip netns exec broker nft add rule inet security_group in "ip saddr { $producer_address, $consumer_address }" tcp dport 9092 accept
}

# --- ticks -------------------------------------------------------------------------------------------------------------------------

# Asked of the S3 server itself, not through S3: curl 7.88 signs what SeaweedFS does not accept.
list_objects() {
  "$VENV/bin/weed" shell -master=$here_address:9333 <<<"fs.tree /buckets/$bucket" 2>/dev/null |
    grep --only-matching "$topic-[0-9]*-[0-9]*\.jsonl[.a-z]*" | sort || true
}

# await_new_objects N LIST: objects never change once written, so a name that is not in the list is new ticks
await_new_objects() {
  local new
  deadline=$((SECONDS + deadline_s))
  until new=$(list_objects | comm -13 "$2" -) && [ "$(grep --count . <<<"$new")" -ge "$1" ]; do
    in_time "$1 new objects in the bucket" && sleep 1
  done
  echo "$new"
}

# reboot HOST UNIT: nobody starts anything by hand, and ticks flow again
reboot() {
  local host=$1 unit=$2 before
  step "reboot of $host"
  before=$(on "$host" cat /proc/sys/kernel/random/boot_id)
  on "$host" sudo systemctl reboot || true # the connection is cut
  deadline=$((SECONDS + deadline_s))
  until [ "$(on "$host" cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo "$before")" != "$before" ] &&
    on "$host" systemctl is-active --quiet "$unit"; do
    in_time "$unit after the reboot of $host" && sleep 0.2
  done
  new_ticks
}

new_ticks() {
  list_objects >"$work/before"
  # A consumer may have had two objects in the making for each of the three partitions; the seventh was read later.
  await_new_objects 7 "$work/before"
}

# change_version ROLE BRANCH_OR_TAG VERSION
change_version() {
  local role=$1
  on "$role" "cd quote-pipeline && git fetch --quiet --tags && git checkout --quiet $([ "$2" = main ] && echo origin/main || echo "$2")"
  on "$role" "sudo quote-pipeline/deploy/$role/setup.sh && sudo quote-pipeline/deploy/$role/runme.sh" | tee "$work/said"
  grep --quiet "^changed /usr/local/bin/$role" "$work/said" || fail_rehearsal "$role was not replaced by that of $3"
  grep --quiet "^runs " "$work/said" || fail_rehearsal "$role of $3 does not run"
}

# run_again HOST ROLE UNIT
run_again() {
  local host=$1 role=$2 unit=$3 said before
  on "$host" systemd-analyze verify "$unit.service"
  before=$(on "$host" systemctl show --property MainPID "$unit")
  said=$(on "$host" "sudo quote-pipeline/deploy/$role/setup.sh && sudo quote-pipeline/deploy/$role/runme.sh")
  ! grep -E '^(changed|created) ' <<<"$said" || fail_rehearsal "the second run on $host changed something, see above"
  [ "$(on "$host" systemctl show --property MainPID "$unit")" = "$before" ] || fail_rehearsal "the second run restarted $unit"
}

no_secret_in_logs() {
  local host
  for host in broker producer consumer; do
    ! on "$host" sudo journalctl --no-pager --output cat | grep --quiet --fixed-strings "$api_key" ||
      fail_rehearsal "the API key stands in the journal of $host"
  done
  [ "$(on producer sudo stat --format %a:%U /etc/quote-pipeline/twelve-data-api-key)" = 600:root ] || fail_rehearsal "the API key is not root's alone"
}

# uninstall HOST ROLE UNIT: the settings stay until they are purged
uninstall() {
  on "$1" sudo "quote-pipeline/deploy/$2/uninstall.sh"
  on "$1" sudo test -e "/etc/quote-pipeline/$3.env"
  on "$1" sudo "quote-pipeline/deploy/$2/uninstall.sh" --purge
  on "$1" "! systemctl cat $3 2>/dev/null && ! sudo ls /etc/quote-pipeline/$3.env /usr/local/bin/$2 /opt/kafka 2>/dev/null"
}

in_time() {
  [ "$SECONDS" -lt "$deadline" ] || fail_rehearsal "waited $deadline_s s for $1"
}

fail_rehearsal() {
  echo "rehearsal failed: $*" >&2
  exit 1
}

show_logs() {
  local status=$? log
  for log in vendor s3 web; do
    echo "--- $log"
    tail -n 20 "$work/$log.log"
  done >&2
  for log in broker:kafka producer:producer consumer:consumer; do
    echo "--- $log"
    on "${log%:*}" sudo journalctl --unit "${log#*:}" --lines 40 --no-pager --output cat || true
  done >&2
  exit "$status"
}

if [ "${1:-}" = --between-hosts ]; then
  rehearse
else
  main "$@"
fi
