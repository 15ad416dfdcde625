"""Calls of the system that fail, and losses of power, at each call that a short sequence of writes makes.
SPDX-License-Identifier: Apache-2.0
"""

import errno
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from support import FAULTS, FULL, FULL_LATER, GAVE_UP, NORMAL, STOPPED
from support import Failed, Workload, acknowledged, check, check_files, fresh, run_points

SMALL = Workload(seed=21, ids=40, batch=6)
# With a graph: it begins with a collection that has one.
LARGE = Workload(seed=22, ids=2700, batch=900)
LARGE_FROM = 5
# The write that closes the collection and opens it again.
FIRST_REOPEN = 12


@dataclass(frozen=True)
class Fault:
    mode: str
    tries: int  # how often the writer tries what fails
    ends: tuple  # how the writer may end
    step: int  # it comes at every so many calls
    error: int = 0
    more: int = 0


FAILING = [
    Fault("once", 3, (0,), 5, errno.EIO),
    Fault("once", 3, (0,), 11, errno.ENOSPC),
    Fault("once", 3, (0, STOPPED), 3, errno.EIO, more=4),
    Fault("on", 2, (0, GAVE_UP), 9, errno.EIO),
    Fault("short", 1, (0,), 9),
    Fault("full", 2, (0, GAVE_UP), 9),
    Fault("stop", 1, (STOPPED,), 9),
]
LOSING = [
    Fault("power", 1, (STOPPED,), 1),
    Fault("torn", 1, (STOPPED,), 3),
    Fault("forget", 3, (0, GAVE_UP, STOPPED), 7, more=9),
]


@dataclass(frozen=True)
class Scenario:
    workload: Workload
    durability: str
    until: str
    base: Path | None  # what it begins with

    @property
    def first(self) -> int:
        return -1 if self.base is None else LARGE_FROM


def inject(scenario: Scenario, directory: Path, fault: Fault | None, at: int, seed: int):
    """Runs the writes with a fault. Returns what came of it, and what the library for faults reports."""
    below, keep, report = directory / "below", directory / "keep", directory / "report"
    fresh(directory)
    below.mkdir()
    keep.mkdir()
    if scenario.base is not None:
        shutil.copytree(scenario.base, below / "c")
    settings = {"LD_PRELOAD": FAULTS, "FAULT_BELOW": below, "FAULT_KEEP": keep, "FAULT_REPORT": report, "FAULT_AT": at}
    settings["FAULT_SEED"] = seed
    if fault is not None:
        settings |= {"FAULT_MODE": fault.mode, "FAULT_ERRNO": fault.error, "FAULT_MORE": fault.more}
    result = run_points(
        below / "c", scenario.workload, scenario.durability, scenario.first, max(scenario.first, 0), scenario.until,
        fault.tries if fault else 1, env=os.environ | {name: str(value) for name, value in settings.items()})
    return result, report.read_text() if report.exists() else ""


def try_fault(scenario: Scenario, directory: Path, fault: Fault, at: int, seed: int) -> None:
    result, report = inject(scenario, directory, fault, at, seed)
    what = f"{fault.mode} at call {at} ({report.strip()}), durability {scenario.durability}, {directory}"
    if result.returncode not in fault.ends and (result.returncode != 0 or report):
        raise Failed(f"{what}: the writer ends with {result.returncode}:\n{result.stdout}{result.stderr}")
    done = acknowledged(result.stdout, scenario.first)
    low = done
    if fault.mode in ("power", "torn", "forget"):
        # Whole last writes may be lost; that there is a collection may not.
        if scenario.durability == NORMAL:
            low = min(done, max(scenario.first, 0))
        # Before it waits for the disk nothing is promised.
        if scenario.durability == FULL_LATER and done < FIRST_REOPEN:
            return
    try:
        check(directory / "below" / "c", scenario.workload, low, max(done + 1, 0))
        if scenario.until == "snapshot":
            check_snapshot(scenario, directory / "below", "copied" in result.stdout)
    except Failed as failure:
        raise Failed(f"{what}: {failure}\nthe writer said:\n{result.stdout}") from None
    shutil.rmtree(directory)


def check_snapshot(scenario: Scenario, below: Path, is_done: bool) -> None:
    """That there is a whole one or none, and that one can be made after that."""
    copy = below / "c-copy"
    if is_done or copy.exists():
        check(copy, scenario.workload, scenario.first, scenario.first)
        shutil.rmtree(copy)
    result = run_points(below / "c", scenario.workload, FULL, scenario.first, scenario.first + 9, "snapshot", 1)
    if result.returncode != 0:
        raise Failed(f"no snapshot can be made after that:\n{result.stdout}{result.stderr}")
    check_files(copy)


def try_all(scenario: Scenario, work: Path, fault: Fault, calls: list[int], seed: int) -> str:
    for at in calls:
        try_fault(scenario, work / str(at), fault, at, seed)
    return f"{work.name}: at {len(calls)} calls"


def choose_calls(calls: list[str], step: float, rare_step: float) -> list[int]:
    """Numbers of calls, from 1. Most calls are writes of SQLite, one like the other: the rest is tried more often."""
    rare, common = [], []
    for number, call in enumerate(calls, 1):
        (common if call.startswith("write of ") and "/collection.db" in call else rare).append(number)
    return rare[:: max(1, round(rare_step))] + common[:: max(1, round(step))]


def scenarios(work: Path):
    """Names, what is done, which faults come, and by how much fewer of them: of all calls, of the rare ones."""
    base = fresh(work / "base") / "c"
    result = run_points(base, LARGE, FULL, -1, 0, str(LARGE_FROM), 1)
    if result.returncode != 0:
        raise Failed(f"no collection to begin with:\n{result.stdout}{result.stderr}")
    yield "small", Scenario(SMALL, FULL, "28", None), FAILING + LOSING, 6, 1.5
    yield "normal", Scenario(SMALL, NORMAL, "28", None), FAILING + LOSING, 12, 6
    yield "later", Scenario(SMALL, FULL_LATER, "20", None), LOSING, 8, 1.5
    yield "snapshot", Scenario(LARGE, FULL, "snapshot", base), FAILING + LOSING, 9, 5
    yield "graph", Scenario(LARGE, FULL, "15", base), FAILING + LOSING, 120, 5


def trials(work: Path, rounds: float):
    for name, scenario, kinds, stride, rare_stride in scenarios(work):
        result, report = inject(scenario, work / f"count-{name}", None, 0, 0)
        if result.returncode != 0:
            raise Failed(f"without a fault the writer ends with {result.returncode}:\n{result.stdout}{result.stderr}")
        for number, fault in enumerate(kinds):
            step = fault.step / rounds
            calls = choose_calls(report.splitlines(), stride * step, rare_stride * step / 3)
            # What is lost in part is drawn: more rounds draw more often.
            for seed in range(max(1, int(rounds / 10)) if fault.mode == "torn" else 1):
                at = work / f"{name}-{fault.mode}-{number}-{seed}"
                yield lambda s=scenario, a=at, f=fault, c=calls, n=seed: try_all(s, a, f, c, n)
