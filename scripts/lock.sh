#!/bin/sh
# Write requirements-dev.lock anew: exact versions with hashes, for every supported Python and platform.
set -eu
uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
    --group dev --extra evals --extra inspect pyproject.toml -o requirements-dev.lock "$@"
