"""Texts without secrets: what other people's code says when it fails may quote a key, and is shown and kept."""

from __future__ import annotations

import re

_HIDDEN = "[hidden]"
_SHORTEST = 6
_LOOKS_SECRET = re.compile(
    r"\b(?:sk|pk|rk|ghp|gho|ghs|github_pat|xox[abp]|glpat|hf)[-_][\w-]{8,}"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
)
_AFTER = re.compile(
    r"(\bbearer\s+|\bbasic\s+(?=[\w+/=]{16})"
    r"|(?:api[-_ ]?key|password|passwd|secret|authorization|access[-_ ]?token)[\"']?\s*[:=]\s*[\"']?)"
    r"(?!\[hidden\]|bearer\s|basic\s)[^\s\"',;)}\]]{6,}",
    re.IGNORECASE,
)
_IN_ADDRESS = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@:]*:[^\s/@]+@", re.IGNORECASE)
_known: set[str] = set()


def know_secret(value: str) -> None:
    """Never show this value from now on, whatever it looks like; the settings tell of each key that they read."""
    if len(value) >= _SHORTEST:
        _known.add(value)


def without_secrets(text: str) -> str:
    """The text with `[hidden]` for known secrets, for what looks like a key, and for a password in an address."""
    for value in _known:
        text = text.replace(value, _HIDDEN)
    text = _IN_ADDRESS.sub(rf"\1{_HIDDEN}@", text)
    text = _LOOKS_SECRET.sub(_HIDDEN, text)
    return _AFTER.sub(rf"\1{_HIDDEN}", text)


def told(error: BaseException, limit: int = 300) -> str:
    """What an exception of other people's code says: its kind and message, shortened, without secrets."""
    return without_secrets(f"{type(error).__name__}: {error}")[:limit]
