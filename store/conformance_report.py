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
        told = [("with", args), ("killed", where), ("because", why)]
        seen = [("expected", expected), ("found", found)]
        lines = [_line(name, value) for name, value in told if value not in ("", None)]
        lines += [_line(name, value) for name, value in seen if value is not _UNSAID]
        lines += [f"  hint      {hint}"] if hint else []
        super().__init__("\n".join([f"{what} breaks the law: {law}", *lines]))


def _line(name: str, value: Any) -> str:
    said = "nothing there" if value is None else value if isinstance(value, str) and value else repr(value)
    return f"  {name:<9} {said}"[:400]
