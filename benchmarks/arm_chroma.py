"""Raw Chroma: the chunks of Milepost's parser embedded and added, and nothing else."""

from __future__ import annotations

from pathlib import Path

import chromadb
from chromadb.config import Settings
from same_parser import SameParser

from milepost.tools.embedders import WordLlamaEmbedder

BATCH = 1_000


class Raw:
    """One collection in a folder."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(anonymized_telemetry=False)
        client = chromadb.PersistentClient(str(folder / "chroma"), settings)
        self._collection = client.create_collection("peer-kb", embedding_function=None)
        self._parser = SameParser()
        self._embedder = WordLlamaEmbedder()

    def run(self, files: Path) -> None:
        """Parse, embed and add; it knows nothing of a second time."""
        found = [
            (f"{source}#{number}", text, source, media_type)
            for source, media_type, texts in self._parser.read(files)
            for number, text in enumerate(texts)
        ]
        for at in range(0, len(found), BATCH):
            ids, texts, sources, media_types = (list(each) for each in zip(*found[at : at + BATCH], strict=True))
            self._collection.add(
                ids=ids,
                documents=texts,
                embeddings=self._embedder.embed(texts),
                metadatas=[
                    {"source": source, "media_type": media_type}
                    for source, media_type in zip(sources, media_types, strict=True)
                ],
            )

    def texts(self) -> list[str]:
        """What the collection holds."""
        return list(self._collection.get(include=["documents"])["documents"] or [])

    def close(self) -> None:
        """Nothing is left to be written."""


def raw(folder: Path) -> Raw:
    """The one way to do it."""
    return Raw(folder)
