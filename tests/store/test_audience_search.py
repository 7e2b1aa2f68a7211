"""Law: a search for an audience answers as if the kb held nothing that is for others, scores included."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_kit import Contents, For, Kit

from milepost.store.audience import audience_name
from milepost.store.kb import Kb
from milepost.store.records import SearchHit
from milepost.store.search import Search
from milepost.store.vectors import embed_normalised

WORDS = ("leave rules", "leave plan", "pay rules", "pay plan", "car rules", "car plan")
TEXTS = st.lists(st.sampled_from(WORDS), max_size=4)
WHO = st.sampled_from([None, "hr", "legal"])


def find(
    kit: Kit, kb: Kb, audience: Sequence[str] | None, *, k: int = 4, at: int | None = None, question: str = ""
) -> list[SearchHit]:
    query = embed_normalised(kit.embedder, ["leave rules"])[0]
    search = Search(kit.home.record, kit.home.content, kit.home.path / "vectors")
    return search.search(kit.now(kb), query, k=k, at=at, question=question, audience=audience)


def said(hits: Sequence[SearchHit]) -> list[tuple[int, float, str, str, str | None]]:
    return [(hit.rank, hit.score, hit.source, hit.text, hit.audience) for hit in hits]


@settings(max_examples=25, deadline=None)
@given(
    sources=st.dictionaries(st.sampled_from("abcdef"), st.tuples(WHO, TEXTS), max_size=6),
    who=st.lists(st.sampled_from(["hr", "legal", "sales"]), max_size=2),
    question=st.sampled_from(["", "leave rules"]),
    k=st.integers(1, 12),
)
def test_what_is_for_others_is_as_if_it_were_not_there(
    tmp_path_factory: pytest.TempPathFactory,
    sources: dict[str, tuple[str | None, list[str]]],
    who: list[str],
    question: str,
    k: int,
) -> None:
    """The same hits with the same scores as in a kb of only what is for them or for everybody; none too few."""
    kit = Kit(tmp_path_factory.mktemp("audience") / "home")
    whole, own = kit.kb("whole"), kit.kb("own")
    contents: dict[str, Contents] = {
        name: texts if tag is None else For(tag, tuple(texts)) for name, (tag, texts) in sources.items()
    }
    kit.publish(whole, contents, follow=False)
    theirs = {name: one for name, one in contents.items() if sources[name][0] in {None, *who}}
    kit.publish(own, theirs, follow=False)
    assert said(find(kit, whole, who, k=k, question=question)) == said(find(kit, own, None, k=k, question=question))
    kit.home.close()


def test_each_revision_has_its_audiences(kit: Kit) -> None:
    """What was for some and is for everybody now is found by all now, and by them alone at its revision."""
    kb = kit.kb()
    kit.publish(kb, {"a": For("hr", ("leave rules",))}, follow=False)
    kit.publish(kb, {"a": ["leave rules"]}, follow=False)
    assert [len(find(kit, kb, who, at=1)) for who in (None, ["hr"], ["legal"], [])] == [1, 1, 0, 0]
    assert [len(find(kit, kb, who)) for who in (None, ["hr"], ["legal"], [])] == [1, 1, 1, 1]


@pytest.mark.parametrize("written", ["support-team", "Support team", " SUPPORT_TEAM ", "support  team"])
def test_a_name_is_the_same_however_it_is_written(kit: Kit, written: str) -> None:
    """Capitals, spaces, hyphens and underscores tell no audiences apart, asked for or tagged."""
    assert audience_name(written) == "support-team"
    kb = kit.kb()
    kit.publish(kb, {"a": For(written, ("leave rules",))}, follow=False)
    assert [hit.audience for hit in find(kit, kb, ["Support Team"])] == ["support-team"]
    assert find(kit, kb, ["support"]) == []
