"""The record's tables. `user_version` counts migrations; one is never edited after a release, only added to."""

from __future__ import annotations

PAGE_SIZE = 8192
"""Bytes: two to seven texts or vectors share a page, where 4,096 would spill each into pages of its own."""

_FIRST = """
CREATE TABLE kbs (
  kb_id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, name TEXT NOT NULL, created TEXT NOT NULL,
  head INTEGER NOT NULL DEFAULT 0, floor INTEGER NOT NULL DEFAULT 0,
  next_slot INTEGER NOT NULL DEFAULT 0, pack TEXT NOT NULL,
  generation INTEGER NOT NULL DEFAULT 0, index_revision INTEGER NOT NULL DEFAULT 0,
  index_rows INTEGER NOT NULL DEFAULT 0,
  embedder TEXT, dimensions INTEGER, model_id INTEGER, hybrid INTEGER NOT NULL DEFAULT 0,
  UNIQUE (tenant, name)
);
CREATE TABLE models (model_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, dimensions INTEGER NOT NULL);
CREATE TABLE texts (
  text_id INTEGER PRIMARY KEY, sha BLOB NOT NULL UNIQUE, bytes INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE vectors (
  vector_id INTEGER PRIMARY KEY, model_id INTEGER NOT NULL, text_id INTEGER NOT NULL, vector BLOB NOT NULL,
  UNIQUE (model_id, text_id)
);
CREATE TABLE parsed (
  parsed_id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, hint TEXT NOT NULL, parser TEXT NOT NULL, chunker TEXT NOT NULL,
  media_type TEXT NOT NULL, reason TEXT, detail TEXT, warnings TEXT NOT NULL, parsed_by TEXT NOT NULL,
  chunks INTEGER NOT NULL, pieces BLOB, language TEXT,
  UNIQUE (sha256, hint, parser, chunker)
);
CREATE TABLE sources (
  source_id INTEGER PRIMARY KEY, kb_id INTEGER NOT NULL REFERENCES kbs ON DELETE CASCADE, name TEXT NOT NULL,
  UNIQUE (kb_id, name)
);
CREATE TABLE versions (
  version_id INTEGER PRIMARY KEY, kb_id INTEGER NOT NULL REFERENCES kbs ON DELETE CASCADE, source_id INTEGER NOT NULL,
  parsed_id INTEGER NOT NULL REFERENCES parsed, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
  slots BLOB, digest BLOB, chunks INTEGER NOT NULL DEFAULT 0, released INTEGER NOT NULL DEFAULT 0,
  modified INTEGER NOT NULL DEFAULT 0,
  UNIQUE (source_id, parsed_id)
);
CREATE TABLE chunks (
  kb_id INTEGER NOT NULL REFERENCES kbs ON DELETE CASCADE, slot INTEGER NOT NULL, source_id INTEGER NOT NULL,
  text_id INTEGER NOT NULL, chunk_id BLOB NOT NULL, meta TEXT NOT NULL, digest BLOB NOT NULL,
  PRIMARY KEY (kb_id, slot)
) WITHOUT ROWID;
CREATE INDEX chunk_texts ON chunks (text_id, source_id);
CREATE TABLE spans (
  kb_id INTEGER NOT NULL REFERENCES kbs ON DELETE CASCADE, slot INTEGER NOT NULL, appeared INTEGER NOT NULL,
  gone INTEGER, source_id INTEGER NOT NULL,
  PRIMARY KEY (kb_id, slot, appeared)
) WITHOUT ROWID;
CREATE INDEX spans_appeared ON spans (kb_id, appeared);
CREATE INDEX spans_gone ON spans (kb_id, gone) WHERE gone IS NOT NULL;
CREATE TABLE source_spans (
  kb_id INTEGER NOT NULL REFERENCES kbs ON DELETE CASCADE, source_id INTEGER NOT NULL, appeared INTEGER NOT NULL,
  gone INTEGER, version_id INTEGER NOT NULL, claim INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (kb_id, source_id, appeared)
) WITHOUT ROWID;
CREATE INDEX source_spans_appeared ON source_spans (kb_id, appeared);
CREATE INDEX source_spans_gone ON source_spans (kb_id, gone) WHERE gone IS NOT NULL;
CREATE TABLE revisions (
  kb_id INTEGER NOT NULL REFERENCES kbs ON DELETE CASCADE, revision INTEGER NOT NULL, journey_id TEXT NOT NULL,
  timestamp TEXT NOT NULL, user TEXT NOT NULL, added INTEGER NOT NULL, removed INTEGER NOT NULL,
  chunks INTEGER NOT NULL, restorable INTEGER NOT NULL, state_digest BLOB NOT NULL,
  PRIMARY KEY (kb_id, revision)
) WITHOUT ROWID;
CREATE INDEX revisions_journey ON revisions (journey_id);
CREATE TABLE returned (
  kb_id INTEGER NOT NULL REFERENCES kbs ON DELETE CASCADE, source_id INTEGER NOT NULL, revision INTEGER NOT NULL,
  as_of INTEGER NOT NULL,
  PRIMARY KEY (kb_id, source_id, revision)
) WITHOUT ROWID;

CREATE TABLE plans (
  seq INTEGER PRIMARY KEY, plan_id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, kb TEXT, digest TEXT NOT NULL,
  body BLOB NOT NULL, validation TEXT, created TEXT NOT NULL
);
CREATE TABLE plan_inputs (
  plan_id TEXT NOT NULL, source TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (plan_id, source)
);
CREATE TABLE journeys (
  seq INTEGER PRIMARY KEY, journey_id TEXT NOT NULL UNIQUE, plan_id TEXT NOT NULL, journey_type TEXT NOT NULL,
  tenant TEXT NOT NULL, user TEXT NOT NULL, kb TEXT, kb_id INTEGER, status TEXT NOT NULL, parent TEXT, detail TEXT,
  revision_before INTEGER NOT NULL DEFAULT 0, revision_after INTEGER NOT NULL DEFAULT 0,
  started TEXT NOT NULL, ended TEXT, embeddings INTEGER NOT NULL DEFAULT 0,
  policy TEXT NOT NULL DEFAULT '{}', attempts INTEGER NOT NULL DEFAULT 0, extra TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX journeys_plan ON journeys (plan_id);
CREATE TABLE journey_files (
  journey_id TEXT NOT NULL, position INTEGER NOT NULL, path TEXT NOT NULL, source TEXT NOT NULL, action TEXT NOT NULL,
  sha256 TEXT NOT NULL DEFAULT '', bytes INTEGER NOT NULL DEFAULT 0, hint TEXT NOT NULL DEFAULT '',
  stage TEXT NOT NULL DEFAULT 'planned',
  outcome TEXT, reason TEXT, detail TEXT, warnings TEXT NOT NULL DEFAULT '[]', chunks INTEGER NOT NULL DEFAULT 0,
  parsed_id INTEGER, version_id INTEGER,
  PRIMARY KEY (journey_id, position)
) WITHOUT ROWID;
CREATE TABLE journey_steps (
  journey_id TEXT NOT NULL, position INTEGER NOT NULL, step_id TEXT NOT NULL, action TEXT NOT NULL,
  status TEXT NOT NULL, seconds REAL, estimate TEXT, error TEXT,
  PRIMARY KEY (journey_id, position)
) WITHOUT ROWID;
CREATE TABLE step_tries (
  seq INTEGER PRIMARY KEY, journey_id TEXT NOT NULL, step_id TEXT NOT NULL, started TEXT NOT NULL, ended TEXT,
  status TEXT NOT NULL
);
CREATE INDEX step_tries_of ON step_tries (journey_id, step_id);
CREATE TABLE receipts (
  seq INTEGER PRIMARY KEY, journey_id TEXT NOT NULL, step_id TEXT NOT NULL, action TEXT NOT NULL, key TEXT NOT NULL,
  target TEXT NOT NULL, prior TEXT, post TEXT, handler TEXT, about TEXT, state TEXT NOT NULL, intended TEXT NOT NULL,
  received TEXT,
  UNIQUE (journey_id, key)
);
CREATE TABLE checkpoints (
  seq INTEGER PRIMARY KEY, checkpoint_id TEXT NOT NULL UNIQUE, milestone_id TEXT NOT NULL, journey_id TEXT,
  tenant TEXT NOT NULL, kb TEXT, kb_id INTEGER, revision INTEGER NOT NULL DEFAULT 0,
  receipt_seq INTEGER NOT NULL DEFAULT 0,
  timestamp TEXT NOT NULL, body_digest TEXT NOT NULL, rollback_handler TEXT, state_digest TEXT NOT NULL DEFAULT '',
  collected TEXT, reason TEXT
);
CREATE INDEX checkpoints_journey ON checkpoints (journey_id);
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, journey_id TEXT, tenant TEXT NOT NULL, user TEXT NOT NULL, timestamp TEXT NOT NULL,
  kind TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE INDEX events_journey ON events (journey_id);
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are only added'); END;
CREATE TRIGGER events_are_kept BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are only added'); END;
CREATE TABLE approvals (
  seq INTEGER PRIMARY KEY, approval_id TEXT NOT NULL UNIQUE, plan_id TEXT NOT NULL, tenant TEXT NOT NULL,
  digest TEXT NOT NULL, policy_digest TEXT NOT NULL, asked_by TEXT NOT NULL, asked TEXT NOT NULL,
  not_by TEXT, hours REAL, approver TEXT, approved TEXT, expires TEXT, used_by TEXT, rejected_by TEXT
);
CREATE TABLE previews (
  preview_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, user TEXT NOT NULL, checkpoint_id TEXT NOT NULL,
  digest TEXT NOT NULL, expires TEXT NOT NULL, used TEXT
) WITHOUT ROWID;
CREATE TABLE timings (
  seq INTEGER PRIMARY KEY, tenant TEXT NOT NULL, action TEXT NOT NULL, media_type TEXT NOT NULL, units REAL NOT NULL,
  seconds REAL NOT NULL, journey_id TEXT
);
CREATE INDEX timings_action ON timings (action, tenant);
CREATE INDEX timings_journey ON timings (journey_id) WHERE journey_id IS NOT NULL;
CREATE TABLE documents (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL, key TEXT NOT NULL, type TEXT,
  tenant TEXT NOT NULL, journey_id TEXT, body TEXT NOT NULL, metadata TEXT NOT NULL, digest TEXT NOT NULL,
  fields TEXT, meaning BLOB, created TEXT NOT NULL, updated TEXT NOT NULL,
  indexed INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0, fresh INTEGER NOT NULL DEFAULT 1,
  UNIQUE (namespace, key)
);
CREATE INDEX documents_behind ON documents (seq) WHERE indexed = 0;
CREATE INDEX documents_meaning ON documents (meaning) WHERE meaning IS NOT NULL;
CREATE TABLE meanings (
  sha BLOB NOT NULL, embedder TEXT NOT NULL, vector BLOB NOT NULL,
  PRIMARY KEY (sha, embedder)
) WITHOUT ROWID;
CREATE TABLE holder (
  id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL, pid INTEGER, journey_id TEXT, since TEXT, views TEXT
);
INSERT INTO holder (id, epoch) VALUES (1, 0);
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(text, content='', detail='none', columnsize=0, tokenize='porter ascii');
"""
"""`words` indexes the staged chunks of hybrid kbs, by kb and slot; what goes in is folded by the module lexical.

The bodies of `texts` and `plans`, and the `pieces` of `parsed`, are compressed (module compressed); `bytes` are a
text's UTF-8.
"""

MIGRATIONS: tuple[str, ...] = (_FIRST,)
