"""The whole of Milepost in two minutes: plan a handbook, apply it, ask, change a page, go back, and prove it.

Run by `make demo`. Needs no key, no server and no network. Everything happens in `demo-home/` (or the folder named as
the only argument), which a second run makes anew and which is left there to look around in.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from milepost import Journey, Milepost, MilepostError, Plan, SearchHit
from milepost.store import Progress

HERE = Path(__file__).resolve().parent
PAGE = "people/parental-leave.md"
KB = "hr"
MADE_BY = "made-by-demo.txt"
ASKED = (PAGE, "people/onboarding.pdf", "people/org-chart.pptx")
"""The documents that the three questions are about."""


class Demo:
    """Tells what it does while it does it, with the command that does the same."""

    def __init__(self, folder: Path, console: Console) -> None:
        self.folder = folder
        self.files = folder / "handbook"
        self.home = folder / "home"
        self.console = console
        self._part = 0

    def run(self) -> bool:
        """Do everything; True where going back gave exactly what was there before."""
        self.say("[bold]Milepost[/]: change a knowledge base by plan, and take every change back.")
        self.say(
            f"[dim]No key, no server, no network. Beside each part: the same as a command, with --home {self.home}[/]"
        )
        self.configure()
        with Milepost(self.home) as mp:
            plan = self.plan(mp)
            self.apply(mp, plan)
            self.part("Ask", f'search "{self.questions()[0]}" --kb {KB}')
            before = self.ask(mp, *self.questions())
            digest = mp.kb_digest(KB).digest
            change = self.change_a_page(mp)
            changed = self.ask(mp, self.questions()[0])
            self.go_back(mp, change)
            after = self.ask(mp, *self.questions())
            again = mp.kb_digest(KB).digest
        return self.prove(before, changed, after, digest, again)

    def configure(self) -> None:
        """Make the home with the policy that has every capability; without a model its planner is the template."""
        self.home.mkdir()
        (self.home / "milepost.toml").write_text('policy = "full"\n', encoding="utf-8")

    def plan(self, mp: Milepost) -> Plan:
        """Make the first plan, and show that there is nothing in the knowledge base yet."""
        self.part("Plan: what would happen", f"plan {self.files} --kb {KB}")
        plan = mp.plan([self.files], kb=KB)
        self.raw(plan.render())
        there = {info.name: info.chunks for info in mp.kb_list()}.get(KB, 0)
        self.say(f"Nothing has changed: there are {there} chunks in kb {KB}.")
        return plan

    def apply(self, mp: Milepost, plan: Plan) -> Journey:
        """Apply the plan, and say who approves it."""
        self.part("Apply exactly that plan", f"apply {short(plan.plan_id)} --yes")
        self.say("The policy `full` wants a person's approval; this demo gives it in your name, as --yes would.")
        return self.watched(mp, plan)

    def watched(self, mp: Milepost, plan: Plan) -> Journey:
        """Apply a plan with its progress on the screen."""
        began = time.monotonic()
        journey = mp.apply(plan, approve=True, on_progress=Steps(self.console))
        took = time.monotonic() - began
        self.say(
            f"{journey.status.value}: revision {journey.revision_before} is now {journey.revision_after}, "
            f"{len(journey.checkpoints)} checkpoints, {journey.embeddings_computed} embeddings, {took:.1f} s"
        )
        return journey

    def questions(self) -> list[str]:
        """Three questions about the handbook, the first about the page that will change."""
        known = {q["source"]: q["question"] for q in json.loads((HERE / "questions.json").read_text(encoding="utf-8"))}
        return [known[source] for source in ASKED]

    def ask(self, mp: Milepost, *questions: str) -> list[list[SearchHit]]:
        """Search for each question, and show the best sentence that came back."""
        found = [mp.search(question, kb=KB, k=5) for question in questions]
        for question, hits in zip(questions, found, strict=True):
            answer = Text("  ").append(question, "italic").append("\n    ").append(sentence(question, hits[0].text))
            self.console.print(answer.append(f"   {hits[0].source}{place(hits[0])}", "dim"), soft_wrap=True)
        return found

    def change_a_page(self, mp: Milepost) -> Journey:
        """Put the new version of one page into the folder, and ingest the folder again."""
        self.part(f"Replace one page, {PAGE}", f"ingest {self.files} --kb {KB} --yes")
        shutil.copyfile(HERE / "handbook-changed" / PAGE, self.files / PAGE)
        plan = mp.plan([self.files], kb=KB)
        told = ("  ~", "Estimate", "Policy", "Plan:")
        self.raw("\n".join(line for line in plan.render().splitlines() if line.startswith(told)))
        return self.watched(mp, plan)

    def go_back(self, mp: Milepost, change: Journey) -> None:
        """Show what going back will do, then do it."""
        self.part("Go back to before that change", f"rollback --journey {short(change.journey_id)} --yes")
        preview = mp.preview_rollback(change.checkpoint("before_upload"))
        self.say(
            f"preview: {preview.chunks_removed} chunks will go and {preview.chunks_restored} will come back, "
            f"of {', '.join(preview.sources_restored)}"
        )
        began = time.monotonic()
        done = mp.rollback_to_checkpoint(preview.checkpoint_id)
        took = time.monotonic() - began
        self.say(
            f"done in {took:.2f} s and read back from the store: {done.verified}. "
            f"This is revision {done.revision_after}, which can be undone as well."
        )

    def prove(
        self,
        before: list[list[SearchHit]],
        changed: list[list[SearchHit]],
        after: list[list[SearchHit]],
        digest: str,
        again: str,
    ) -> bool:
        """Compare answers and digests, and say what came of it."""
        self.part("Is it really as it was?", f"kb digest --kb {KB}")
        checks = [
            ("the page's change could be seen in the answers", seen(changed[0]) != seen(before[0])),
            ("all three questions get the answers they got before it", [*map(seen, before)] == [*map(seen, after)]),
            (f"SHA-256 over ids, texts, metadata and vectors in Chroma is equal: {again[:16]}...", digest == again),
        ]
        for what, holds in checks:
            self.say(f"[green]yes[/]  {what}" if holds else f"[bold red]NO[/]   {what}")
        self.say(f"Look around:  {command()} --home {self.home} kb log --kb {KB}")
        return all(holds for _, holds in checks)

    def part(self, title: str, command: str) -> None:
        """Begin a part with its title and the command that does the same."""
        self._part += 1
        self.console.print()
        line = Text(f"{self._part}  {title}", "bold cyan").append(f"     $ milepost {command}", "not bold dim")
        self.console.print(line, soft_wrap=True)

    def say(self, text: str) -> None:
        self.console.print(f"  {text}", soft_wrap=True)

    def raw(self, text: str) -> None:
        for line in text.splitlines():
            self.console.print(f"  {line}", markup=False, soft_wrap=True)


class Steps:
    """One line for each step of a journey: it grows on a terminal, and is written once it is whole elsewhere."""

    WIDTH = 24

    def __init__(self, console: Console) -> None:
        self._console = console
        self._line = ""

    def __call__(self, event: Progress) -> None:
        if event.kind == "progress":
            filled = self.WIDTH * event.done // max(event.total, 1)
            bar = "#" * filled + "." * (self.WIDTH - filled)
            self._line = f"  {event.step:<8}[{bar}]  {event.done} of {event.total} {event.unit}"
            if self._console.is_terminal:
                self._console.print(self._line, end="\r", markup=False, soft_wrap=True)
        elif event.kind == "milestone":
            self._console.print(f"{self._line}   checkpoint {event.step}_complete", markup=False, soft_wrap=True)
        else:
            self._console.print(f"  {event.text}", markup=False)


def sentence(question: str, text: str) -> str:
    """The sentence of a found text that shares the most words with the question."""
    words = set(re.findall(r"\w+", question.lower()))
    parts = re.split(r"(?<=[.!?])\s+|\n\n|\n(?=[A-Z|-])", text.replace("*", ""))
    best = max(parts, key=lambda part: len(words & set(re.findall(r"\w+", part.lower()))))
    return " ".join(best.split())


def place(hit: SearchHit) -> str:
    """Where in its document an answer is from, in a few characters."""
    page, heading = hit.location.get("page"), hit.location.get("heading")
    return f", page {page}" if page else f", {heading}" if heading else ""


def seen(hits: Sequence[SearchHit]) -> list[tuple[str, str, str, float]]:
    """What a person can see of an answer: everything but the number of the revision it comes from."""
    return [(hit.chunk_id, hit.source, hit.text, hit.score) for hit in hits]


def short(identifier: str) -> str:
    """The beginning of an id, which the command line takes for the whole."""
    kind, _, digits = identifier.partition("_")
    return f"{kind}_{digits[:8]}"


def command() -> Path:
    """The `milepost` command of this environment, seen from here."""
    path = Path(sys.executable).with_name("milepost")
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def fresh(folder: Path) -> Path:
    """Make the demo's folder anew, with a copy of the handbook; a folder that no demo made is left alone."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MADE_BY).exists():
        raise SystemExit(f"error: {folder} is there and no demo made it; name another folder: demo.py FOLDER")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MADE_BY).write_text("Made by examples/demo.py, which deletes this folder when it runs again.\n")
    shutil.copytree(HERE / "handbook", folder / "handbook")
    return folder


def main() -> int:
    """Run the demo; 0 where going back was exact."""
    console = Console(highlight=False, emoji=False)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo-home")
    try:
        return 0 if Demo(fresh(folder), console).run() else 1
    except MilepostError as error:
        console.print(f"error: {error}", markup=False)
        return 1


if __name__ == "__main__":
    sys.exit(main())
