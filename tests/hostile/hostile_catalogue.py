"""Every hostile file, and a part of them that is quick."""

from __future__ import annotations

from itertools import chain

from hostile_archives import archives
from hostile_damage import damaged
from hostile_kit import Hostile
from hostile_markup import markup
from hostile_office import office
from hostile_pdfs import pdfs
from hostile_texts import texts

EVERY: tuple[Hostile, ...] = tuple(chain(pdfs(), office(), archives(), texts(), markup(), damaged()))
"""All of them; their bytes are made when they are asked for."""

SAMPLE: tuple[Hostile, ...] = EVERY[::15]
"""Some of each kind."""
