"""What turns texts into vectors: WordLlama inside, any OpenAI-compatible endpoint, and a fake for tests."""

from __future__ import annotations

import difflib
import hashlib
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import SecretStr

from ..store.errors import EmbeddingFailed, MilepostError, UsageError
from ..store.ports import Embedder, Vectors
from .tokens import packaged, token_ids

if TYPE_CHECKING:
    from langchain_openai import OpenAIEmbeddings

DEFAULT_SPEC = "wordllama"


class WordLlamaEmbedder:
    """WordLlama's 256 dimensions from the files in its wheel: no network, no key, 5,000 chunks of 1.2 KB a s.

    The mean of a text's token vectors, bit for bit what WordLlama computes, and the same in any batch. Its
    code is not imported: that sets up the root logger, needs a home folder, and looks to the network for
    files. Opening takes 0.15 s and 35 MB, once a process, at the first text; `name` needs 0.02 s.
    """

    dimensions = 256
    hybrid = True
    """It knows words better than what they mean: a search counts the question's words, too (decision 0017)."""

    @property
    def name(self) -> str:
        return f"wordllama-256@{_weights_hash()}"

    def embed(self, texts: list[str]) -> Vectors:
        table = _wordllama_table()
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for start in range(0, len(texts), 256):
            for row, ids in enumerate(token_ids(texts[start : start + 256]), start):
                _mean(table, ids, vectors[row])
        return vectors


def _mean(table: Vectors, ids: NDArray[np.uint16], out: NDArray[np.float32]) -> None:
    for start in range(0, len(ids), 8192):  # a text of any length in 8 MB
        out += np.add.reduce(table[ids[start : start + 8192]], axis=0)
    out /= np.float32(max(len(ids), 1))


@cache
def _weights_hash() -> str:
    with packaged("weights/l2_supercat_256.safetensors").open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest()[:16]


@cache
def _wordllama_table() -> Vectors:
    from safetensors.numpy import (
        load_file,  # pyright: ignore[reportUnknownVariableType]  # its PathLike is a bare generic
    )

    weights = load_file(packaged("weights/l2_supercat_256.safetensors"))
    return weights["embedding.weight"].astype(np.float32)


class OpenAIEmbedder:
    """A model behind any OpenAI-compatible `/v1/embeddings`. Unless told, it learns `dimensions` by asking.

    Texts go as they are, so that nothing downloads a tokenizer's vocabulary; a server may refuse one that is
    too long. The name cannot tell one server's weights from another's: a model is trusted to be what it says.
    """

    def __init__(
        self,
        model: str,
        *,
        api_key: SecretStr | None = None,
        base_url: str | None = None,
        dimensions: int | None = None,
        timeout: float = 60.0,
    ) -> None:
        self.model = model
        self._api_key = api_key
        self._base_url = base_url
        self._timeout = timeout
        self._dimensions = dimensions

    @property
    def name(self) -> str:
        return f"openai:{self.model}"

    @property
    def dimensions(self) -> int:
        if self._dimensions is None:
            self.embed(["dimensions"])
        if self._dimensions is None:
            raise EmbeddingFailed(f"{self.name} answered without a vector")
        return self._dimensions

    def embed(self, texts: list[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        try:
            vectors = np.asarray(self._client.embed_documents(texts), np.float32)
        except Exception as error:
            raise self._failed(error) from None  # the server's text may quote the key
        if self._dimensions is None and vectors.ndim == 2:
            self._dimensions = vectors.shape[1]
        return vectors

    @cached_property
    def _client(self) -> OpenAIEmbeddings:
        from langchain_openai import OpenAIEmbeddings

        return OpenAIEmbeddings(
            model=self.model,
            api_key=self._api_key or SecretStr("none"),
            base_url=self._base_url,
            check_embedding_ctx_length=False,
            timeout=self._timeout,
        )

    def _failed(self, error: Exception) -> EmbeddingFailed:
        status = getattr(error, "status_code", None)
        said = f"status {status}" if status else type(error).__name__
        where = self._base_url or "api.openai.com"
        if status in (401, 403):
            advice = "set OPENAI_API_KEY to a key that it takes"
        else:
            advice = "MILEPOST_EMBEDDER=wordllama embeds without a server"
        return EmbeddingFailed(
            f"{self.name} could not embed: {said}",
            cause=f"asked {_without_login(where)}; {advice}",
            next="milepost doctor",
        )


class FakeEmbedder:
    """Vectors that follow from each text's hash alone, for tests: equal texts are equal, others unrelated.

    It is public and honest: it passes the same suite as the real ones, at 200,000 texts of 1.2 KB a second.
    """

    def __init__(self, dimensions: int = 64) -> None:
        if dimensions < 1:
            raise UsageError(f"a fake embedder needs at least 1 dimension, not {dimensions}")
        self.dimensions = dimensions

    @property
    def name(self) -> str:
        return f"fake-{self.dimensions}"

    def embed(self, texts: list[str]) -> Vectors:
        digests = b"".join(
            hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts
        )
        seeds = np.frombuffer(digests, "<u8").reshape(-1, 1)
        with np.errstate(over="ignore"):
            mixed = _splitmix(seeds + np.arange(1, self.dimensions + 1, dtype=np.uint64) * _GOLDEN)
        # 24 bits of each, made odd so that no component is zero
        return (((mixed >> np.uint64(40)) | np.uint64(1)).astype(np.float32) / np.float32(2**23)) - np.float32(1)


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _splitmix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def make_embedder(
    spec: str = DEFAULT_SPEC, *, api_key: SecretStr | None = None, base_url: str | None = None
) -> Embedder:
    """The embedder that `MILEPOST_EMBEDDER` names: `wordllama`, `openai:MODEL`, `fake` or `fake:64`."""
    kind, colon, rest = spec.strip().partition(":")
    if kind == "wordllama" and not colon:
        return WordLlamaEmbedder()
    if kind == "fake" and not colon:
        return FakeEmbedder()
    if kind == "fake" and rest.isascii() and rest.isdecimal() and 1 <= int(rest[:6]) <= 65_536:
        return FakeEmbedder(int(rest[:6]))
    if kind == "openai" and rest.strip():
        return OpenAIEmbedder(rest.strip(), api_key=api_key, base_url=base_url)
    raise _unknown_spec(spec, kind)


def _unknown_spec(spec: str, kind: str) -> UsageError:
    forms = {"wordllama": "wordllama", "openai": "openai:MODEL", "fake": "fake:64"}
    near = difflib.get_close_matches(kind[:80], forms, n=1)
    hint = f"; did you mean {forms[near[0]]}?" if near else ""
    return UsageError(f'there is no embedder "{spec[:80]}"{hint}', cause=f"embedders: {', '.join(forms.values())}")


def checked_embed(embedder: Embedder, texts: list[str]) -> Vectors:
    """Embed, and hold the result to what was promised: float32, C-contiguous, each row of length 1.

    `EmbeddingFailed`, whatever went wrong. A vector of nothing but zeros is refused too: it has no direction,
    so no search could find its text; an empty text may have one. Each row is normalised by itself, so that
    the same text gives the same bits in any batch.
    """
    if not texts:
        return np.zeros((0, embedder.dimensions), np.float32)
    try:
        with np.errstate(over="ignore"):
            vectors = np.asarray(embedder.embed(texts), np.float32)
    except MilepostError:
        raise
    except Exception as error:
        raise EmbeddingFailed(
            f"{embedder.name} could not embed {len(texts)} texts: {type(error).__name__}",
            cause=str(error)[:200],
        ) from error
    _check_shape(vectors, embedder, len(texts))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        norms = np.sqrt(np.add.reduce(vectors * vectors, axis=1))
    for row in np.flatnonzero(~np.isfinite(norms) | (norms < 1e-15)):
        norms[row] = _careful_norm(vectors[row], embedder, f"text {row + 1} of {len(texts)}")
    return np.ascontiguousarray(vectors / norms[:, None])


def _check_shape(vectors: Vectors, embedder: Embedder, wanted: int) -> None:
    found = vectors.shape[0] if vectors.ndim else 0
    if found != wanted:
        raise EmbeddingFailed(f"{embedder.name} gave {found} vectors for {wanted} texts")
    if vectors.ndim != 2 or vectors.shape[1] != embedder.dimensions:
        shape = " x ".join(map(str, vectors.shape[1:])) or "no"
        raise EmbeddingFailed(
            f"{embedder.name} gave vectors of {shape} dimensions, not the {embedder.dimensions} it promised"
        )


def _careful_norm(vector: Vectors, embedder: Embedder, which: str) -> float:
    """The length of a vector whose square float32 cannot hold, or the reason why it has none."""
    if not np.isfinite(vector).all():
        raise EmbeddingFailed(f"{embedder.name} gave NaN or infinity for {which}")
    norm = float(np.sqrt(np.add.reduce(np.square(vector, dtype=np.float64))))
    if not float(np.finfo(np.float32).tiny) <= norm <= float(np.finfo(np.float32).max):
        what = "a vector that is all zeros" if norm < 1 else "a vector that is too long for float32"
        raise EmbeddingFailed(f"{embedder.name} gave {what} for {which}")
    return norm


def _without_login(url: str) -> str:
    """A URL without the name and password that it may carry."""
    scheme, slashes, rest = url.rpartition("://")
    return f"{scheme}{slashes}{rest.rpartition('@')[2]}"
