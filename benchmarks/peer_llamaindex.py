"""LlamaIndex's `IngestionPipeline` into Chroma, with a docstore and its upserts strategy."""

# The peers are no part of the development environment, so their types are unknown there.
# mypy: disable-error-code="import-not-found, misc"
# pyright: reportMissingImports=false, reportUntypedBaseClass=false, reportUnknownParameterType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import chromadb
from chromadb.config import Settings
from llama_index.core import SimpleDirectoryReader
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import BaseNode, Document, NodeRelationship, TextNode, TransformComponent
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.vector_stores.chroma import ChromaVectorStore
from same_parser import SameParser

from milepost.tools.embedders import WordLlamaEmbedder


class WordLlama(BaseEmbedding):
    """Milepost's embedder as LlamaIndex wants one."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = WordLlamaEmbedder().embed(texts).tolist()
        return vectors

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


class Chunked(TransformComponent):
    """Documents into the chunks that Milepost's parser made of them."""

    chunks: dict[str, list[str]]

    def __call__(self, nodes: Sequence[BaseNode], **_: Any) -> Sequence[BaseNode]:
        return [
            TextNode(
                text=text,
                metadata=node.metadata,
                relationships={NodeRelationship.SOURCE: node.as_related_node_info()},
            )
            for node in nodes
            for text in self.chunks[node.node_id]
        ]


class LlamaIndex:
    """One collection and its pipeline in a folder; `load` gives the documents of a folder of files."""

    def __init__(
        self, folder: Path, load: Callable[[Path], list[Document]], transformations: list[Any], *, cache: bool
    ) -> None:
        self._load = load
        self._folder = folder
        settings = Settings(anonymized_telemetry=False)
        self._collection = chromadb.PersistentClient(str(folder / "chroma"), settings).create_collection("peer-kb")
        self._pipeline = IngestionPipeline(
            transformations=transformations,
            vector_store=ChromaVectorStore(chroma_collection=self._collection),
            docstore=SimpleDocumentStore(),
            docstore_strategy=DocstoreStrategy.UPSERTS,
            disable_cache=not cache,
        )

    def run(self, files: Path) -> None:
        """Load every file, run the pipeline over what its docstore does not know, and keep the docstore."""
        self._pipeline.run(documents=self._load(files))
        self._pipeline.persist(str(self._folder / "pipeline"))

    def texts(self) -> list[str]:
        """What the collection holds."""
        return list(self._collection.get(include=["documents"])["documents"] or [])

    def close(self) -> None:
        """Nothing is left to be written."""


def usual(folder: Path) -> LlamaIndex:
    """Its own readers, splitter, batches and cache, all as they are by default."""

    def load(files: Path) -> list[Document]:
        found = list(SimpleDirectoryReader(files, recursive=True, filename_as_id=True).load_data())
        for document in found:  # its reader of slides gives lists, and its store for Chroma refuses them
            flat = {key: value for key, value in document.metadata.items() if not isinstance(value, list | dict)}
            document.metadata = flat
        return found

    return LlamaIndex(folder, load, [SentenceSplitter(), WordLlama(model_name="wordllama")], cache=True)


def same(folder: Path, *, kept: bool = False) -> LlamaIndex:
    """Milepost's chunks, parsed in every run, a document for each file, in batches of 1,000.

    Without the pipeline's cache, which only costs here.
    """
    parser = SameParser(kept=kept)
    chunks: dict[str, list[str]] = {}
    embedder = WordLlama(model_name="wordllama", embed_batch_size=1_000)

    def load(files: Path) -> list[Document]:
        found: list[Document] = []
        for source, media_type, texts in parser.read(files):
            chunks[source] = texts
            metadata = {"source": source, "media_type": media_type}
            found.append(Document(text="\n".join(texts), id_=source, metadata=metadata))
        transformation.chunks = chunks
        return found

    transformation = Chunked(chunks=chunks)
    return LlamaIndex(folder, load, [transformation, embedder], cache=False)


def kept(folder: Path) -> LlamaIndex:
    """The same, but what was parsed once is there."""
    return same(folder, kept=True)
