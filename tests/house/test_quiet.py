"""Law: nothing phones home: ingest, search and rollback ask the network for nothing, and work where there is none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

WORK = '''
import json, sys
from pathlib import Path

asked = []

def refuse(event, arguments):
    """Every way in which Python reaches for the network, native code's apart: that is what the empty network is for."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"):
        asked.append(f"{event} {arguments}")
        raise OSError("the network is refused")
    if event == "socket.connect" and not isinstance(arguments[1], (str, bytes)):  # a path is a local one
        asked.append(f"{event} {arguments[1]}")
        raise OSError("the network is refused")

sys.addaudithook(refuse)

def journey():
    from milepost import Milepost

    Path("leave.md").write_text("# Leave\\n\\nParental leave is sixteen weeks.\\n")
    Path("table.csv").write_text("item,price\\ngauge,2675\\n")
    with Milepost("home", policy="full", trace="spans.jsonl") as mp:
        done = mp.ingest(["leave.md", "table.csv"], kb="hr", approve=True)
        assert str(done.status) == "completed", done
        assert "sixteen" in mp.search("parental leave", kb="hr")[0].text
        assert mp.documents(find="leave")
        mp.undo(done)
        assert mp.search("parental leave", kb="hr") == []
        assert "sixteen" in mp.report(done)
    assert "rollback" in Path("home/spans.jsonl").read_text()

def call_out():
    import socket

    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 53))
    except OSError:
        pass

def child_calls_out():
    import subprocess

    code = "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect_ex(('192.0.2.1', 53))"
    subprocess.run([sys.executable, "-c", code], check=True)

{"journey": journey, "call_out": call_out, "child_calls_out": child_calls_out}[sys.argv[1]]()
packets = {}
if sys.argv[2] == "alone":
    rows = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines()]
    for names, values in zip(rows[::2], rows[1::2]):
        packets.update({f"{names[0]}{name}": int(value) for name, value in zip(names[1:], values[1:])})
counted = ("Ip:OutRequests", "Ip:OutNoRoutes", "Tcp:ActiveOpens", "Udp:OutDatagrams")
print(json.dumps({"asked": asked, "tried": {name: packets[name] for name in counted if packets.get(name)}}))
'''
ALONE = ("unshare", "--map-root-user", "--net")


def run(folder: Path, what: str, *, alone: bool) -> dict[str, object]:
    """Do something with Python's sockets refused; `alone` in a network of its own, whose packets the kernel counts."""
    script = folder / "work.py"
    script.write_text(WORK, encoding="utf-8")
    command = [*(ALONE if alone else ()), sys.executable, str(script), what, "alone" if alone else "here"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


def can_be_alone() -> bool:
    """Whether this machine lets us make an empty network."""
    try:
        return subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def test_the_network_is_not_asked(tmp_path: Path) -> None:
    """No look-up and no connection from Python, in the whole of a journey and its undoing."""
    assert run(tmp_path, "journey", alone=False) == {"asked": [], "tried": {}}


def test_asking_would_be_noticed(tmp_path: Path) -> None:
    """The refusal is not blind: a single connection is seen."""
    assert run(tmp_path, "call_out", alone=False)["asked"]


@pytest.mark.skipif(not can_be_alone(), reason="this machine does not let a user make an empty network")
class TestAlone:
    """In an empty network, whose kernel counts every try: of native code and of child processes, too."""

    def test_not_a_packet_is_tried(self, tmp_path: Path) -> None:
        """A whole journey and its undoing succeed, and try to send nothing."""
        assert run(tmp_path, "journey", alone=True) == {"asked": [], "tried": {}}

    def test_a_try_would_be_counted(self, tmp_path: Path) -> None:
        """The count is not blind: one connection of a child process is seen."""
        assert run(tmp_path, "child_calls_out", alone=True)["tried"]
