"""Disks that are full, files that may not grow, directories that may only be read, and readers beside a writer.
SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
from pathlib import Path

from support import FULL, GAVE_UP, Failed, Workload, acknowledged, check, command, fresh, run_points

SMALL = Workload(seed=31, ids=300, batch=60)
LARGE = Workload(seed=32, ids=6000, batch=900)
NOBODY = 65534


def expect(result, codes: tuple, what: str) -> None:
    if result.returncode not in codes:
        raise Failed(f"{what}: it ends with {result.returncode}:\n{result.stdout}{result.stderr}")


def limited_files(work: Path) -> str:
    """No file may grow beyond a limit: writes are cut short, and fail after that."""
    sizes = range(4 << 10, 200 << 10, 12 << 10)
    ends = 0
    for size in sizes:
        directory = fresh(work / f"limit-{size}") / "c"

        def limit(size=size):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        result = run_points(directory, SMALL, FULL, -1, 0, "40", 2, preexec_fn=limit, restore_signals=False)
        expect(result, (0, GAVE_UP), f"files of at most {size} bytes")
        ends += result.returncode == GAVE_UP
        done = acknowledged(result.stdout)
        check(directory, SMALL, done, max(done + 1, 0))
    if ends < 3:
        raise Failed("no limit was reached")
    return f"{len(sizes)} limits for files, {ends} reached"


@contextlib.contextmanager
def small_disk(at: Path, size: str):
    """A file system of a size; None where it may not be made."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(at)]
    result = subprocess.run(mount, capture_output=True)
    try:
        yield at if result.returncode == 0 else None
    finally:
        if result.returncode == 0:
            subprocess.run(["umount", "-l", str(at)], check=True)


def full_disk(work: Path) -> str:
    """A disk that is really full, and gets room again."""
    disks = [("100k", SMALL), ("240k", SMALL), ("400k", SMALL), ("1m", LARGE), ("1500k", LARGE)]
    for size, workload in disks:
        with small_disk(fresh(work / f"disk-{size}"), size) as disk:
            if disk is None:
                return "no small disk can be made here: left out"
            result = run_points(disk / "c", workload, FULL, -1, 0, "100000", 2)
            expect(result, (GAVE_UP,), f"a disk of {size}")
            done = acknowledged(result.stdout)
            if done >= 0:
                # It can be read while there is no room at all.
                with contextlib.suppress(OSError), open(disk / "rest", "wb", buffering=0) as rest:
                    while rest.write(bytes(4096)):
                        pass
                result = run_points(disk / "c", workload, "r", done, done + 1, "0", 1)
                expect(result, (0,), f"reading on a full disk of {size}")
                (disk / "rest").unlink()
            subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
            check(disk / "c", workload, done, max(done + 1, 0))
    return f"{len(disks)} full disks"


def as_nobody():
    if os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def read_only_copy(source: Path, target: Path, without: tuple = ()) -> Path:
    fresh(target.parent)
    shutil.copytree(source, target, ignore=lambda _, names: [name for name in names if name in without])
    for path in target.iterdir():
        path.chmod(0o444)
    target.chmod(0o555)
    return target


def read_only(work: Path) -> str:
    """A directory in which nothing may be written is read by somebody who may not write."""
    directory = fresh(work / "read-only") / "c"
    expect(run_points(directory, LARGE, FULL, -1, 0, "20", 1), (0,), "writing")
    parts = [(), ("lock",), ("collection.db-shm",), ("collection.db-shm", "collection.db-wal")]
    for number, without in enumerate(parts):
        copy = read_only_copy(directory, work / f"read-only-{number}" / "c", without)
        result = run_points(copy, LARGE, "r", 20, 20, "0", 1, preexec_fn=as_nobody)
        expect(result, (0,), f"reading as somebody else, without {without}")
        result = run_points(copy, LARGE, FULL, 20, 20, "+0", 1, preexec_fn=as_nobody)
        expect(result, (GAVE_UP,), "writing where that is not allowed")
    return f"{len(parts)} read-only directories"


def until(process: subprocess.Popen, event: str) -> str:
    output = ""
    for line in process.stdout:
        output += line
        if f"{line.strip()} ".startswith(event):
            return output
    raise Failed(f"the writer ended before '{event}':\n{output}")


def beside_a_writer(work: Path) -> str:
    """Reads while a writer holds still, after it was killed, and in a directory that may only be read then."""
    directory = fresh(work / "beside") / "c"
    writer = subprocess.Popen(command(directory, LARGE, FULL, -1, 0, "1000000", 1), stdout=subprocess.PIPE, text=True)
    readings = 0
    follower = None
    try:
        for step in (5, 11, 17, 23):
            until(writer, f"did {step} ")
            writer.send_signal(signal.SIGSTOP)
            result = run_points(directory, LARGE, "r", step, step + 1000, "0", 1)
            expect(result, (0,), "reading beside a writer")
            result = run_points(directory, LARGE, FULL, step, step + 1000, "+0", 1)
            if result.returncode != GAVE_UP or "open for writing already" not in result.stdout:
                raise Failed(f"a second writer ends with {result.returncode}:\n{result.stdout}")
            if follower is None:
                arguments = command(directory, LARGE, "r", step, step + 1000, "refresh", 1)
                follower = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                until(follower, "at ")
            follower.stdin.write(f"{step}\n")
            follower.stdin.flush()
            until(follower, "at ")
            writer.send_signal(signal.SIGCONT)
            readings += 1
        writer.send_signal(signal.SIGSTOP)
        follower.stdin.close()
        output = follower.stdout.read()
        if follower.wait() != 0:
            raise Failed(f"a reader that follows the writer ends with {follower.returncode}:\n{output}")
    finally:
        writer.kill()
        output = writer.stdout.read()
        writer.wait()
    done = acknowledged(output, 23)
    expect(run_points(directory, LARGE, "r", done, done + 1, "0", 1), (0,), "reading after the writer was killed")
    # The log has writes, and nobody may bring them into the database.
    copy = read_only_copy(directory, work / "killed-read-only" / "c")
    result = run_points(copy, LARGE, "r", done, done + 1, "0", 1, preexec_fn=as_nobody)
    expect(result, (0,), "reading what a killed writer left, read-only")
    check(directory, LARGE, done, done + 1)
    return f"{readings} readings beside a writer"


def trials(work: Path, rounds: float):
    for trial in (limited_files, full_disk, read_only, beside_a_writer):
        yield lambda trial=trial: trial(work)
