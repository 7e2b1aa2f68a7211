"""The files and folders that a sentence names by path."""

from __future__ import annotations

import shlex
from pathlib import Path


def named_paths(said: str, root: Path | None = None) -> tuple[list[str], str]:
    """The words that are paths that are there, from `root` on, and the sentence with files called by their names.

    A file's source is its name, so that is what it is called from then on.
    """
    base = root or Path()
    paths = [word for word in words(said) if (base / word).exists()]
    for path in paths:
        said = said.replace(path, Path(path).name) if (base / path).is_file() else said
    return paths, said


def words(text: str) -> list[str]:
    """A line's words as a shell has them."""
    try:
        return shlex.split(text)
    except ValueError:  # a quote that is an apostrophe
        return text.split()
