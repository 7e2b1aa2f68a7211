#!/bin/sh
# Link every folder and module into .links/milepost, where type checkers see the one package that gets installed.
set -eu
cd "$(dirname "$0")/.."
mkdir -p .links/milepost
find .links/milepost -type l ! -exec test -e {} \; -delete
for folder in agents evals prompts store tools; do
    [ -L ".links/milepost/$folder" ] || ln -s "../../$folder" ".links/milepost/$folder"
done
for module in milepost/*.py milepost/py.typed; do
    [ -L ".links/$module" ] || ln -s "../../$module" ".links/$module"
done
