"""Law: each text gets one float32 vector of the embedder's dimensions, with the same bits in any batch."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from milepost.store.errors import EmbeddingFailed, UsageError
from milepost.store.ports import Embedder
from milepost.tools.embedders import (
    FakeEmbedder,
    OpenAIEmbedder,
    WordLlamaEmbedder,
    checked_embed,
    make_embedder,
)

TEXTS = ["parental leave", "the refund policy", "a" * 5000, "名前 Ünïcode", "two\nlines", "parental leave"]


class Server:
    """A scripted OpenAI-compatible server: dimensions by model, `broken-*` models answer with that status."""

    def __init__(self) -> None:
        self.requests: list[dict[str, object]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                script.requests.append(body)
                status, answer = script.answer(body)
                said = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def answer(self, body: dict[str, object]) -> tuple[int, dict[str, object]]:
        model, texts = str(body["model"]), body["input"]
        if model.startswith("broken-"):
            return int(model[7:]), {"error": {"message": "Incorrect API key provided: sk-secret-123"}}
        assert isinstance(texts, list)
        rows = [[float(len(text)), 1.0, 2.0] for text in texts]
        rows = rows[:-1] if model == "short" else rows
        data = [{"object": "embedding", "index": i, "embedding": row} for i, row in enumerate(rows)]
        return 200, {
            "object": "list",
            "data": data,
            "model": model,
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(params=["wordllama", "fake", "fake:7", "openai:three"])
def embedder(request: pytest.FixtureRequest, server: Server) -> Embedder:
    return make_embedder(request.param, api_key=SecretStr("sk-secret-123"), base_url=server.url)


def test_every_embedder_keeps_its_promise(embedder: Embedder) -> None:
    """Name, dimensions, float32, shape and length 1 hold for each one that can be had."""
    vectors = checked_embed(embedder, TEXTS)
    assert isinstance(embedder, Embedder)
    assert embedder.name and embedder.name == embedder.name.strip()
    assert vectors.dtype == np.float32 and vectors.flags["C_CONTIGUOUS"]
    assert vectors.shape == (len(TEXTS), embedder.dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert (vectors[0] == vectors[5]).all()


def test_no_texts_are_no_vectors(embedder: Embedder) -> None:
    """Nothing in gives a matrix with no rows, not an error."""
    assert checked_embed(embedder, []).shape == (0, embedder.dimensions)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=70),
    st.randoms(),
)
def test_a_batch_does_not_change_a_bit(texts: list[str], random: object) -> None:
    """A text embedded alone has the same bits as among others: equal work gives equal digests."""
    for embedder in (WordLlamaEmbedder(), FakeEmbedder(33)):
        together = checked_embed(embedder, texts)
        for row, text in enumerate(texts):
            assert (checked_embed(embedder, [text])[0] == together[row]).all()


def test_wordllama_is_what_the_package_computes() -> None:
    """Our reading of its files equals its own embed, bit for bit up to 8,192 tokens."""
    code = (
        "import wordllama, numpy, sys; from pathlib import Path\n"
        "from milepost.tools.embedders import WordLlamaEmbedder\n"
        "folder = Path(wordllama.__file__).parent\n"
        "theirs = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)\n"
        f"texts = {TEXTS!r} + ['word ' * 9000]\n"
        "ours = WordLlamaEmbedder().embed(texts)\n"
        "close = numpy.allclose(ours, theirs.embed(texts), atol=1e-4)\n"
        "sys.exit(not (close and (ours[:6] == theirs.embed(texts[:6])).all()))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_wordllama_needs_no_network_home_or_logger() -> None:
    """With sockets refused, no HOME and no user, it embeds, and leaves the root logger as it was."""
    code = (
        "import logging, socket, os, pathlib\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse\n"
        "pathlib.Path.home = classmethod(refuse)\n"
        "from milepost.tools.embedders import make_embedder, checked_embed\n"
        "embedder = make_embedder('wordllama'); embedder.name\n"
        "import sys; assert 'tokenizers' not in sys.modules and 'wordllama' not in sys.modules\n"
        "assert checked_embed(embedder, ['leave']).shape == (1, 256)\n"
        "assert not logging.getLogger().handlers and logging.getLogger().level == logging.WARNING\n"
    )
    subprocess.run([sys.executable, "-I", "-c", code], check=True, timeout=60, env={"PATH": "/usr/bin:/bin"})


def test_wordllama_finds_the_paraphrase() -> None:
    """Vectors carry meaning: the nearer of two sentences is the one about the same thing."""
    asked, near, far = checked_embed(
        WordLlamaEmbedder(),
        [
            "how many holidays do I get",
            "annual leave is 25 days of vacation",
            "the printer is on the second floor",
        ],
    )
    assert asked @ near > asked @ far


def test_wordllama_is_named_for_its_weights() -> None:
    """The name carries the hash of the weights, so that other weights are another model."""
    assert WordLlamaEmbedder().name == "wordllama-256@64b47a2dc493cb8e"


@pytest.mark.parametrize("dimensions", [1, 3, 64, 256, 1000])
def test_fake_vectors_are_unrelated_and_never_zero(dimensions: int) -> None:
    """The fake spreads texts evenly: no zero, a mean near zero, no two texts equal."""
    vectors = FakeEmbedder(dimensions).embed([f"text {n}" for n in range(2000)])
    assert (vectors != 0).all() and (np.abs(vectors) <= 1).all()
    assert abs(float(vectors.mean())) < 0.05
    assert len(np.unique(vectors, axis=0)) == 2000


def test_fake_is_the_same_for_ever() -> None:
    """Its bits are a promise: stored vectors of one run are those of the next."""
    assert FakeEmbedder(2).embed(["a", "\ud800"]).tobytes().hex() == FAKE_BITS


FAKE_BITS = "1aa50bbfecaab7bea67e683fa6a1343f"


class Broken:
    """An embedder that gives what it is told to."""

    name = "broken"
    dimensions = 2

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def embed(self, texts: list[str]) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([[1, 2], [float("nan"), 1]], "NaN or infinity for text 2 of 2"),
        ([[1, 2], [1, float("inf")]], "NaN or infinity for text 2 of 2"),
        ([[1, 2], [1e300, 1]], "NaN or infinity for text 2 of 2"),
        ([[0, 0], [1, 2]], "all zeros for text 1 of 2"),
        ([[3.4e38, 3.4e38], [1, 2]], "too long for float32 for text 1 of 2"),
        ([[1, 2]], "1 vectors for 2 texts"),
        ([], "0 vectors for 2 texts"),
        (None, "0 vectors for 2 texts"),
        ([[1, 2], [1, 2], [1, 2]], "3 vectors for 2 texts"),
        ([[1, 2, 3], [1, 2, 3]], "3 dimensions, not the 2"),
        ([1, 2], "no dimensions, not the 2"),
        ([[1, 2], [1]], "could not embed 2 texts"),
        ([["x", "y"], ["x", "y"]], "could not embed 2 texts"),
        (RuntimeError("out of memory"), "could not embed 2 texts: RuntimeError"),
    ],
)
def test_a_broken_answer_is_refused(answer: object, said: str) -> None:
    """Each way in which an answer can be wrong is an EmbeddingFailed that says which."""
    with pytest.raises(EmbeddingFailed, match=said):
        checked_embed(Broken(answer), ["a", "b"])  # type: ignore[arg-type]  # broken on purpose


def test_any_length_that_float32_holds_is_normalised() -> None:
    """Very small and very large vectors keep their direction; the given array is left as it was."""
    given = np.array([[3e-30, 4e-30], [3e30, 4e30], [3, 4]], np.float32)
    before = given.copy()
    vectors = checked_embed(Broken(given), ["a", "b", "c"])  # type: ignore[arg-type]  # a fake of a fake
    assert np.allclose(vectors, [[0.6, 0.8]] * 3)
    assert (given == before).all()


def test_a_surrogate_is_a_failure_and_not_a_crash() -> None:
    """Text that is no text fails as embedding."""
    with pytest.raises(EmbeddingFailed):
        checked_embed(WordLlamaEmbedder(), ["\ud800"])


def test_openai_sends_texts_and_learns_dimensions_from_the_first_answer(server: Server) -> None:
    """The server gets the texts as they are (no token numbers), in one request, and the key is not shown."""
    server.requests.clear()
    embedder = OpenAIEmbedder("three", api_key=SecretStr("sk-secret-123"), base_url=server.url)
    checked_embed(embedder, ["one", "four"])
    assert embedder.dimensions == 3 and embedder.name == "openai:three"
    assert [request["input"] for request in server.requests] == [["one", "four"]]
    assert "sk-secret" not in repr(vars(embedder))


@pytest.mark.parametrize("model", ["broken-401", "broken-400", "short"])
def test_an_openai_failure_says_what_to_do_and_not_the_key(server: Server, model: str) -> None:
    """A refusal is one error with the status; the server's text, which may quote the key, is left out."""
    embedder = OpenAIEmbedder(model, api_key=SecretStr("sk-secret-123"), base_url=server.url)
    with pytest.raises(EmbeddingFailed) as caught:
        checked_embed(embedder, ["a", "b"])
    error = caught.value
    assert "sk-secret" not in f"{error} {error.cause} {error.next} {error.__cause__}"
    assert model in str(error)


def test_a_server_that_is_not_there_is_an_embedding_failure() -> None:
    """No connection is told as such, without the login that the address may carry."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    embedder = OpenAIEmbedder("m", base_url=f"http://me:pass@127.0.0.1:{port}/v1")
    embedder._client.max_retries = 0
    with pytest.raises(EmbeddingFailed) as caught:
        embedder.embed(["a"])
    assert "pass" not in f"{caught.value} {caught.value.cause}"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("wordlama", "did you mean wordllama?"),
        ("openai", "did you mean openai:MODEL?"),
        ("openai:", "openai:MODEL"),
        ("fake:0", "fake"),
        ("fake:x", "fake"),
        ("fake:99999999", "fake"),
        ("", "no embedder"),
        ("wordllama:512", "wordllama"),
    ],
)
def test_an_unknown_embedder_is_a_usage_error(spec: str, said: str) -> None:
    """A misspelt name says what there is."""
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        make_embedder(spec)


def test_a_model_name_may_hold_a_colon() -> None:
    """Names such as nomic-embed-text:latest reach the server whole."""
    assert make_embedder("openai:nomic-embed-text:latest").name == "openai:nomic-embed-text:latest"
