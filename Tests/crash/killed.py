"""Writers that are killed at random moments, over one directory that goes on living.
SPDX-License-Identifier: Apache-2.0
"""

import random
import subprocess
import time
from pathlib import Path

from support import FULL, NONE, NORMAL, Failed, Workload, acknowledged, check, command, fresh

# Workload, durability, kills, and the longest time in seconds that a writer has. Those with many points have graphs.
TRIALS = [
    (Workload(seed=11, ids=60, batch=8), FULL, 120, 0.08),
    (Workload(seed=12, ids=6000, batch=900), FULL, 50, 0.2),
    (Workload(seed=13, ids=6000, batch=500), NORMAL, 50, 0.2),
    (Workload(seed=14, ids=400, batch=60), NORMAL, 80, 0.08),
    (Workload(seed=15, ids=6000, batch=900), NONE, 50, 0.2),
]


def kill_often(directory: Path, workload: Workload, durability: str, kills: int, longest: float) -> str:
    choose = random.Random(workload.seed)
    done = -1
    for kill in range(kills):
        arguments = command(directory, workload, durability, done, max(done + 1, 0), "1000000", 1)
        writer = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        output = ""
        # Now and then it is killed while it opens; else it has some time after that.
        if choose.random() > 0.2:
            for line in writer.stdout:
                output += line
                if line.startswith("at "):
                    break
        time.sleep(choose.random() * longest)
        writer.kill()
        output += writer.stdout.read()
        if writer.wait() >= 0:
            raise Failed(f"kill {kill}, after {done} writes, {directory}: the writer ended by itself:\n{output}")
        done = acknowledged(output, done)
    check(directory, workload, done, max(done + 1, 0), durability)
    return f"{kills} kills, {done} writes"


def trials(work: Path, rounds: float):
    for number, (workload, durability, kills, longest) in enumerate(TRIALS):
        yield lambda n=number, w=workload, d=durability, k=kills, l=longest: kill_often(
            fresh(work / f"killed-{n}") / "c", w, d, max(1, int(k * rounds)), l)
