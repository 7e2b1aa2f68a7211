"""A process that runs a saga and may be killed in it: `saga_child.py HOME WORLD STEPS [FAULT NTH]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from own_world import World, asked

from milepost import Milepost
from milepost.store.faults import arm, kill_at

POLICY = {"orchestration": "saga", "limits.undo_tries": 1}


def main(home: str, folder: str, steps: str, *fault: str) -> None:
    """Plan these steps, and apply the plan."""
    world = World(Path(folder))
    with Milepost(home, policy=POLICY, journey_types=(asked,)) as mp:
        plan = mp.plan([], journey_type="asked", args={**world.args, "steps": json.loads(steps)})
        if fault:
            arm(kill_at(fault[0], int(fault[1])))
        print(mp.apply(plan).status)


if __name__ == "__main__":
    main(*sys.argv[1:])
