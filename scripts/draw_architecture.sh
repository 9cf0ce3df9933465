#!/usr/bin/env bash
# Draws architecture.png from scripts/architecture.dot. Needs graphviz and the DejaVu fonts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v dot >/dev/null; then
  echo "dot is missing: install graphviz (apt-get install graphviz fonts-dejavu-core)" >&2
  exit 1
fi
dot -Tpng -Gdpi=110 scripts/architecture.dot -o architecture.png
echo "architecture.png drawn"
