# How long calls tell how far they have come, and how they are stopped.
# SPDX-License-Identifier: Apache-2.0
import gc
import signal
import subprocess
import sys
import textwrap
import threading
import weakref

import numpy as np
import pytest

import vecstore

DIM = 64
# So many rows take many times as long as the pause between two reports.
MANY = 20_000


class Stopped(Exception):
    pass


@pytest.fixture
def index():
    with vecstore.Index("hnsw", dim=DIM, ef_construction=400) as index:
        yield index


@pytest.fixture(scope="module")
def many():
    return np.random.default_rng(3).standard_normal((MANY, DIM)).astype(np.float32)


def untouched(index, many):
    """That nothing is in an index, that it is in order, and that rows can be added."""
    assert len(index) == 0
    assert index.ids().tolist() == []
    assert (index.search(many[:2], k=1).ids == vecstore.NO_ID).all()
    index.verify()
    ids = index.add(many[:50])
    assert index.search(many[:50], k=1).ids[:, 0].tolist() == ids.tolist()
    index.verify()


def test_progress_grows_up_to_the_end(index, many):
    told = []
    index.add(many, progress=lambda done, total: told.append((done, total)))
    assert len(index) == MANY
    assert {total for _, total in told} == {MANY}
    done = [done for done, _ in told]
    assert done == sorted(done)
    assert done[-1] == MANY
    assert len(done) > 1
    assert all(type(number) is int for report in told for number in report)


def test_progress_is_told_on_one_thread(index, many):
    threads = set()
    index.add(many, progress=lambda done, total: threads.add(threading.get_ident()))
    assert len(threads) == 1


def test_a_small_batch_is_told_once(index, many):
    told = []
    index.add(many[:10], progress=lambda done, total: told.append((done, total)))
    assert told == [(10, 10)]


@pytest.mark.parametrize("answer", [None, True, np.True_, 0, "", [], 1])
def test_only_false_cancels(index, many, answer):
    index.add(many[:10], progress=lambda done, total: answer)
    assert len(index) == 10


@pytest.mark.parametrize("no", [False, np.False_])
def test_false_cancels_half_way(index, many, no):
    told = []

    def cancel(done, total):
        told.append(done)
        return no

    with pytest.raises(vecstore.CancelledError) as caught:
        index.add(many, progress=cancel)
    assert (caught.value.code, caught.value.status) == (14, "CANCELLED")
    assert len(told) == 1
    assert told[0] < MANY
    untouched(index, many)


def test_false_at_the_very_end_cancels_too(index, many):
    with pytest.raises(vecstore.CancelledError):
        index.add(many[:10], progress=lambda done, total: False)
    untouched(index, many)


def test_a_cancelled_batch_leaves_what_was_there(index, many):
    index.add(many[:3000])
    with pytest.raises(vecstore.CancelledError):
        index.add(many[3000:], progress=lambda done, total: False)
    assert sorted(index) == list(range(3000))
    found = index.search(many[:3000], k=1)
    assert (found.ids[:, 0] == np.arange(3000)).mean() >= 0.99
    index.verify()


def test_ids_of_a_cancelled_batch_may_be_given_again(index, many):
    ids = np.arange(100, 110)
    with pytest.raises(vecstore.CancelledError):
        index.add(many[:10], ids=ids, progress=lambda done, total: False)
    assert not index.contains(ids).any()
    assert index.add(many[:10], ids=ids).tolist() == ids.tolist()


@pytest.mark.parametrize("error", [Stopped, KeyboardInterrupt, SystemExit])
def test_what_progress_raises_cancels_and_reaches_the_caller(index, many, error):
    told = []

    def refuse(done, total):
        told.append(done)
        raise error

    with pytest.raises(error):
        index.add(many, progress=refuse)
    assert len(told) == 1, "after an exception it is not called again"
    untouched(index, many)


def test_an_exception_does_not_keep_progress_alive(index, many):
    class Refuse:
        def __call__(self, done, total):
            raise Stopped

    refuse = Refuse()
    alive = weakref.ref(refuse)
    with pytest.raises(Stopped):
        index.add(many[:10], progress=refuse)
    del refuse
    gc.collect()
    assert alive() is None


@pytest.fixture
def alarm():
    """A function that makes a signal handler raise `Stopped` in a moment."""

    def stop(number, frame):
        raise Stopped

    before = signal.signal(signal.SIGALRM, stop)
    yield lambda: signal.setitimer(signal.ITIMER_REAL, 0.05)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("progress", [None, lambda done, total: None])
def test_what_a_signal_handler_raises_ends_a_long_add(index, many, alarm, progress):
    batch = np.tile(many, (4, 1))
    alarm()
    with pytest.raises(Stopped):
        index.add(batch, progress=progress)
    untouched(index, many)


@pytest.mark.parametrize("call", ["train", "add"])
@pytest.mark.parametrize("progress", [None, lambda done, total: None])
def test_what_a_signal_handler_raises_ends_a_long_training(many, alarm, call, progress):
    with vecstore.Index("ivf", dim=DIM, nlist=1000, storage="pq") as lists:
        alarm()
        with pytest.raises(Stopped):
            getattr(lists, call)(many, progress=progress)
        assert (len(lists), lists.stats().trained_count) == (0, 0)
        lists.verify()


def test_a_signal_in_the_middle_of_progress_ends_it_too(index, many, alarm):
    def dawdle(done, total):
        alarm()
        threading.Event().wait(0.3)

    with pytest.raises(Stopped):
        index.add(many, progress=dawdle)
    untouched(index, many)


def test_ctrl_c_ends_a_long_add_without_a_word(package_environment):
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CTRL_C)],
        env=package_environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "stopped, 0 rows\n", "")


CTRL_C = """
    import os, signal, threading
    import numpy as np
    import vecstore

    # A shell starts what runs in the background with Ctrl-C ignored, and what that starts inherits it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rows = np.random.default_rng(1).standard_normal((100_000, 64)).astype(np.float32)
    index = vecstore.Index("hnsw", dim=64, ef_construction=400)
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        index.add(rows)
    except KeyboardInterrupt:
        print(f"stopped, {len(index)} rows")
"""


def test_optimize_tells_its_progress_and_can_be_cancelled(index, many):
    told = []
    index.add(many[:3000])
    index.optimize(threads=1, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (3000, 3000)
    with pytest.raises(vecstore.CancelledError):
        index.optimize(progress=lambda done, total: False)
    with pytest.raises(TypeError, match="progress: expected a callable"):
        index.optimize(progress=1)
    with pytest.raises(vecstore.InvalidArgumentError):
        index.optimize(threads=1025)
    index.verify()
    assert len(index) == 3000


def test_what_a_signal_handler_raises_ends_a_long_optimize(index, many, alarm):
    index.add(many)
    alarm()
    with pytest.raises(Stopped):
        index.optimize()
    index.verify()
    assert len(index) == MANY


@pytest.mark.parametrize("bad", [1, "bar", True, object()])
def test_what_cannot_be_called_is_a_type_error(index, many, bad):
    with pytest.raises(TypeError, match="progress: expected a callable"):
        index.add(many[:10], progress=bad)
    assert len(index) == 0


def test_a_flat_index_tells_its_progress_too(many):
    told = []
    with vecstore.Index("flat", dim=DIM) as flat:
        flat.add(many, progress=lambda done, total: told.append((done, total)))
        assert told[-1] == (MANY, MANY)
        with pytest.raises(vecstore.CancelledError):
            flat.add(many, progress=lambda done, total: False)
        with pytest.raises(Stopped):
            flat.add(many, progress=raise_stopped)
        assert len(flat) == MANY


def raise_stopped(done, total):
    raise Stopped
