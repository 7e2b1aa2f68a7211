#!/bin/sh
# Make the development environment from the lock file: with uv where there is one, else pip brings uv into the environment.
set -eu
: "${PYTHON:=python3}" "${VENV:=.venv}"
unset PYTHONDONTWRITEBYTECODE || true
if command -v uv >/dev/null 2>&1; then
    UV=uv
    [ -x "$VENV/bin/python" ] || uv venv --quiet --python "$PYTHON" "$VENV"
else
    [ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
    [ -x "$VENV/bin/uv" ] || "$VENV/bin/python" -m pip install --quiet uv
    UV="$VENV/bin/uv"
fi
"$UV" pip install --quiet --compile-bytecode --python "$VENV/bin/python" \
    --require-hashes -r requirements-dev.lock
"$UV" pip install --quiet --compile-bytecode --python "$VENV/bin/python" --no-deps -e .
