"""Law: the examples that are no ingestion run as they stand, and what each did is gone when it was rolled back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def told(name: str, *words: str) -> list[str]:
    """What an example prints, with warnings as errors."""
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / name), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    return done.stdout.splitlines()


def test_rows_into_sqlite(tmp_path: Path) -> None:
    """Two rows are loaded into a table of their own, and both are taken back."""
    lines = told("rows_into_sqlite.py", str(tmp_path))
    assert any(line.startswith("  > load_rows ") for line in lines)
    assert lines[-2:] == ["completed: 2 rows in fruit", "rolled_back, confirmed: no table"]


def test_orders_over_http() -> None:
    """A customer and an order with the customer's id are created, and the server has neither afterwards."""
    done, undone = told("orders_over_http.py")
    assert "'name': 'Ada'" in done and "'customer': 1" in done
    assert undone == "rolled_back, confirmed: []"
