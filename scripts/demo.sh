#!/usr/bin/env bash
# The whole pipeline on this machine: Kafka, an S3 server, a stand-in for Twelve Data, the three programs.
# Installs and builds what is missing, then shows the ticks in the bucket and stops everything. See `demo.sh --help`.
set -euo pipefail
export DEMO_STARTED_AT=$EPOCHREALTIME
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/install_tools.sh
source "$root/scripts/install_tools.sh"
install_tools
# what the demo runs and no more, in one go, so that the same features are built as for the tests
cargo build --manifest-path "$root/Cargo.toml" \
  --bin demo --bin broker-setup --bin producer --bin consumer
exec cargo run --quiet --manifest-path "$root/Cargo.toml" --bin demo -- "$@"
