# What the system says about this process and this machine while something runs.
# SPDX-License-Identifier: Apache-2.0
"""Resident memory, processor time, and the time other programs took. Linux only."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import time
from typing import NamedTuple, Optional

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    """Resident memory of this process, after giving unused heap back: what is held, not what was."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    try:
        with open("/proc/self/smaps_rollup") as rollup:
            for line in rollup:
                if line.startswith("Rss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # older kernels have no such file
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * _PAGE


def forget_peak() -> None:
    """Makes peak_bytes() count from now on."""
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")


def peak_bytes() -> int:
    """The highest resident memory since forget_peak()."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmHWM")


class Usage(NamedTuple):
    """What a stretch of work took."""

    wall: float  # seconds
    cpu: float  # seconds of processor time of this process, all threads
    others: Optional[float]  # processors that other programs kept busy, on average; None where it cannot be told


class Meter:
    """Measures from its making to stop()."""

    def __init__(self) -> None:
        self._busy = _busy_seconds()
        self._cpu = _cpu_seconds()
        self._wall = time.perf_counter()

    def stop(self) -> Usage:
        wall = time.perf_counter() - self._wall
        cpu = _cpu_seconds() - self._cpu
        busy = _busy_seconds()
        if busy is None or self._busy is None or wall <= 0:
            return Usage(wall, cpu, None)
        return Usage(wall, cpu, max(0.0, (busy - self._busy - cpu) / wall))


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _busy_seconds() -> Optional[float]:
    """Processor time that all programs and other guests of the host took: user, nice, system, irq, softirq, steal."""
    try:
        with open("/proc/stat") as stat:
            fields = [int(field) for field in stat.readline().split()[1:9]]
    except OSError:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / _TICKS
