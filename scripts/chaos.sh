#!/usr/bin/env bash
# Faults without end on this machine: three Kafka nodes, an S3 server, consumers that are killed, frozen and cut off.
# Installs and builds what is missing, and ends with the audit of the bucket. See `chaos.sh --help`.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/install_tools.sh
source "$root/scripts/install_tools.sh"
install_tools
cargo build --manifest-path "$root/Cargo.toml" --workspace
exec cargo run --quiet --manifest-path "$root/Cargo.toml" --bin chaos -- "$@"
