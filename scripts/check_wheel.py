"""Build the wheel, hold it to the folders, install it into an empty environment, and use it from somewhere else.

A package that is not listed in pyproject.toml vanishes from the wheel without a word, and a tree on the import path
hides it: so this looks at the wheel itself. It wants uv (which `make install` brings), and the network only for what
uv's cache lacks.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("agents", "evals", "prompts", "store", "tools")
OTHERS = ("pyproject.toml", "README.md", "LICENSE")
LOCK = ROOT / "requirements-dev.lock"


class Wrong(Exception):
    """The wheel is not what it should be; the message says how."""


def main() -> int:
    """Check the wheel for the running Python, or for the one named as the only argument."""
    python = sys.argv[1] if len(sys.argv) > 1 else sys.executable
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="milepost-wheel-") as name:
            folder = Path(name)
            wheel = build(folder)
            compare(wheel)
            command = install(wheel, folder, python)
            use(command, folder)
    except Wrong as wrong:
        print(f"wheel: {wrong}", file=sys.stderr)
        return 1
    print(f"wheel: holds what the folders hold, installs and works ({time.monotonic() - began:.0f} s)")
    return 0


def build(folder: Path) -> Path:
    """Build from a copy, so that no leftover `build/` folder lends the wheel files that are gone from the tree."""
    copy = folder / "tree"
    copy.mkdir()
    for name in OTHERS:
        shutil.copy(ROOT / name, copy)
    for name in ("milepost", *FLOORS):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    uv("build", "--quiet", "--wheel", "--out-dir", str(folder / "dist"), str(copy))
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def compare(wheel: Path) -> None:
    """Raise where the wheel lacks a module, a marker or a prompt, or brings anything beside `milepost`."""
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    wanted = {f"milepost/{path.name}" for path in _of_a_floor(ROOT / "milepost")}
    for floor in FLOORS:
        wanted |= {f"milepost/{floor}/{path.relative_to(ROOT / floor)}" for path in _of_a_floor(ROOT / floor)}
    top = {name.split("/", 1)[0] for name in held}
    info = {name for name in top if name.startswith("milepost-") and name.endswith(".dist-info")}
    package = {name for name in held if name.startswith("milepost/")}
    if wanted - package:
        raise Wrong(f"lacks {', '.join(sorted(wanted - package))}")
    if package - wanted:
        raise Wrong(f"has, and the folders have not: {', '.join(sorted(package - wanted))}")
    if top != {"milepost"} | info:
        raise Wrong(f"installs at top level: {', '.join(sorted(top - {'milepost'} - info))}")


def _of_a_floor(folder: Path) -> list[Path]:
    inner = [path for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__"]
    for each in inner:
        if any(each.rglob("*.py")):
            raise Wrong(f"{each} is a folder inside a floor; floors are flat, or setuptools does not see them")
    data = [path for each in inner for path in each.glob("*.jsonl")]
    here = [path for path in folder.iterdir() if path.suffix in (".py", ".md", ".css") or path.name == "py.typed"]
    return here + data


def install(wheel: Path, folder: Path, python: str) -> Path:
    """Install into an empty environment, with the versions of the lock file; returns the `milepost` command."""
    venv = folder / "venv"
    uv("venv", "--quiet", "--python", python, str(venv))
    where = ["--quiet", "--python", str(venv / "bin" / "python"), "--constraint", str(LOCK), str(wheel)]
    try:
        uv("pip", "install", "--offline", *where)
    except Wrong:
        uv("pip", "install", *where)
    return venv / "bin" / "milepost"


def use(command: Path, folder: Path) -> None:
    """Ingest, search and roll back with the installed command, far from the tree."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "leave.md").write_text("# Leave\n\nParental leave is sixteen weeks.\n", encoding="utf-8")
    said = run(command, elsewhere, "--version")
    if not said.startswith("milepost "):
        raise Wrong(f"--version says {said!r}")
    common = ("--home", "home", "--policy", "rollback", "--json")
    run(command, elsewhere, "ingest", "leave.md", "--kb", "hr", *common)
    found = json.loads(run(command, elsewhere, "search", "parental leave", "--kb", "hr", *common))
    if "sixteen weeks" not in found["results"][0]["text"]:
        raise Wrong(f"search found {found}")
    run(command, elsewhere, "rollback", "--last", "--kb", "hr", "--yes", *common)
    found = json.loads(run(command, elsewhere, "search", "parental leave", "--kb", "hr", *common))
    if found["results"]:
        raise Wrong(f"after the rollback search still finds {found}")


def run(command: Path, folder: Path, *arguments: str) -> str:
    """Run the installed command without anything of this environment; returns what it printed."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "MILEPOST", "VIRTUAL"))}
    return _output([str(command), *arguments], cwd=folder, env=clean)


def uv(*arguments: str) -> str:
    """Run uv, the environment's own where there is one."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise Wrong("needs uv, which `make install` brings into the environment")
    return _output([found, *arguments])


def _output(arguments: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(arguments, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Wrong(f"`{' '.join(arguments)}` ended with {done.returncode}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
