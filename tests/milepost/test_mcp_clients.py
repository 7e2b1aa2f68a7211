"""Law: clients that others wrote, each in an environment of its own, have the whole cycle over MCP.

Nightly: they are installed from the package registries as configured here, and skipped where that cannot be done.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_kit import HANDBOOK, write

from milepost.agents.toolbox import TOOLS

pytestmark = pytest.mark.nightly
PATIENCE = 600
RUN = "import sys; from milepost.cli import main; sys.exit(main(sys.argv[1:]))"
INSPECTOR = ("node@22", "@modelcontextprotocol/inspector@2.12")
ADAPTERS = """\
import asyncio, json, sys
from langchain_mcp_adapters.client import MultiServerMCPClient

async def main(command, *words):
    client = MultiServerMCPClient({"milepost": {"transport": "stdio", "command": command, "args": list(words)}})
    tools = {tool.name: tool for tool in await client.get_tools()}

    async def call(name, **arguments):
        said = await tools[name].ainvoke({"type": "tool_call", "id": "c", "name": name, "args": arguments})
        return json.loads(said.content if isinstance(said.content, str) else said.content[0]["text"])

    plan = await call("plan_journey", paths=["."], kb="hr")
    done = await call("apply_plan", plan_id=plan["plan_id"], digest=plan["digest"])
    found = await call("search_knowledge", query="leave", kb="hr")
    preview = await call("preview_rollback", checkpoint_id=done["checkpoints"][0])
    back = await call("rollback_to_checkpoint", preview_id=preview["preview_id"])
    said = {"tools": list(tools), "done": done["outcomes"], "hits": len(found["results"]), "back": back["verified"]}
    print(json.dumps(said))

asyncio.run(main(*sys.argv[1:]))
"""


def installed(*command: str | Path, cwd: Path) -> None:
    """Run an installer; where it cannot install, the test is skipped with what it said."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if done.returncode:
        pytest.skip(f"{Path(command[0]).name} could not install it here: {done.stderr.strip()[-300:]}")


def server(folder: Path, *more: str) -> list[str]:
    """The command that serves the folder."""
    home = str(folder.parent / "home")
    return [sys.executable, "-c", RUN, "mcp", "--home", home, "--policy", "rollback", "--root", str(folder), *more]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "files", HANDBOOK)
    return tmp_path / "files"


def test_langchain_mcp_adapters(tmp_path: Path, folder: Path) -> None:
    """Plan, apply, search, preview and go back, through tools of LangChain's in a process without Milepost."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        pytest.skip("there is no uv to make an environment with")
    installed(uv, "venv", "--quiet", "--python", sys.executable, "its-own", cwd=tmp_path)
    python = tmp_path / "its-own" / "bin" / "python"
    installed(uv, "pip", "install", "--quiet", "--python", python, "langchain-mcp-adapters", cwd=tmp_path)
    environment = {**os.environ, "MILEPOST_EMBEDDER": "fake"}
    ran = subprocess.run(
        [python, "-c", ADAPTERS, *server(folder)], capture_output=True, text=True, timeout=PATIENCE, env=environment,
        cwd=tmp_path, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    said = json.loads(ran.stdout.splitlines()[-1])
    assert said["tools"] == list(TOOLS)
    assert (said["done"], said["back"]) == ({"added": 3}, "confirmed")
    assert said["hits"] > 0


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Inspector's command line, with the node that it wants."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm here")
    place = tmp_path_factory.mktemp("inspector")
    (place / "package.json").write_text("{}", encoding="utf-8")
    installed(npm, "install", "--silent", "--no-audit", "--no-fund", *INSPECTOR, cwd=place)
    return place / "node_modules" / ".bin"


@pytest.mark.parametrize("era", ["legacy", "auto", "modern"])
def test_the_inspector_finds_nothing_wrong(inspector: Path, folder: Path, era: str) -> None:
    """`--strict` has no complaint about a tool's schema, in each era; and it can plan."""
    config = {"command": server(folder)[0], "args": server(folder)[1:]}
    (folder.parent / "mcp.json").write_text(json.dumps({"mcpServers": {"milepost": config}}), encoding="utf-8")

    def ask(*words: str) -> Any:
        environment = {**os.environ, "MILEPOST_EMBEDDER": "fake"}
        environment["PATH"] = f"{inspector}{os.pathsep}{environment['PATH']}"
        environment["HOME"] = str(folder.parent)
        ran = subprocess.run(
            [str(inspector / "mcp-inspector"), "--cli", "--config", str(folder.parent / "mcp.json"),
             "--server", "milepost", "--protocol-era", era, *words],
            capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr[-3000:]
        return json.loads(ran.stdout)

    assert [tool["name"] for tool in ask("--strict", "--method", "tools/list")["tools"]] == list(TOOLS)
    words = ["--tool-arg", 'paths=["."]', "kb=hr"]
    assert ask("--method", "tools/call", "--tool-name", "plan_journey", *words)["structuredContent"]["plan_id"]
