"""Text out of bytes: which encoding they are in, and the text without what a store cannot hold."""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass

from .guess import MIXED, guess

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL_BYTES = bytes(n for n in range(32) if n not in (9, 10, 11, 12, 13)) + b"\x7f"
_CONTROLS = re.compile(
    "\x1b\\[[0-9;?]*[ -/]*[@-~]"  # what colours a terminal, whole
    "|[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\ufeff\ufffe\uffff\ud800-\udfff]"
)
"""What a store cannot hold or nobody sees: a soft hyphen would make two words of one."""
_BREAKS = str.maketrans({"\v": "\n", "\f": "\n\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n\n"})
_WIDE_STOPS = frozenset("\r\n\t 0123456789.,;:!?'\"()-\u3000、。，．「」（）：！？")


_STRAY = 3
"""Control characters that a text without NULs may have, however short it is."""
_FEW = 10
"""Letters beyond ASCII that UTF-8 must explain for each byte that it does not."""


@dataclass(frozen=True)
class Decoded:
    text: str
    encoding: str
    warnings: tuple[str, ...] = ()


def decode(data: bytes, declared: str | None = None) -> Decoded | None:
    """Return the clean text of `data`, or None where it is no text.

    A byte order mark decides, then UTF-8 if it is that, then what the document itself declares, then a guess
    over all of its lines beyond ASCII, which is a warning.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _marked(data[len(mark) :], encoding)
    wide = _wide(data) or _wide_beyond_latin(data)
    if wide is not None:
        return _strict(data, wide)
    if _is_binary(data):
        return None
    if b"\x1b$" in data[:100_000] and (found := _strict(data, "iso2022_jp")) is not None:
        return found
    plain = _strict(data, "utf-8")
    if plain is not None:
        return plain
    if (damaged := _damaged_utf8(data)) is not None:
        return damaged
    if declared and (found := _declared(data, declared)) is not None:
        return found
    return _guessed(data)


def clean(text: str) -> str:
    """Return `text` in NFC with `\\n` for every line end, without control characters and lone surrogates."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isprintable() and _CONTROLS.search(text):
        text = _CONTROLS.sub("", text)
    if any(mark in text for mark in "\f\v\x85\u2028\u2029"):
        text = text.translate(_BREAKS)
    return text if text.isascii() or unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def _marked(body: bytes, encoding: str) -> Decoded | None:
    found = _strict(body, encoding)
    if found is not None:
        return found
    text = clean(body.decode(encoding, "replace"))
    return Decoded(text, encoding, (f"damaged {encoding} text: {text.count(chr(0xFFFD))} characters are lost",))


def _strict(data: bytes, encoding: str) -> Decoded | None:
    try:
        return Decoded(clean(data.decode(encoding)), encoding)
    except (UnicodeError, LookupError):
        return None


def _wide(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: NUL bytes stand at one side of most units."""
    head = data[:4000]
    if len(head) < 4 or head.count(0) < len(head) // 5:
        return None
    zeros = [head[offset::4].count(0) * 4 / len(head) for offset in range(4)]
    for encoding, quiet, loud in (
        ("utf-32-le", (2, 3), (0,)),
        ("utf-32-be", (0, 1), (3,)),
        ("utf-16-le", (1, 3), (0, 2)),
        ("utf-16-be", (0, 2), (1, 3)),
    ):
        if all(zeros[n] > 0.4 for n in quiet) and all(zeros[n] < 0.1 for n in loud):
            return encoding
    return None


def _wide_beyond_latin(data: bytes) -> str | None:
    """UTF-16 without a mark in a script whose units hold no NUL: Cyrillic, Arabic, Thai, East Asian ones.

    Only its line ends, spaces and stops give it away.
    """
    head = data[:4000]
    if 0 not in head or len(data) % 2:
        return None
    for encoding in ("utf-16-le", "utf-16-be"):
        text = head.decode(encoding, "replace").rstrip("\ufffd")
        words = sum(unicodedata.category(char)[0] in "LM" for char in text)
        known = sum(char in _WIDE_STOPS for char in text)
        if known and words + known > 0.95 * len(text):
            return encoding
    return None


def _is_binary(data: bytes) -> bool:
    head = data[:100_000]
    controls = len(head) - len(head.translate(None, _CONTROL_BYTES.replace(b"\x1b", b"")))
    few = _STRAY if controls * 4 < len(head) and 0 not in head and _is_utf8(head) else 0
    return (controls - few) * 200 > len(head) or (b"\0\0\0" in head and controls * 2000 > len(head))


def _is_utf8(head: bytes) -> bool:
    """Whether it is UTF-8 but for a letter that is cut off at its end."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeError:
        return False
    return True


def _damaged_utf8(data: bytes) -> Decoded | None:
    """UTF-8 that was cut off, holds halves of surrogate pairs, or has a few bytes of something else in it."""
    try:
        text = data.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        lost = text.count("\ufffd")
    except UnicodeError:
        text = data.decode("utf-8", "replace")
        lost = text.count("\ufffd")
        good = len(text) - len(text.encode("ascii", "ignore")) - lost
        cut_off = lost == 1 and text.endswith("\ufffd")
        if not good or lost * _FEW > good + _FEW * cut_off:
            return None
    warning = f"damaged UTF-8: {lost} character{'s are' if lost > 1 else ' is'} lost"
    return Decoded(clean(text), "utf-8", (warning,) if lost else ())


def _declared(data: bytes, declared: str) -> Decoded | None:
    try:
        name = codecs.lookup(declared).name
    except (LookupError, ValueError):
        return None
    if name.startswith(("utf-16", "utf-32", "utf-7", "punycode", "idna", "rot", "unicode", "raw")):
        return None
    return _strict(data, "cp1252" if name in ("iso8859-1", "ascii") else name) or _strict(data, name)


def _guessed(data: bytes) -> Decoded | None:
    encoding = guess(data)
    if encoding is None:
        return None
    if encoding == MIXED:
        return _by_line(data)
    found = _strict(data, encoding)
    if found is not None:
        return Decoded(found.text, encoding, (f"not UTF-8: read as {encoding}",))
    text = clean(data.decode(encoding, "replace"))
    lost = text.count("\ufffd")
    return Decoded(text, encoding, (f"not UTF-8: read as {encoding}, {lost} characters are lost",))


def _by_line(data: bytes) -> Decoded:
    """Text of several hands: the lines that are UTF-8 as that, the others as what they are together."""
    lines = data.splitlines(keepends=True)
    others = b"".join(line for line in lines if _strict(line, "utf-8") is None)
    encoding = guess(others) or "cp1252"
    text = "".join(_either(line, encoding) for line in lines)
    return Decoded(clean(text), "utf-8", (f"some lines are not UTF-8: they are read as {encoding}",))


def _either(line: bytes, encoding: str) -> str:
    try:
        return line.decode()
    except UnicodeError:
        return line.decode(encoding, "replace")
