"""A document that is a zip archive of XML parts: Office Open XML, EPUB."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree import ElementTree

from .document import Document, Limits, Refused

Element = ElementTree.Element

_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
RATIO_FROM = 50_000_000
"""Bytes up to which nobody minds how densely something was packed."""


class Package:
    """The parts of a package, read one at a time.

    Names are never paths on a disk: nothing is unpacked to one.
    """

    def __init__(self, document: Document) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(document.data))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise Refused("corrupt", f"damaged or cut off ({error}); give an undamaged copy") from None
        self._parts = {part.filename: part for part in self._archive.infolist()}
        if any(part.flag_bits & 1 for part in self._parts.values()):
            raise Refused("encrypted", "encrypted; leave it out, or give an open copy")
        self._check(document.limits)

    def _check(self, limits: Limits) -> None:
        """By what the directory says, before anything is unpacked."""
        unpacked = sum(part.file_size for part in self._parts.values())
        if unpacked > limits.archive_bytes:
            met = f"unpacks to {unpacked} bytes, the limit is {limits.archive_bytes}"
            raise Refused("too_large", f"{met}; leave it out, or raise limits.archive_bytes")
        for part in self._parts.values():
            if part.file_size > max(RATIO_FROM, part.compress_size * limits.archive_ratio):
                times = part.file_size // max(1, part.compress_size)
                met = f"unpacks to {times} times its size, the limit is {limits.archive_ratio}"
                raise Refused("too_large", f"{met}; leave it out, or raise limits.archive_ratio")

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def names(self) -> list[str]:
        return list(self._parts)

    def read(self, name: str) -> bytes:
        """The bytes of a part; Refused where it is missing or damaged."""
        try:
            return self._archive.read(self._parts[name])
        except KeyError:
            raise Refused("corrupt", f"damaged: it has no {name}; give an undamaged copy") from None
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError) as error:
            raise Refused("corrupt", f"damaged ({error}); give an undamaged copy") from None
        except Exception as error:  # zlib.error and its like of other compressions have no common base
            raise Refused("corrupt", f"damaged ({error}); give an undamaged copy") from None

    def _usual(self, name: str) -> bytes:
        """An XML part with the names that nearly all documents use: a "strict" one has others for the same."""
        data = self.read(name)
        return _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/\2", data) if _STRICT.search(data) else data

    def xml(self, name: str) -> Element:
        """The root of an XML part."""
        try:
            return ElementTree.fromstring(self._usual(name))
        except ElementTree.ParseError as error:
            raise Refused("corrupt", f"damaged: {name} is no XML ({error}); give an undamaged copy") from None

    def elements(self, name: str, *tags: str) -> Iterator[Element]:
        """Every outermost element called so of a large part, one at a time; it is let go for the next."""
        depth = 0
        above: list[Element] = []
        try:
            for event, element in ElementTree.iterparse(io.BytesIO(self._usual(name)), ("start", "end")):
                if event == "start":
                    above.append(element)
                    depth += element.tag in tags
                    continue
                above.pop()
                if element.tag in tags:
                    depth -= 1
                    if not depth:
                        yield element
                if not depth and above:
                    above[-1].remove(element)
        except ElementTree.ParseError as error:
            raise Refused("corrupt", f"damaged: {name} is no XML ({error}); give an undamaged copy") from None

    def related(self, name: str) -> dict[str, tuple[str, str]]:
        """The relations of a part: id to (kind, name of the other part)."""
        folder, base = posixpath.split(name)
        rels = f"{folder}/_rels/{base}.rels" if folder else f"_rels/{base}.rels"
        if rels not in self._parts:
            return {}
        return {
            each.get("Id", ""): (
                each.get("Type", "").rpartition("/")[2],
                resolve(name, each.get("Target", "")),
            )
            for each in self.xml(rels)
            if each.get("TargetMode") != "External"
        }

    def main(self) -> str:
        """The name of the part that is the document itself."""
        for kind, target in self.related("").values():
            if kind == "officeDocument":
                return target
        raise Refused("corrupt", "damaged: it does not say which part is the document; give an undamaged copy")


def whole(text: str, otherwise: int) -> int:
    """A whole number as an attribute has it; `otherwise` for what is none, or is longer than any document needs."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else otherwise


def resolve(name: str, target: str) -> str:
    """The part that `target` means in the part called `name`."""
    target = unquote(target.partition("#")[0])
    if target.startswith("/"):
        return posixpath.normpath(target).lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
