# How long a collection lives, and who may use it: objects, threads, processes.
# SPDX-License-Identifier: Apache-2.0
import copy
import gc
import pickle
import resource
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import vecstore
from vecstore import Collection, Field, _ffi_collection


def uses(collection):
    """Every call that needs an open collection."""
    return {
        "len": lambda: len(collection),
        "in": lambda: 0 in collection,
        "upsert": lambda: collection.upsert([1], [[1, 1]]),
        "update_vectors": lambda: collection.update_vectors([0], [[1, 1]]),
        "remove": lambda: collection.remove([0]),
        "remove by filter": lambda: collection.remove(filter={}),
        "set_payload": lambda: collection.set_payload({}, [0]),
        "merge_payload": lambda: collection.merge_payload({}, [0]),
        "delete_payload_keys": lambda: collection.delete_payload_keys(["a"], [0]),
        "create_payload_index": lambda: collection.create_payload_index("n", "integer"),
        "drop_payload_index": lambda: collection.drop_payload_index("n"),
        "count": collection.count,
        "get": lambda: collection.get([0]),
        "scroll": lambda: collection.scroll(),
        "scroll in an order": lambda: collection.scroll(order_by="n"),
        "search": lambda: collection.search([0, 0]),
        "search_text": lambda: collection.search_text("spot"),
        "search_hybrid": lambda: collection.search_hybrid([0, 0], "spot"),
        "search_groups": lambda: collection.search_groups([0, 0], "n"),
        "recommend": lambda: collection.recommend([0]),
        "explain": lambda: collection.explain([0, 0]),
        "distinct": lambda: collection.distinct("n"),
        "facet": lambda: collection.facet("n"),
        "refresh": collection.refresh,
        "revision": collection.revision,
        "import_redis": lambda: collection.import_redis("redis://localhost:1", prefix=""),
        "export_redis": lambda: collection.export_redis("redis://localhost:1", prefix=""),
        "snapshot": lambda: collection.snapshot(collection.path + "-copy"),
        "optimize": collection.optimize,
        "compact": collection.compact,
        "repair": collection.repair,
        "verify": collection.verify,
        "describe": collection.describe,
        "with": collection.__enter__,
    }


def test_a_closed_collection_refuses_every_use(spots):
    spots.close()
    for name, use in uses(spots).items():
        with pytest.raises(vecstore.InvalidHandleError, match="^the collection is closed$"):
            use()
            pytest.fail(name)


def test_closing_twice_does_nothing(spots):
    assert not spots.closed
    spots.close()
    spots.close()
    assert spots.closed
    assert repr(spots) == f"<vecstore.Collection {spots.path!r}, closed>"
    assert spots.vector_names == [""] and not spots.read_only


def test_a_closed_collection_may_be_opened_again(spots):
    spots.close()
    with Collection.open(spots.path) as again:
        assert len(again) == 10


def test_a_with_block_closes_even_after_an_exception(tmp_path):
    with pytest.raises(RuntimeError):
        with Collection.create(tmp_path / "c", dim=1) as collection:
            raise RuntimeError
    assert collection.closed


def test_it_is_closed_with_the_object(tmp_path):
    collection = Collection.create(tmp_path / "c", dim=1)
    handle = collection._handle
    del collection
    gc.collect()
    with pytest.raises(vecstore.InvalidHandleError):
        _ffi_collection.count(handle, None)
    Collection.open(tmp_path / "c").close()


def test_scrolling_ends_where_the_collection_is_closed(spots):
    points = spots.scroll(page_size=2)
    assert [next(points).id, next(points).id] == [0, 1]
    spots.close()
    with pytest.raises(vecstore.InvalidHandleError):
        next(points)


def test_hits_and_points_outlive_the_collection(spots):
    hits = spots.search([3, 0], 2, with_vector=True)
    (point,) = spots.get(4, with_vector=True)
    spots.close()
    gc.collect()
    assert [hit.payload["n"] for hit in hits] == [3, 2] and hits[1].vector.tolist() == [2, 0]
    assert point.payload["n"] == 4 and point.vector.tolist() == [4, 0]


@pytest.mark.parametrize("copying", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_collection_cannot_be_pickled_or_copied(spots, copying):
    with pytest.raises(TypeError, match="open its directory again"):
        copying(spots)


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def test_searches_and_errors_leave_no_memory_behind(spots):
    query = np.array([3, 0], dtype=np.float32)
    odd = Field("parity") == "odd"

    def calls():
        spots.search(query, 3, with_vector=True)[0].payload
        spots.search(query, 3, filter=odd)
        spots.get([1, "x"], with_vector=True)
        list(spots.scroll(page_size=5))
        for bad in (lambda: spots.search(query, 3, filter="{"), lambda: spots.search([1, 2, 3])):
            with pytest.raises(vecstore.InvalidArgumentError):
                bad()

    for _ in range(500):
        calls()
    gc.collect()
    before = resident_bytes()
    for _ in range(5000):
        calls()
    gc.collect()
    assert resident_bytes() - before < 4 << 20


# ----------------------------------------------------------------------------------------------------------------------
# Threads
# ----------------------------------------------------------------------------------------------------------------------


def test_many_threads_get_the_same_answers(tmp_path, rng):
    rows = rng.standard_normal((2000, 16)).astype(np.float32)
    with Collection.create(tmp_path / "c", dim=16, durability="none") as collection:
        collection.upsert(np.arange(2000), rows, [{"n": n} for n in range(2000)])

        def answers(_):
            found = collection.search(rows[:20], 5, filter=Field("n") < 1000, threads=1)
            return [[(hit.id, hit.distance, hit.payload["n"]) for hit in hits] for hits in found]

        expected = answers(0)
        with ThreadPoolExecutor(8) as pool:
            assert all(found == expected for found in pool.map(answers, range(40)))


def test_searches_run_beside_writes_and_see_whole_ones(spots):
    """Each write gives all ten points the same payload: no search may see two."""
    done = threading.Event()

    def write():
        try:
            for round in range(40):
                spots.upsert(range(10), [[n, 0] for n in range(10)], [{"round": round}] * 10)
                spots.upsert([f"extra {round}"], [[1000, 0]])
        finally:
            done.set()

    def read(_):
        while not done.is_set():
            assert {hit.id for hit in spots.search([0, 0], 10, max_distance=100)} <= set(range(10))
            rounds = {point.payload.get("round") for point in spots.get(range(10))}
            assert len(rounds) == 1
            assert len(spots) >= 10

    with ThreadPoolExecutor(4) as pool:
        reads = [pool.submit(read, i) for i in range(3)]
        pool.submit(write).result()
        for one in reads:
            one.result()
    assert len(spots) == 50
    spots.verify()


def test_writers_take_turns(tmp_path):
    with Collection.create(tmp_path / "c", dim=1, metric="l2sq", durability="none") as collection:

        def write(worker):
            for i in range(20):
                collection.upsert([f"{worker}-{i}-{j}" for j in range(5)], [[j] for j in range(5)])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(6)))
        assert len(collection) == 600
        collection.verify()


def test_closing_beside_calls_ends_them_cleanly(spots):
    started = threading.Barrier(4)

    def call_until_closed(write):
        started.wait()
        while True:
            try:
                if write:
                    spots.upsert([3], [[3, 0]], [{"n": 3}])
                assert spots.search([3, 0], 1)[0].id == 3
            except vecstore.InvalidHandleError:
                return "closed"

    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(call_until_closed, i == 0) for i in range(3)]
        started.wait()
        spots.close()
        assert [call.result() for call in calls] == ["closed"] * 3
    with Collection.open(spots.path) as again:
        again.verify()


def test_a_reader_follows_a_writer_when_it_refreshes(spots):
    with Collection.open(spots.path, read_only=True) as reader:
        assert reader.refresh() is False
        spots.upsert(["new", 3], [[3, 0], [30, 0]], [{"n": 100}, {"n": 3}])
        spots.remove([0])
        assert reader.refresh() is True
        assert len(reader) == 10 and "new" in reader and 0 not in reader
        assert [hit.id for hit in reader.search([3, 0], 1)] == ["new"]
        assert reader.count(Field("n") == 100) == 1
        assert reader.refresh() is False
        reader.verify()
    assert spots.refresh() is False


# ----------------------------------------------------------------------------------------------------------------------
# Copies
# ----------------------------------------------------------------------------------------------------------------------


def test_a_snapshot_is_a_collection_of_its_own(spots, tmp_path):
    told = []
    spots.snapshot(tmp_path / "copy", progress=lambda done, total: told.append((done, total)))
    spots.remove([3])
    assert told and told[-1][0] == told[-1][1]
    with Collection.open(tmp_path / "copy") as copied:
        assert len(copied) == 10 and copied.search([3, 0], 1)[0].payload["n"] == 3
        copied.upsert(99, [0, 0])
    assert 99 not in spots


def test_a_collection_is_restored_from_a_snapshot(spots, tmp_path):
    spots.snapshot(tmp_path / "copy")
    Collection.restore(tmp_path / "copy", tmp_path / "restored")
    with Collection.open(tmp_path / "restored") as restored:
        assert [point.id for point in restored.scroll()] == list(range(10))
        restored.verify()


def test_what_is_wrong_with_a_copy_is_told(spots, tmp_path):
    with pytest.raises(vecstore.AlreadyExistsError):
        spots.snapshot(spots.path)
    with pytest.raises(FileNotFoundError):
        spots.snapshot(tmp_path / "no" / "parent")
    with pytest.raises(FileNotFoundError):
        Collection.restore(tmp_path / "nothing", tmp_path / "restored")
    with pytest.raises(vecstore.CancelledError):
        spots.snapshot(tmp_path / "copy", progress=lambda done, total: False)
    with pytest.raises(ZeroDivisionError):
        spots.snapshot(tmp_path / "copy", progress=lambda done, total: 1 // 0)
    with pytest.raises(TypeError, match="progress"):
        spots.snapshot(tmp_path / "copy", progress=3)
    assert not (tmp_path / "copy").exists() and not (tmp_path / "restored").exists()


# ----------------------------------------------------------------------------------------------------------------------
# Processes
# ----------------------------------------------------------------------------------------------------------------------

FORK = """
    import gc, os, sys
    import vecstore

    collection = vecstore.Collection.create(sys.argv[1], dim=2, metric="l2sq")
    other = vecstore.Collection.create(sys.argv[1] + " too", dim=2, metric="l2sq")
    collection.upsert([1, 2], [[1, 0], [2, 0]])
    child = os.fork()
    if child == 0:
        for call in (
            lambda: collection.search([0, 0]),
            lambda: len(collection),
            lambda: collection.upsert([3], [[0, 0]]),
        ):
            try:
                call()
            except vecstore.InvalidHandleError as error:
                assert "fork" in str(error)
            else:
                os._exit(1)
        with vecstore.Collection.open(sys.argv[1], read_only=True) as mine:
            assert len(mine) == 2
        collection.close()
        assert collection.closed
        del other
        gc.collect()
        sys.exit(0)  # an ordinary end, with what that cleans up
    _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, status
    collection.upsert([3], [[3, 0]])
    assert [hit.id for hit in collection.search([0, 0])] == [1, 2, 3]
    collection.verify()
    print("as before")
"""


def run(script, path, environment):
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(script), str(path)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_a_forked_child_opens_it_for_itself(tmp_path, package_environment):
    ran = run(FORK, tmp_path / "c", package_environment)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "as before\n", "")
    with Collection.open(tmp_path / "c") as collection:
        assert len(collection) == 3


END = """
    import sys
    import numpy as np
    import vecstore

    collection = vecstore.Collection.create(sys.argv[1], dim=8, kind="hnsw", durability="none")
    collection.upsert(np.arange(5000), np.random.default_rng(1).standard_normal((5000, 8)))
"""


def test_the_end_of_a_process_closes_what_nobody_closed(tmp_path, package_environment):
    ran = run(END, tmp_path / "c", package_environment)
    assert (ran.returncode, ran.stderr) == (0, "")
    with Collection.open(tmp_path / "c") as collection:
        assert len(collection) == 5000
        collection.verify()


KILLED = """
    import os, sys
    import vecstore

    collection = vecstore.Collection.create(sys.argv[1], dim=2, metric="l2sq")
    for i in range(10):
        collection.upsert([i], [[i, 0]], [{"i": i}])
    os.kill(os.getpid(), 9)
"""


def test_what_was_written_survives_the_end_of_a_process(tmp_path, package_environment):
    assert run(KILLED, tmp_path / "c", package_environment).returncode == -9
    with Collection.open(tmp_path / "c") as collection:
        assert [point.payload["i"] for point in collection.scroll()] == list(range(10))
        collection.verify()


INTERRUPTED = """
    import os, signal, sys, threading
    import numpy as np
    import vecstore

    signal.signal(signal.SIGINT, signal.default_int_handler)
    collection = vecstore.Collection.create(
        sys.argv[1], dim=64, kind="hnsw", ef_construction=400, durability="none", index_threads=1)
    collection.upsert(np.arange(40_000), np.random.default_rng(1).standard_normal((40_000, 64)))
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        collection.optimize()
    except KeyboardInterrupt:
        print("stopped", len(collection))
"""


def test_ctrl_c_ends_optimize(tmp_path, package_environment):
    ran = run(INTERRUPTED, tmp_path / "c", package_environment)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "stopped 40000\n", "")


LOCK = """
    import sys
    import vecstore

    try:
        vecstore.Collection.open(sys.argv[1])
    except vecstore.LockedError:
        with vecstore.Collection.open(sys.argv[1], read_only=True) as reader:
            print("locked,", len(reader), "points to read")
"""


def test_another_process_may_read_but_not_write(spots, package_environment):
    ran = run(LOCK, spots.path, package_environment)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "locked, 10 points to read\n", "")
