"""LangChain's `index()` into Chroma, with its record manager: nothing unchanged is embedded again."""

# The peers are no part of the development environment, so their types are unknown there.
# mypy: disable-error-code="import-not-found, misc"
# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain_chroma import Chroma
from langchain_classic.indexes import SQLRecordManager
from langchain_community.document_loaders import (
    BSHTMLLoader,
    CSVLoader,
    DirectoryLoader,
    Docx2txtLoader,
    PyPDFLoader,
    TextLoader,
)
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.indexing import index
from langchain_text_splitters import RecursiveCharacterTextSplitter
from same_parser import SameParser

from milepost.tools.embedders import WordLlamaEmbedder

LOADERS: dict[str, Any] = {
    ".csv": CSVLoader,
    ".docx": Docx2txtLoader,
    ".html": BSHTMLLoader,
    ".pdf": PyPDFLoader,
} | dict.fromkeys((".json", ".md", ".ndjson", ".txt", ".xml"), TextLoader)
"""What loads without `unstructured`, whose models and data come over the network; other files are left out."""


class WordLlama(Embeddings):
    """Milepost's embedder as LangChain wants one."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = WordLlamaEmbedder().embed(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


class LangChain:
    """One collection and its records in a folder; `load` gives the documents of a folder of files."""

    def __init__(self, folder: Path, load: Callable[[Path], list[Document]], batch: int) -> None:
        self._load = load
        self._batch = batch
        self._store = Chroma("peer-kb", embedding_function=WordLlama(), persist_directory=str(folder / "chroma"))
        self._records = SQLRecordManager("chroma/kb", db_url=f"sqlite:///{folder / 'records.db'}")
        self._records.create_schema()

    def run(self, files: Path) -> None:
        """Load every file, split, and let `index` find out what is new, changed and gone."""
        index(
            self._load(files), self._records, self._store, cleanup="incremental", source_id_key="source",
            batch_size=self._batch, key_encoder="sha256",
        )  # fmt: skip

    def texts(self) -> list[str]:
        """What the collection holds."""
        return list(self._store.get(include=["documents"])["documents"])

    def close(self) -> None:
        """Nothing is left to be written."""


def usual(folder: Path) -> LangChain:
    """Its own loaders and splitter, in the sizes that its tutorials take, and its default batch."""
    splitter = RecursiveCharacterTextSplitter(chunk_size=1_000, chunk_overlap=200)

    def load(files: Path) -> list[Document]:
        found: list[Document] = []
        for suffix, loader in LOADERS.items():
            reader = DirectoryLoader(str(files), glob=f"**/*{suffix}", loader_cls=loader, silent_errors=True)
            found += splitter.split_documents(reader.load())
        return found

    return LangChain(folder, load, batch=100)


def same(folder: Path, *, kept: bool = False) -> LangChain:
    """Milepost's chunks, parsed in every run, in batches of 1,000."""
    parser = SameParser(kept=kept)

    def load(files: Path) -> list[Document]:
        return [
            Document(text, metadata={"source": source, "media_type": media_type})
            for source, media_type, texts in parser.read(files)
            for text in texts
        ]

    return LangChain(folder, load, batch=1_000)


def kept(folder: Path) -> LangChain:
    """The same, but what was parsed once is there."""
    return same(folder, kept=True)
