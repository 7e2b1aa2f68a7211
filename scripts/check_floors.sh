#!/bin/sh
# Hold the imports between the floors to the contract in pyproject.toml. import-linter follows no links, so it gets a
# copy laid out as the package is installed.
set -eu
cd "$(dirname "$0")/.."
: "${BIN:=.venv/bin}"
lint="$(cd "$BIN" && pwd)/lint-imports"
config="$PWD/pyproject.toml"
sh scripts/links.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cp -RL .links/milepost "$tree/milepost"
cd "$tree"
PYTHONPATH="$tree" "$lint" "$config" --no-cache --no-logo
