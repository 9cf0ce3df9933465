#!/usr/bin/env bash
# Three hosts as the pipeline has them on EC2, on one machine: Debian 12, each with its own systemd, sshd, network and firewall.
#
#   sudo scripts/hosts.sh                    boots them, gives a shell beside them, takes them away when it ends
#   sudo scripts/hosts.sh COMMAND [ARG...]   the same with a command in place of the shell, and its exit status
#
# The command runs at 10.77.0.1, where nothing but the three hosts is reached: broker (10.77.0.11), producer (.12) and consumer (.13),
# by `ssh -F "$HOSTS_SSH_CONFIG" broker`, as the user `admin` with sudo. The hosts reach what their security groups allow, and
# 10.77.0.1 on ports that the command opens by `nft add rule inet security_group in ip saddr 10.77.0.12 tcp dport 8080 accept`.
#
# All of it lives in namespaces of this process: when it ends, however it ends, the kernel removes hosts and networks.
# Kept between runs: the disk image, in ${XDG_CACHE_HOME:-$HOME/.cache}/quote-pipeline/hosts.
set -euo pipefail

hosts=(broker producer consumer)
declare -A address=([broker]=10.77.0.11 [producer]=10.77.0.12 [consumer]=10.77.0.13)
boot_timeout_s=60
image_packages=systemd,systemd-sysv,dbus,openssh-server,iproute2,sudo,ca-certificates,procps,curl,git
# for a host that the command wants to be one of dnf
image_packages+=,dnf,rpm,createrepo-c

main() {
  [ "$(id -u)" = 0 ] || stop "run this as root: namespaces and nspawn need it"
  install_missing_packages
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/quote-pipeline/hosts image_name
  image_name=image-$(sha256sum <<<"$image_packages" | cut -c 1-12)
  build_image "$cache"

  HOSTS_STATE=$(mktemp -d "${TMPDIR:-/tmp}/quote-hosts.XXXXXX")
  export HOSTS_STATE HOSTS_IMAGE=$cache/$image_name HOSTS_SSH_CONFIG=$HOSTS_STATE/ssh_config
  trap clean_up EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
  # in the background, so that a signal is heard at once; with our stdin and without the ignored signals that bash gives such jobs
  setpriv --pdeathsig KILL \
    unshare --mount --net --pid --fork --kill-child --mount-proc \
    env --default-signal=INT,QUIT bash "${BASH_SOURCE[0]}" --inside "$@" <&0 &
  namespaces=$!
  local status=0
  wait "$namespaces" || status=$?
  namespaces=
  exit "$status"
}

stop() {
  echo "hosts.sh: $*" >&2
  exit 1
}

install_missing_packages() {
  local missing=() package
  for package in debootstrap debian-archive-keyring systemd-container iproute2 nftables openssh-client; do
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ "${#missing[@]}" = 0 ] && return
  echo "hosts.sh: installing ${missing[*]}" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
}

# A minimal server, as a cloud image is: the user `admin`, sudo without a password, sshd, curl, git.
build_image() {
  local cache=$1 image=$1/image.new
  mkdir -p "$cache"
  exec {lock}>"$cache/lock"
  flock "$lock"
  if [ ! -d "$cache/$image_name" ]; then
    echo "hosts.sh: building the disk image, once (about a minute; log: $cache/image.log)" >&2
    rm -rf "$image"
    {
      debootstrap --variant=minbase --include="$image_packages" bookworm "$image"
      # fetched, not installed: setup.sh installs it itself, on a host without a way to the internet
      chroot "$image" sh -c 'apt-get update -qq && apt-get install -y -qq --download-only openjdk-17-jre-headless'
      chroot "$image" useradd --create-home --shell /bin/bash admin
      echo 'admin ALL=(ALL) NOPASSWD: ALL' >"$image/etc/sudoers.d/admin"
      : >"$image/etc/resolv.conf"
    } >"$cache/image.log" 2>&1 || stop "the image could not be built, see $cache/image.log"
    mv "$image" "$cache/$image_name"
  fi
  exec {lock}>&-
}

clean_up() {
  if [ -n "${namespaces:-}" ]; then
    kill -KILL "$namespaces" 2>/dev/null || true
    wait "$namespaces" 2>/dev/null || true
  fi
  local groups
  groups=$(findmnt --noheadings --types cgroup2 --output TARGET | head -n 1)
  groups=$groups$(own_cgroup)/${HOSTS_STATE##*/}
  if [ -d "$groups" ]; then
    # the kernel ends the processes a moment after their namespace
    for _ in {1..50}; do
      find "$groups" -depth -type d -exec rmdir {} + 2>/dev/null && break
      sleep 0.1
    done
  fi
  rm -rf "$HOSTS_STATE"
}

own_cgroup() {
  local path
  path=$(sed -n 's/^0:://p' /proc/self/cgroup)
  echo "${path%/}"
}

# --- from here on: process 1 of the namespaces -------------------------------------------------------------------------------------

inside() {
  trap 'exit 143' TERM
  trap 'exit 130' INT
  mount_private_trees
  connect_networks
  local host
  for host in "${hosts[@]}"; do
    prepare_disk "$host"
    boot "$host" &
  done
  for host in "${hosts[@]}"; do
    wait_for_ssh "$host"
  done
  [ "$#" -gt 0 ] || set -- "${SHELL:-bash}"
  "$@"
}

mount_private_trees() {
  # systemd in the hosts wants the unified tree; where this machine has the old one, the new one is mounted over it, here only
  if [ "$(stat --file-system --format %T /sys/fs/cgroup)" != cgroup2fs ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
  fi
  mkdir -p /run/systemd/nspawn /run/netns
  mount -t tmpfs tmpfs /run/systemd/nspawn
  mount -t tmpfs tmpfs /run/netns
}

# One switch; each host behind a security group that lets in ssh from 10.77.0.1, and at the broker Kafka from its two clients.
connect_networks() {
  ip link set lo up
  ip link add switch type bridge
  ip address add 10.77.0.1/24 dev switch
  ip link set switch up
  security_group | nft -f -
  local host
  for host in "${hosts[@]}"; do
    ip netns add "$host"
    ip link add "$host" type veth peer name host0 netns "$host"
    ip link set "$host" master switch up
    ip -n "$host" address add "${address[$host]}/24" dev host0
    ip -n "$host" link set host0 up
    ip -n "$host" link set lo up
  done
  security_group 'ip saddr 10.77.0.1 tcp dport 22 accept' \
    "ip saddr { ${address[producer]}, ${address[consumer]} } tcp dport 9092 accept" | ip netns exec broker nft -f -
  for host in producer consumer; do
    security_group 'ip saddr 10.77.0.1 tcp dport 22 accept' | ip netns exec "$host" nft -f -
  done
}

security_group() {
  echo 'table inet security_group { chain in { type filter hook input priority 0; policy drop'
  printf '%s\n' 'iif lo accept' 'ct state established,related accept' "$@" '}' '}'
}

prepare_disk() {
  local host=$1 root=$HOSTS_STATE/$1/root
  mkdir -p "$HOSTS_STATE/$host"/{upper,work,root}
  mount -t overlay overlay -o "lowerdir=$HOSTS_IMAGE,upperdir=$HOSTS_STATE/$host/upper,workdir=$HOSTS_STATE/$host/work" "$root"
  echo "$host" >"$root/etc/hostname"
  {
    echo '127.0.0.1 localhost'
    local name
    for name in "${hosts[@]}"; do echo "${address[$name]} $name.internal $name"; done
  } >"$root/etc/hosts"
  [ -f "$HOSTS_STATE/key" ] || ssh-keygen -q -t ed25519 -N '' -f "$HOSTS_STATE/key"
  install -d -m 0700 -o 1000 -g 1000 "$root/home/admin/.ssh"
  install -m 0600 -o 1000 -g 1000 "$HOSTS_STATE/key.pub" "$root/home/admin/.ssh/authorized_keys"
  cat >>"$HOSTS_SSH_CONFIG" <<CONFIG
Host $host
  HostName ${address[$host]}
  User admin
  IdentityFile $HOSTS_STATE/key
  IdentitiesOnly yes
  BatchMode yes
  ConnectTimeout 2
  LogLevel ERROR
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
CONFIG
}

# Runs a host, again on the same disk after each reboot (nspawn's exit status 133). Each has a cgroup of its own: they are all
# `--keep-unit`, and two systemds in one cgroup would count each other's processes as their own.
boot() {
  local host=$1 group=/sys/fs/cgroup status=133
  group+=$(own_cgroup)/${HOSTS_STATE##*/}/$host
  mkdir -p "$group"
  echo "$BASHPID" >"$group/cgroup.procs"
  while [ "$status" = 133 ]; do
    status=0
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --boot --directory="$HOSTS_STATE/$host/root" --machine="$host" \
      --register=no --keep-unit --network-namespace-path="/run/netns/$host" --resolv-conf=off --console=passive \
      </dev/null >>"$HOSTS_STATE/$host/console.log" 2>&1 || status=$?
  done
}

wait_for_ssh() {
  local host=$1
  until ssh -F "$HOSTS_SSH_CONFIG" "$host" true 2>/dev/null; do
    if [ "$SECONDS" -ge "$boot_timeout_s" ]; then
      tail -n 20 "$HOSTS_STATE/$host/console.log" >&2
      stop "$host does not answer on port 22 after $boot_timeout_s s"
    fi
    sleep 0.2
  done
}

if [ "${1:-}" = --inside ]; then
  shift
  inside "$@"
else
  main "$@"
fi
