# What the library tells of itself, and to whom.
# SPDX-License-Identifier: Apache-2.0
import logging
import subprocess
import sys
import threading

import pytest

import vecstore
from vecstore import Collection


@pytest.fixture
def heard():
    """(level, message) of everything that is told."""
    lines = []
    vecstore.set_log_callback(lambda level, message: lines.append((level, message)), "debug")
    yield lines
    vecstore.set_log_callback(None)
    vecstore.set_slow_call_threshold(None)


def test_is_told_of_what_no_call_returns(heard, tmp_path):
    with Collection.create(tmp_path / "c", dim=2, metric="l2sq", kind="hnsw") as c:
        c.upsert(range(2500), [[n, 0] for n in range(2500)])
        c.optimize()
        c.snapshot(tmp_path / "copy")
    assert any(level == "debug" and "c': opened for writing, 0 points" in message for level, message in heard)
    assert any(level == "info" and "saved the graph of the vector ''" in message for level, message in heard)
    assert any(level == "info" and "wrote a snapshot to" in message for level, message in heard)


def test_is_told_of_slow_calls(heard, spots):
    heard.clear()
    spots.count()
    assert heard == []
    vecstore.set_slow_call_threshold(1e-6)
    spots.verify()
    vecstore.set_slow_call_threshold(None)
    spots.verify()
    ((level, message),) = heard
    assert level == "warning" and "spots': verify took " in message and message.endswith(" ms")


def test_only_levels_that_matter_are_told(tmp_path, spots):
    lines = []
    vecstore.set_log_callback(lambda *line: lines.append(line), "warning")
    try:
        spots.snapshot(tmp_path / "copy")
        assert lines == []
    finally:
        vecstore.set_log_callback(None)


def test_messages_go_to_logging_where_that_is_wanted(caplog, tmp_path, spots):
    caplog.set_level(logging.DEBUG)
    spots.snapshot(tmp_path / "a")
    assert caplog.records == []
    vecstore.use_logging()
    try:
        spots.snapshot(tmp_path / "b")
        assert [(record.name, record.levelname) for record in caplog.records] == [("vecstore", "INFO")]
        assert "wrote a snapshot" in caplog.text
        caplog.clear()
        vecstore.use_logging(logging.getLogger("mine"), "warning")
        spots.snapshot(tmp_path / "c")
        vecstore.set_slow_call_threshold(1e-6)
        spots.verify()
        assert {record.name for record in caplog.records} == {"mine"}
    finally:
        vecstore.set_log_callback(None)
        vecstore.set_slow_call_threshold(None)


def test_what_a_callback_raises_goes_no_further(monkeypatch, tmp_path, spots):
    caught = []
    monkeypatch.setattr(sys, "unraisablehook", caught.append)
    vecstore.set_log_callback(lambda level, message: 1 / 0)
    try:
        spots.snapshot(tmp_path / "copy")
    finally:
        vecstore.set_log_callback(None)
    assert [one.exc_type for one in caught] == [ZeroDivisionError]


def test_a_callback_may_use_collections_and_take_itself_away(tmp_path, spots):
    calls = []

    def callback(level, message):
        calls.append(len(spots))
        spots.upsert([50], [[5, 5]])
        spots.snapshot(tmp_path / f"within-{len(calls)}")
        vecstore.set_log_callback(None)

    vecstore.set_log_callback(callback)
    spots.snapshot(tmp_path / "a")
    spots.snapshot(tmp_path / "b")
    assert calls == [10] and len(spots) == 11


def test_a_callback_may_be_changed_while_threads_work(spots):
    stop = threading.Event()
    vecstore.set_slow_call_threshold(1e-6)

    def work():
        while not stop.is_set():
            spots.count()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            mine = []
            vecstore.set_log_callback(lambda level, message, mine=mine: mine.append(message), "warning")
            vecstore.set_log_callback(None)
            count = len(mine)
            spots.count()
            assert len(mine) == count
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        vecstore.set_slow_call_threshold(None)


def test_the_end_of_the_process_is_told_to_nobody(package_environment, tmp_path):
    program = (
        "import vecstore\n"
        "vecstore.set_log_callback(lambda *line: None, 'debug')\n"
        f"c = vecstore.Collection.create({str(tmp_path / 'c')!r}, dim=2, metric='l2sq', kind='hnsw')\n"
        "c.upsert(range(5000), [[n, 0] for n in range(5000)])\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], env=package_environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize("arguments", [(5,), ("text",), (print, "loud"), (print, 3), (None, "loud")])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises((TypeError, ValueError)):
        vecstore.set_log_callback(*arguments)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), 1e-9, "long"])
def test_wrong_thresholds_are_refused(seconds):
    with pytest.raises((TypeError, ValueError)):
        vecstore.set_slow_call_threshold(seconds)


def test_a_threshold_of_centuries_is_one():
    vecstore.set_slow_call_threshold(1e300)
    vecstore.set_slow_call_threshold(None)
    with pytest.raises(TypeError):
        vecstore.use_logging(5)
