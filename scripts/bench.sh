#!/usr/bin/env bash
# How fast the consumer brings a full topic to S3, beside librdkafka, the check and the compression alone. Real Kafka and
# a real S3 server on this machine. Installs and builds what is missing. See `bench.sh --help`.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/install_tools.sh
source "$root/scripts/install_tools.sh"
install_tools
cargo build --manifest-path "$root/Cargo.toml" --release \
  --bin bench --bin broker-setup --bin consumer
exec cargo run --manifest-path "$root/Cargo.toml" --release --workspace --quiet --bin bench -- "$@"
