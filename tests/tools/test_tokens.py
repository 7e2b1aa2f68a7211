"""Law: tokens put together from words are those that the tokenizer gives for the whole text."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.tools import tokens
from milepost.tools.tokens import packaged, token_ids

PARTS = st.text(max_size=12) | st.sampled_from(
    [
        "  ",
        " ",
        "\n",
        "\n\n ",
        "\u2581",
        " \u2581x",
        "<s>",
        "</s>",
        "<unk>",
        "\r\n",
        "日本語の文",
        "naïve café",
        "🦉",
        "a" * 50,
        "1.250,00 €",
    ]
)


def whole(text: str) -> list[int]:
    return tokens._whole_tokenizer().encode(text, add_special_tokens=False).ids


@settings(deadline=None)
@given(st.lists(st.lists(PARTS, max_size=8).map("".join), max_size=4))
def test_tokens_are_those_of_the_whole_text(texts: list[str]) -> None:
    """Whatever the spaces, lines and scripts, also where a text spells a special token out."""
    assert [ids.tolist() for ids in token_ids(texts)] == [whole(text) for text in texts]


def test_no_token_reaches_over_the_beginning_of_a_word() -> None:
    """What the law rests on: in the vocabulary, a space stands at a token's beginning only, and a line's end alone."""
    model = json.loads(packaged("tokenizers/l2_supercat_tokenizer_config.json").read_text("utf-8"))["model"]
    assert not [token for token in model["vocab"] if "\u2581" in token.lstrip("\u2581") or "\n" in token]
    assert model["vocab"]["<0x0A>"] == tokens._LINE_END and len(model["vocab"]) <= 1 << 16


def test_words_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tokens stay the same, in several threads at once, too."""
    monkeypatch.setattr(tokens, "_KEPT", 20)
    texts = [f"one two {number} three" for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: next(iter(token_ids([text]))).tolist(), texts))
    assert found == [whole(text) for text in texts]
    assert tokens._met[0].characters < 200
