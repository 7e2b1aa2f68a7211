"""Vectors as this store keeps them: float32 of length one."""

from __future__ import annotations

import numpy as np

from .errors import EmbeddingFailed
from .ports import Embedder, Vectors


def embed_normalised(embedder: Embedder, texts: list[str]) -> Vectors:
    """Embed texts and divide each vector by its length; a text with no direction gets the first axis.

    For documents about journeys and for queries; chunks go through the stricter `checked_embed`.
    """
    raw = np.asarray(embedder.embed(texts), dtype=np.float32)
    if raw.shape != (len(texts), embedder.dimensions) or not np.isfinite(raw).all():
        raise EmbeddingFailed(f"{embedder.name} gave {raw.shape} for {len(texts)} texts, or numbers that are none")
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    raw[lengths[:, 0] == 0, 0] = 1.0
    lengths[lengths == 0] = 1.0
    return np.ascontiguousarray(raw / lengths, dtype=np.float32)
