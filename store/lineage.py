"""Which journeys belong together: a rollback counts as part of what it undoes, and so does what undoes that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


class Lineage:
    """Rollbacks with the journeys that each undoes, as `Ledger.undoes` gives them."""

    def __init__(self, undoes: Mapping[str, Sequence[str]]) -> None:
        self._undoes = undoes
        self._roots: dict[str, frozenset[str]] = {}
        self._parts: dict[str, set[str]] = {}
        for rollback in undoes:
            for root in self.roots(rollback):
                self._parts.setdefault(root, set()).add(rollback)

    def is_rollback(self, journey_id: str) -> bool:
        """Whether this journey undoes others, or took a whole kb back."""
        return journey_id in self._undoes

    def roots(self, journey_id: str) -> frozenset[str]:
        """The journeys that are no rollbacks, of which this one is a part; itself, where it is none."""
        if journey_id not in self._roots:  # a rollback is always younger than what it undoes, so this ends
            found = frozenset[str]().union(*(self.roots(each) for each in self._undoes.get(journey_id, ())))
            self._roots[journey_id] = found or frozenset((journey_id,))
        return self._roots[journey_id]

    def family(self, journeys: Iterable[str]) -> set[str]:
        """These journeys with everything that undoes one of them, or that one of them undoes."""
        given = set(journeys)
        roots = frozenset[str]().union(*(self.roots(each) for each in given))
        return given.union(roots, *(self._parts.get(root, ()) for root in roots))
