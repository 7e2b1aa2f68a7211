"""Write the pages of docs/reference/ that are the code's own: the command line, policy, JSON, errors, validator codes.

`make reference` runs this; tests/house/test_reference.py holds the committed pages to it, and the JSON page to what the
commands give. `pages()` makes the texts and writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from reference_json import GIVES, json_page
from reference_parts import MADE, fields_said, table
from typer.main import get_command

from milepost import failure
from milepost.agents.ai_groups import with_rules
from milepost.agents.ai_planner import offered
from milepost.agents.ai_schema import draft_schema
from milepost.agents.issues import CODES
from milepost.cli import build
from milepost.store import errors, policy_rules
from milepost.store.guarantees import guarantees
from milepost.store.policy import PRESETS, Policy
from milepost.store.policy_keys import allowed, leaves
from milepost.store.policy_sources import resolve_policy
from milepost.store.reasons import REASONS

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
EVERYWHERE = "Everywhere, before or after the command"


EXITS = {
    0: "done; nothing to do; or the person said no",
    1: "failed",
    2: "usage; a path, kb, preset or id that does not exist (for you); or a question and no terminal to ask it on",
    3: "refused by validation, policy or approval, or waiting for an answer",
    4: "the plan is stale",
    5: "partly done: files were rejected or failed, each listed with its reason",
    6: "a rollback met a conflict, or could not be completed",
    7: "the store is busy, or needs repair",
    130: "stopped by Ctrl-C",
}


def pages() -> dict[str, str]:
    """Every page by its file name."""
    made = {
        "cli.md": _cli(), "policy.md": _policy(), "json.md": json_page(), "errors.md": _errors(),
        "validator-codes.md": _validator_codes(),
    }  # fmt: skip
    texts = {name: "\n".join([*lines, ""]) for name, lines in made.items()}
    return {**texts, "draft-plan.schema.json": _draft_schema()}


def _draft_schema() -> str:
    """What a model has to answer where every built-in action is allowed."""
    return json.dumps(draft_schema(with_rules(offered(expose=True))), indent=2) + "\n"


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that has a help of its own, by its words, groups opened."""
    root: Any = get_command(build())
    for name, one in root.commands.items():
        if hasattr(one, "commands"):
            yield from ((f"{name} {inner}", command) for inner, command in one.commands.items() if not command.hidden)
        elif not one.hidden:
            yield name, one


def _cli() -> list[str]:
    listed = sorted(commands(), key=lambda pair: list(GIVES).index(pair[0]))
    shared = [one for one in listed[0][1].params if getattr(one, "rich_help_panel", None) == EVERYWHERE]
    lines = [
        "# The command line", "", MADE,
        "`milepost COMMAND`. Results go to stdout; progress, warnings and questions to stderr. Ids may be cut to",
        "their first letters. What `--json` gives is in [JSON](json.md), exit codes in [errors](errors.md).", "",
        *table(("command", "does"), *((_link(name), _first(one)) for name, one in listed)),
        "## Options of every command", "", "Before or after the command's name.", "",
        *table(("option", ""), *_options(listed[0][1], shared)),
    ]  # fmt: skip
    for name, one in listed:
        own = [parameter for parameter in one.params if parameter not in shared and _is_own(parameter)]
        lines += [f"## milepost {name}", "", _first(one), "", f"`{_usage(name, own)}`", ""]
        rows = _options(one, own)
        lines += table(("argument or option", ""), *rows) if rows else []
    return lines[:-1]


def _link(name: str) -> str:
    return f"[`{name}`](#milepost-{name.replace(' ', '-')})"


def _is_own(parameter: Any) -> bool:
    return parameter.name != "help" and getattr(parameter, "rich_help_panel", None) != EVERYWHERE


def _first(command: Any) -> str:
    return str(command.help or "").split("\n")[0]


def _usage(name: str, own: list[Any]) -> str:
    words = ["milepost", name]
    for one in own:
        if one.param_type_name == "argument":
            word = f"{one.metavar or one.name.upper()}{'...' if one.nargs == -1 else ''}"
        else:
            word = one.opts[0] if one.is_flag else f"{one.opts[0]} {one.metavar or one.name.upper()}"
        words.append(word if one.required else f"[{word}]")
    return " ".join(words)


def _options(command: Any, wanted: list[Any]) -> list[tuple[str, str]]:
    context = command.context_class(command, info_name=command.name)
    rows: list[tuple[str, str]] = []
    for one in wanted:
        if one.param_type_name == "argument":
            rows.append((f"`{one.metavar or one.name}`", one.help or ""))
        elif (record := one.get_help_record(context)) is not None:
            rows.append((f"`{record[0]}`", record[1]))
    return rows


def _policy() -> list[str]:
    models: list[type[BaseModel]] = [Policy, *_sections()]
    said = {model: fields_said(model) for model in models}
    rows: list[tuple[str, ...]] = []
    for key, field in leaves().items():
        section, _, name = key.rpartition(".")
        model = Policy if not section else type(getattr(Policy(), section))
        default = Policy() if not section else getattr(Policy(), section)
        value = getattr(default, name)
        may = allowed(key).removeprefix("allowed: ")
        rows.append((f"`{key}`", said[model].get(name, field.description or ""), may, f"`{_plain(value)}`"))
    lines = [
        "# The policy", "", MADE,
        "One object says what is on. Where its values come from, and which source wins, is in",
        "[configuration](configuration.md); `milepost policy show` prints the one in force.", "",
        "## Keys", "", *table(("key", "is", "may be", "default"), *rows),
        "## Presets", "", *_presets(),
        "## What asks for what", "",
        "A source that asks for the first and sets the second to false contradicts itself, and is refused.", "",
        *table(("asks", "needs"), *((f"`{rule.key}`", f"`{rule.needs}`") for rule in policy_rules.RULES)),
        "## What each preset gives and costs", "",
    ]  # fmt: skip
    for name in PRESETS:
        lines += [f"### {name}", "", *(f"- {line}" for line in guarantees(resolve_policy((name, name)).policy)), ""]
    return lines[:-1]


def _sections() -> list[type[BaseModel]]:
    return [type(value) for _, value in Policy() if isinstance(value, BaseModel)]


def _presets() -> list[str]:
    tables = {name: resolve_policy((name, name)).table() for name in PRESETS}
    differing = [key for key in leaves() if len({str(table[key]["value"]) for table in tables.values()}) > 1]
    rows = [(f"`{key}`", *(_plain(table[key]["value"]) for table in tables.values())) for key in differing]
    return table(("key", *tables), *rows)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else "all" if value == () else str(value)


def _errors() -> list[str]:
    every: set[type[errors.MilepostError]] = {errors.MilepostError, *_below(errors.MilepostError)}
    kinds = sorted(every, key=lambda kind: (kind.exit_code, kind.code, kind.__name__))
    public = {name for name, kind in vars(errors).items() if kind in kinds}
    rows = [
        (f"`{one.code}`", str(one.exit_code), f"`{one.__name__}`" if one.__name__ in public else "", _said(one))
        for one in kinds
    ]
    return [
        "# Errors, exit codes, reasons", "", MADE,
        "An error is at most four lines on stderr: `error:` what, `cause:`, `state:` what was and was not changed, and",
        "`next:` one command to copy. In Python it is an exception below `MilepostError`, with `message`, `cause`,",
        "`state`, `next` and `facts`.", "",
        "## Exit codes", "", *table(("code", "means"), *((str(code), text) for code, text in EXITS.items())),
        "`plan --detailed-exitcode`: 0 no changes, 2 changes, 64 a usage error.", "",
        "## Codes of errors", "", "`error.code` of `--json`, the exit code, and the class to catch in Python.", "",
        *table(("code", "exit", "class", "is raised where"), *rows),
        "## Reasons of files", "",
        "`reason` of a plan's or a journey's file, beside `detail`, a sentence. Only rejected and failed files make",
        "exit code 5.", "",
        *table(("reason", "means"), *((f"`{code}`", text) for code, text in REASONS.items())),
    ][:-1]  # fmt: skip


def _below(kind: type[errors.MilepostError]) -> Iterator[type[errors.MilepostError]]:
    for one in kind.__subclasses__():
        if one.__module__ in (errors.__name__, failure.__name__):
            yield one
        yield from _below(one)


def _said(kind: type[errors.MilepostError]) -> str:
    """What the tree at the top of errors.py says about a class; the command line's own say it themselves."""
    lines = [line.strip("│├└─ ").split(None, 1) for line in (errors.__doc__ or "").splitlines() if "──" in line]
    told = {words[0]: words[1] for words in lines if len(words) == 2}
    if kind is errors.MilepostError:
        return "anything else"
    if kind.__module__ == failure.__name__:
        return (kind.__doc__ or "").strip().rstrip(".").lower()
    return told.get(kind.__name__) or f"a `{kind.__base__.code}`: {told[kind.__base__.__name__]}"  # type: ignore[union-attr] # below MilepostError


def _validator_codes() -> list[str]:
    return [
        "# Validator codes", "", MADE,
        "`validate_plan(plan, registry, policy=None, facts=None)` gives every fault of a plan at once, each an issue",
        "with `code`, `step` (the step's id, or null where it is the plan's), `message` and `hint`. A plan is valid",
        "where no issue is an error.", "",
        *table(("code", "meaning"), *((f"`{code}`", text) for code, text in CODES.items())),
    ][:-1]  # fmt: skip


if __name__ == "__main__":
    main()
