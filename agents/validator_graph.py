"""Whether the steps can be put in an order: ids, dependencies, rings. Nothing here recurses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .issues import Findings, shown
from .validator_shape import Step


def check_graph(steps: Sequence[Step], by_id: Mapping[str, Step], found: Findings) -> None:
    """Issues of ids and of `depends_on`."""
    seen: set[str] = set()
    for step in steps:
        if step.id in seen:
            found.error("duplicate_step_id", step.id, f"two steps are called {shown(step.id)}", "give each its own id")
        seen.add(step.id)
        for other in step.depends_on:
            if other == step.id:
                found.error(
                    "self_dependency",
                    step.id,
                    f"{shown(step.id)} depends on itself",
                    "take it out of depends_on",
                )
            elif other not in by_id:
                found.error(
                    "missing_dependency",
                    step.id,
                    f"{shown(step.id)} depends on {shown(other)}, which is not in the plan",
                    found.nearest(other, by_id),
                )
    for ring in rings(edges(steps, by_id)):
        path = " -> ".join([*ring[:8], *(["..."] if len(ring) > 8 else []), ring[0]])
        found.error(
            "cycle",
            ring[0],
            f"steps depend on each other in a ring: {path}",
            f"take one of these out of the depends_on of another; {len(ring)} steps are in the ring",
        )


def edges(steps: Sequence[Step], by_id: Mapping[str, Step]) -> dict[str, list[str]]:
    """Each step's id with the ids it depends on, without itself and what is not in the plan."""
    graph: dict[str, list[str]] = {step.id: [] for step in steps}
    for step in steps:
        graph[step.id] += [other for other in step.depends_on if other in by_id and other != step.id]
    return graph


def ordered(graph: Mapping[str, Sequence[str]]) -> list[str]:
    """Ids with what they depend on before them (Kahn 1962); those in a ring or behind one are left out."""
    waiting = {name: len(set(needed)) for name, needed in graph.items()}
    dependents: dict[str, list[str]] = {name: [] for name in graph}
    for name, needed in graph.items():
        for other in set(needed):
            dependents[other].append(name)
    ready = [name for name, count in waiting.items() if count == 0]
    for name in ready:
        for dependent in dependents[name]:
            waiting[dependent] -= 1
            if waiting[dependent] == 0:
                ready.append(dependent)
    return ready


def rings(graph: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """For each knot of steps that depend on each other one ring through it, from the knot's first step on."""
    place = {name: number for number, name in enumerate(graph)}
    knots = [sorted(knot, key=place.__getitem__) for knot in _knots(graph) if len(knot) > 1]
    return [_ring(graph, knot) for knot in sorted(knots, key=lambda knot: place[knot[0]])]


def _ring(graph: Mapping[str, Sequence[str]], knot: Sequence[str]) -> list[str]:
    """The shortest way from a knot's first step back to it."""
    inside, first = set(knot), knot[0]
    came_from: dict[str, str] = {}
    queue = [first]
    for name in queue:
        for other in graph[name]:
            if other == first:
                path = [name]
                while path[-1] != first:
                    path.append(came_from[path[-1]])
                return path[::-1]
            if other in inside and other not in came_from:
                came_from[other] = name
                queue.append(other)
    return list(knot)


def _knots(graph: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Strongly connected components (Tarjan 1972), without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    held: set[str] = set()
    work: list[tuple[str, Iterator[str]]] = []

    def enter(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        held.add(name)
        work.append((name, iter(graph[name])))

    for root in graph:
        if root not in index:
            enter(root)
        while work:
            name, rest = work[-1]
            other = next(rest, None)
            if other is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    yield _pop(stack, held, name)
            elif other not in index:
                enter(other)
            elif other in held:
                low[name] = min(low[name], index[other])


def _pop(stack: list[str], held: set[str], root: str) -> list[str]:
    """Take a finished component off the stack, down to its root."""
    knot = [stack.pop()]
    while knot[-1] != root:
        knot.append(stack.pop())
    held.difference_update(knot)
    return knot
