"""Which journeys belong together: a rollback counts as part of what it undoes, and so does what undoes that."""

from __future__ import annotations

from collections.abc import Iterable

from ..store.home import Home


class Lineage:
    """Every rollback of a home with the journeys that it undoes."""

    def __init__(self, home: Home) -> None:
        self._undoes = home.ledger.undoes()
        self._roots: dict[str, frozenset[str]] = {}

    def is_rollback(self, journey_id: str) -> bool:
        """Whether this journey undoes others, or took a whole kb back."""
        return journey_id in self._undoes

    def roots(self, journey_id: str) -> frozenset[str]:
        """The journeys that are no rollbacks, of which this one is a part; itself, where it is none."""
        if journey_id not in self._roots:  # a rollback is always younger than what it undoes, so this ends
            undone = self._undoes.get(journey_id, ())
            found = frozenset[str]().union(*(self.roots(each) for each in undone))
            self._roots[journey_id] = found or frozenset((journey_id,))
        return self._roots[journey_id]

    def family(self, journeys: Iterable[str]) -> set[str]:
        """These journeys with everything that undoes one of them, or that one of them undoes."""
        given = set(journeys)
        wanted = frozenset[str]().union(*(self.roots(each) for each in given))
        return given | wanted | {other for other in self._undoes if self.roots(other) & wanted}
