#!/bin/sh
# Make the development environment from the lock file: with uv where there is one, else pip brings uv into the environment.
set -eu
: "${PYTHON:=python3}" "${VENV:=.venv}"
unset PYTHONDONTWRITEBYTECODE || true

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

python=
for candidate in "$PYTHON" python3.13 python3.12 python3.11; do
    if fits "$candidate"; then python=$candidate && break; fi
done
if [ -z "$python" ]; then
    echo "error: Milepost needs Python 3.11, 3.12 or 3.13, and $PYTHON is none of them" >&2
    echo "next: make install PYTHON=/path/to/python3.12" >&2
    exit 1
fi

echo "Installing into $VENV with $("$python" --version); a minute or two, about 1.2 GB."
if [ -x "$VENV/bin/python" ] && ! fits "$VENV/bin/python"; then rm -rf "$VENV"; fi
if command -v uv >/dev/null 2>&1; then
    uv=uv
    [ -x "$VENV/bin/python" ] || uv venv --quiet --python "$python" "$VENV"
else
    [ -x "$VENV/bin/python" ] || "$python" -m venv "$VENV"
    [ -x "$VENV/bin/uv" ] || "$VENV/bin/python" -m pip install --quiet uv
    uv="$VENV/bin/uv"
fi
"$uv" pip install --quiet --compile-bytecode --python "$VENV/bin/python" --require-hashes -r requirements-dev.lock
"$uv" pip install --quiet --compile-bytecode --python "$VENV/bin/python" --no-deps -e .
