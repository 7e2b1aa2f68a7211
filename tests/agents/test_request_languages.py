"""Law: who asks for documents by language gets those that are written in it, whatever they are called."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ai_kit import asked
from planner_kit import World, actions

from milepost.agents.fake_server import Call, Reply, plain_plan, says
from milepost.store.policy import Policy

PAGES = {
    "a.md": "# Kantine\n\nDie Kantine öffnet um elf Uhr. Wer früher essen möchte, kann sich belegte Brote holen.\n"
    "Am Freitag gibt es Fisch, und für Gäste liegen Marken an der Pforte.\n",
    "b.txt": "La cantine ouvre à onze heures. Ceux qui veulent manger plus tôt peuvent prendre des sandwichs.\n"
    "Le vendredi on sert du poisson, et les invités trouvent des jetons à l'accueil.\n",
    "c.html": "<h1>Comedor</h1><p>El comedor abre a las once. Quien quiera comer antes puede llevarse bocadillos, y los"
    " viernes hay pescado; los invitados recogen sus fichas en la entrada.</p>",
    "d.md": "食堂は十一時に開きます。早く食べたい人はサンドイッチを持って行くことができます。金曜日は魚料理です。\n",
    "e.txt": "Столовая открывается в одиннадцать часов. Кто хочет поесть раньше, может взять бутерброды с собой.\n",
    "f.md": "The canteen opens at eleven. Those who want to eat earlier can take sandwiches with them, and on Fridays\n"
    "there is fish; guests find their tokens at the gate.\n",
}
IN = {
    "german": "a.md",
    "french": "b.txt",
    "spanish": "c.html",
    "japanese": "d.md",
    "russian": "e.txt",
    "english": "f.md",
}


def taken(found: dict[str, str]) -> set[str]:
    """The sources that are brought in."""
    return {name for name, action in found.items() if action == "add"}


@pytest.fixture
def pages(world: World) -> World:
    """Six documents that say the same in six languages; no name tells which."""
    for name, text in PAGES.items():
        world.write(name, text)
    return world


def test_only_what_is_written_in_it(pages: World) -> None:
    """Each of the six is chosen, and left out, by its text."""
    for language, name in IN.items():
        assert taken(actions(pages.plan(request=f"only the {language.title()} documents"))) == {name}
        rest = taken(actions(pages.plan(request=f"everything except what's written in {language.title()}")))
        assert rest == set(PAGES) - {name}


def test_a_text_is_believed_more_than_a_name(world: World) -> None:
    """A folder of the IT department is not Italian, and an untranslated page is in the language it is in."""
    world.write("it/laptops.md", PAGES["f.md"])
    world.write("canteen.de.md", PAGES["f.md"] + "\nSecond, not translated yet.\n")
    world.write("mensa.md", PAGES["a.md"])
    assert taken(actions(world.plan(request="only the Italian files"))) == set()
    assert taken(actions(world.plan(request="only the German documents"))) == {"mensa.md"}


def test_a_name_tells_where_a_text_does_not(world: World) -> None:
    """Figures have no language: their names say for whom they are; where nothing does, a person is warned."""
    world.write("preise.de.csv", "artikel;eur\n17;3,50\n18;4,75\n")
    world.write("prices.en.csv", "item;eur\n17;3.50\n18;4.75\n")
    assert taken(actions(world.plan(request="only the German files"))) == {"preise.de.csv"}
    (world.docs / "preise.de.csv").rename(world.docs / "one.csv")
    (world.docs / "prices.en.csv").rename(world.docs / "two.csv")
    plan = world.plan(request="only the German files")
    assert taken(actions(plan)) == {"one.csv", "two.csv"}
    assert all("cannot be told" in file.warnings[0] for file in plan.files)


def test_where_there_is_no_time_to_read_names_tell(pages: World) -> None:
    """The policy's seconds of planning hold here, too."""
    shutil.copy(pages.docs / "a.md", pages.docs / "a.fr.md")
    policy = Policy.rollback(budget={"plan_seconds": 0})
    assert taken(actions(pages.plan(request="only the French files", policy=policy))) == {"a.fr.md"}


def test_what_lies_in_a_kb_is_told_apart_too(pages: World, tmp_path: Path) -> None:
    """Removing and hiding by language: the one source that is meant, and no other."""
    pages.ingest()
    empty = tmp_path / "none"
    empty.mkdir()
    for verb, action in (("remove", "remove"), ("hide", "hide")):
        plan = pages.plan(empty, request=f"{verb} the Spanish pages")
        assert actions(plan) == {"c.html": action}, plan.questions


def test_no_document_is_parsed_for_a_request_without_a_language(pages: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at languages costs nothing where nobody asks."""
    monkeypatch.setattr("milepost.agents.languages.language_of", lambda texts: pytest.fail("nobody asked"))
    assert taken(actions(pages.plan(request="only the markdown files"))) == {"a.md", "d.md", "f.md"}


def test_a_model_chooses_by_the_language_that_it_is_told(pages: World) -> None:
    """The fact is a code beside the file's name; for what lies in the kb, too."""

    def french(call: Call) -> Reply:
        return says(plain_plan([f["handle"] for f in call.seen()["files"] if f["language"] == "fr"], "hr"))

    pages.ingest(pages.docs / "c.html")
    with asked(pages, french, request="the French one") as (plan, server, _):
        assert plan.origin.planner == "ai" and taken(actions(plan)) == {"b.txt"}
        seen = server.calls[0].seen()
    assert {file["name"]: file["language"] for file in seen["files"]} == {
        "a.md": "de", "b.txt": "fr", "c.html": "es", "d.md": "ja", "e.txt": "ru", "f.md": "en",
    }  # fmt: skip
    assert [(one["name"], one["language"]) for one in seen["kb_state"]["sources"]] == [("c.html", "es")]
