"""What the tests of crashes have in common: the program that writes and checks, and how its output is read.
SPDX-License-Identifier: Apache-2.0
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "test-crash"
POINTS = OUT / "points"
FAULTS = OUT / "faults.so"
FULL, NORMAL, NONE = "1", "2", "3"
# Nothing is waited for before the collection is opened for the second time.
FULL_LATER = "31"

GAVE_UP, STOPPED = 3, 77


class Failed(Exception):
    """A promise that the library did not keep."""


@dataclass(frozen=True)
class Workload:
    seed: int
    ids: int
    batch: int

    @property
    def arguments(self) -> list[str]:
        return [str(self.seed), str(self.ids), str(self.batch)]


def build() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    here = ROOT / "Tests" / "crash"
    compile_c = [os.environ.get("CC", "cc"), "-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    link = [f"-L{ROOT / 'build'}", "-lvecstore", f"-Wl,-rpath,{ROOT / 'build'}", "-lm"]
    sources = [str(here / "points.c"), str(here / "workload.c")]
    subprocess.run([*compile_c, f"-I{ROOT / 'include'}", *sources, "-o", str(POINTS), *link], check=True)
    subprocess.run([*compile_c, "-fPIC", "-shared", str(here / "faults.c"), "-o", str(FAULTS)], check=True)


def command(
    directory: Path, workload: Workload, durability: str, low: int, high: int, until: str, tries: int
) -> list[str]:
    return [str(POINTS), str(directory), *workload.arguments, durability, str(low), str(high), until, str(tries)]


def acknowledged(output: str, before: int = -1) -> int:
    """How many writes were done for sure."""
    for line in output.splitlines():
        word, _, rest = line.partition(" ")
        # The last line may be cut.
        if word in ("did", "at") and rest.isdigit():
            before = int(rest)
    return before


def run_points(*arguments, **options) -> subprocess.CompletedProcess:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120, **options)


def check(directory: Path, workload: Workload, low: int, high: int, durability: str = FULL) -> int:
    """That the collection is in one of these states, whole, and that it goes on from there. Returns the state."""
    result = run_points(directory, workload, durability, low, high, "+2", 1)
    if result.returncode != 0:
        what = f"states {low} ... {high} are allowed; the check ends with {result.returncode}"
        raise Failed(f"{what}:\n{result.stdout}{result.stderr}")
    check_files(directory)
    return acknowledged(result.stdout)


def check_files(directory: Path) -> None:
    """That nothing is left over of what was not brought to its end."""
    names = sorted(path.name for path in directory.iterdir())
    graphs = [name for name in names if name.startswith("graph-")]
    vectors = [name for name in names if name.startswith("vectors-0")]
    ids = [name for name in names if name.startswith("points-") and name.endswith(".ids")]
    fields = [name for name in names if name.startswith("field-") and name.endswith(".values")]
    known = {"collection.db", "collection.db-wal", "collection.db-shm", "lock"}
    strange = [name for name in names if name not in known and name not in graphs + vectors + ids[:1] + fields[:1]]
    beside = f".{directory.name}.vecstore-"
    strange += [path.name for path in directory.parent.iterdir() if path.name.startswith(beside)]
    if strange or len(graphs) > 1 or len(vectors) != 1:
        raise Failed(f"files are left over, or vectors are not there: {strange + graphs[1:]}, {vectors}")


def fresh(directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory
