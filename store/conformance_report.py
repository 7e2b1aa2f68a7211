"""How a broken law is reported: which, of what, with what arguments, what was expected and what was found."""

from __future__ import annotations

from typing import Any

_UNSAID: Any = object()


class NotConforming(AssertionError):
    """A law was broken; `law` names it, the message says the rest."""

    def __init__(
        self, what: str, law: str, args: Any = None, *, why: str = "", where: str = "", hint: str = "",
        expected: Any = _UNSAID, found: Any = _UNSAID,
    ) -> None:  # fmt: skip
        self.what = what
        self.law = law
        told = [("with", args), ("killed", where), ("because", why), ("expected", expected), ("found", found)]
        lines = [f"  {name:<9} {value!r}"[:400] if not isinstance(value, str) else f"  {name:<9} {value}"[:400]
                 for name, value in told if value is not _UNSAID and value not in ("", None)]  # fmt: skip
        lines += [f"  hint      {hint}"] if hint else []
        if expected is None and found is not _UNSAID:
            lines.insert(0, "  expected  nothing there")
        super().__init__("\n".join([f"{what} breaks the law: {law}", *lines]))
