"""Law: chunks lose nothing, fit, follow the structure, and stay where the document did not change."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.store.policy import ChunkPolicy, LimitPolicy
from milepost.tools.chosen_before import choices_of
from milepost.tools.chunk import ChunkDraft, chunk, chunker_id
from milepost.tools.document import Block
from milepost.tools.parse import parse_bytes

POLICY = ChunkPolicy()
SMALL = ChunkPolicy(size=200, overlap=40)
LIMITS = LimitPolicy()
WORDS = [
    "leave",
    "refund",
    "policy",
    "kiosk",
    "garden",
    "invoice",
    "harbour",
    "silver",
    "quota",
    "window",
    "zebra",
]


def chunks(text: str, name: str = "x.md", policy: ChunkPolicy = POLICY) -> list[ChunkDraft]:
    return parse_bytes(text.encode(), name, chunk=policy, limits=LIMITS).chunks


def sentence(rng: random.Random) -> str:
    return " ".join(rng.choice(WORDS) + str(rng.randrange(99)) for _ in range(rng.randrange(4, 16))).capitalize() + "."


def prose(rng: random.Random, paragraphs: int) -> list[str]:
    return [" ".join(sentence(rng) for _ in range(rng.randrange(1, 7))) for _ in range(paragraphs)]


def table(rng: random.Random, rows: int) -> list[str]:
    return [f"{n},{rng.choice(WORDS)},{rng.randrange(10_000)}" for n in range(rows)]


def kept(before: list[ChunkDraft], after: list[ChunkDraft]) -> float:
    texts = {each.text for each in after}
    return sum(each.text in texts for each in before) / len(before)


paragraph = st.lists(st.text(min_size=1, max_size=30).filter(str.strip), min_size=1, max_size=60).map(" ".join)
block = st.one_of(
    paragraph.map(lambda text: Block(text)),
    paragraph.map(lambda text: Block(text[:80], "heading")),
    paragraph.map(lambda text: Block(text, "row", row=1, header="name | value")),
)


@given(st.lists(block, max_size=12), st.sampled_from([SMALL, ChunkPolicy(size=50, overlap=0), POLICY]))
def test_no_chunk_is_larger_than_the_policy_says(blocks: list[Block], policy: ChunkPolicy) -> None:
    """Heading and header are counted."""
    assert all(len(each.text) <= policy.size for each in chunk(blocks, policy))


@given(st.lists(block, max_size=12), st.sampled_from([SMALL, POLICY]))
def test_no_word_is_lost(blocks: list[Block], policy: ChunkPolicy) -> None:
    """Every word of every heading, paragraph and row is in some chunk."""
    wanted = {word for each in blocks for word in each.text.split()}
    assert wanted <= {word for each in chunk(blocks, policy) for word in each.text.split()}


@given(st.lists(paragraph, max_size=12), st.sampled_from([50, 200, 1000]))
def test_without_overlap_text_comes_out_once_and_in_order(texts: list[str], size: int) -> None:
    """Whatever is cut, nothing but white space goes, and nothing comes twice."""
    found = chunk([Block(text) for text in texts], ChunkPolicy(size=size, overlap=0))
    assert "".join("".join(each.text.split()) for each in found) == "".join("".join(t.split()) for t in texts)


@given(st.lists(block, max_size=12))
def test_the_same_blocks_give_the_same_chunks(blocks: list[Block]) -> None:
    """Nothing random, nothing of a process."""
    again = [Block(each.text, each.kind, row=each.row, header=each.header) for each in blocks]
    assert chunk(blocks, SMALL) == chunk(again, SMALL)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("where", [0.0, 0.3, 0.8])
def test_an_inserted_paragraph_leaves_most_chunks_as_they_were(seed: int, where: float) -> None:
    """Boundaries are chosen by content: they meet again soon after the insertion."""
    rng = random.Random(seed)
    paragraphs = prose(rng, 400)
    at = int(len(paragraphs) * where)
    edited = [*paragraphs[:at], sentence(rng), *paragraphs[at:]]
    assert kept(chunks("\n\n".join(paragraphs)), chunks("\n\n".join(edited))) > 0.93


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("where", [0.0, 0.5])
def test_an_inserted_row_leaves_most_chunks_as_they_were(seed: int, where: float) -> None:
    """Row numbers are locations, not text."""
    rng = random.Random(seed)
    rows = table(rng, 3000)
    at = int(len(rows) * where)
    head = "id,name,amount"
    before = chunks("\n".join([head, *rows]), "x.csv")
    after = chunks("\n".join([head, *rows[:at], "77777,inserted,1", *rows[at:]]), "x.csv")
    assert kept(before, after) > 0.93


@pytest.mark.parametrize("seed", range(6))
def test_an_inserted_sentence_leaves_most_of_a_giant_paragraph_as_it_was(seed: int) -> None:
    """Also where there are no paragraphs at all to hold on to."""
    rng = random.Random(seed)
    sentences = [sentence(rng) for _ in range(1500)]
    before, after = " ".join(sentences), " ".join(["A new one at the top.", *sentences])
    assert kept(chunks(before), chunks(after)) > 0.9


def test_a_chunk_does_not_reach_across_a_heading() -> None:
    """Each section's chunks carry its heading, in text and location."""
    found = chunks("# Leave\n\nTwenty days.\n\n# Refunds\n\nWithin a month.\n")
    assert [(each.heading, each.text) for each in found] == [
        ("Leave", "Leave\nTwenty days."),
        ("Refunds", "Refunds\nWithin a month."),
    ]


def test_later_chunks_of_a_section_repeat_its_heading() -> None:
    """A hit in the middle of a long section still says what it is about."""
    found = chunks("# Leave\n\n" + "\n\n".join(prose(random.Random(1), 30)))
    assert len(found) > 3
    assert all(each.text.startswith("Leave\n") and each.location["heading"] == "Leave" for each in found)


def test_headings_above_nothing_go_to_the_next_section() -> None:
    """They are not chunks by themselves, and are not lost; a last one is."""
    found = chunks("# Handbook\n\n## Leave\n\nTwenty days.\n\n## Appendix\n")
    assert [each.text for each in found] == ["Handbook\nLeave\nTwenty days.", "Appendix"]


def test_rows_are_whole_and_every_chunk_repeats_the_header() -> None:
    """Rows are numbered as in the file."""
    rows = table(random.Random(2), 500)
    found = chunks("\n".join(["id,name,amount", *rows]), "x.csv", SMALL)
    last = 1
    for each in found:
        lines = each.text.split("\n")
        assert lines[0] == "id | name | amount"
        first, end = each.location["rows"]
        assert first == last + 1 and end - first == len(lines) - 2
        assert lines[1] == rows[first - 2].replace(",", " | ")
        last = end
    assert last == 501


def test_a_long_paragraph_is_split_at_sentences_with_overlap() -> None:
    """What a chunk repeats is the end of the one before, from the beginning of a word."""
    text = " ".join(sentence(random.Random(n)) for n in range(40))
    found = chunks(text, "x.txt", SMALL)
    assert len(found) > 5
    for one, other in pairwise(found):
        assert one.text[-1] == "."
        start = other.location["start"]
        assert one.location["end"] - SMALL.overlap <= start < one.location["end"]
        assert text[start - 1] == " "


def test_offsets_are_those_of_the_decoded_text() -> None:
    """A chunk's text is what stands there."""
    text = "First line.\r\n\r\nSecond über.\r\n"
    [found] = chunks(text, "x.txt")
    assert text.replace("\r\n", "\n")[found.location["start"] : found.location["end"]] == found.text


def test_words_longer_than_a_chunk_are_cut_between_letters() -> None:
    """Never between a letter and the mark above it."""
    found = chunks("x\u0332" * 5000, "x.txt", SMALL)
    assert all(not each.text.startswith("\u0332") for each in found)


def test_chunker_id_names_all_that_decides() -> None:
    """It is part of a cache key."""
    assert len({chunker_id(ChunkPolicy(size=size, overlap=o)) for size in (100, 200) for o in (0, 10)}) == 4


TAGS = st.dictionaries(
    st.from_regex(r"[a-z0-9_-]{1,10}", fullmatch=True),
    st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1, max_size=9),
)


@given(
    st.integers(50, 20_000), st.integers(0, 49), st.none() | st.just("1-20,31"), st.lists(st.text(max_size=9)), TAGS,
    st.booleans(),
)  # fmt: skip
def test_an_id_says_how_a_source_was_cut(
    size: int, overlap: int, pages: str | None, skip: list[str], tags: dict[str, str], asked: bool
) -> None:
    """Out of the id of a chunker comes a policy that gives it again."""
    marks = tuple(f"{name}={value}" for name, value in tags.items())
    policy = ChunkPolicy(
        size=size, overlap=overlap, pages=pages, skip_sections=tuple(skip), tags=marks, asked=asked
    )  # fmt: skip
    assert chunker_id(choices_of(chunker_id(policy))) == chunker_id(policy)
