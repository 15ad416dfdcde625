# How long a semantic cache lives, and who may use it: objects, threads, processes.
# SPDX-License-Identifier: Apache-2.0
import copy
import gc
import pickle
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from reference import direction
from test_collection_lifetime import resident_bytes

import vecstore
from vecstore import SemanticCache, _ffi_cache


def uses(cache):
    """Every call that needs an open cache."""
    return {
        "len": lambda: len(cache),
        "with": lambda: cache.__enter__(),
        "set": lambda: cache.set("a", "", [1, 0]),
        "set_many": lambda: cache.set_many(["a"], [""], [[1, 0]]),
        "get": lambda: cache.get("a"),
        "get_similar": lambda: cache.get_similar(vector=[1, 0]),
        "get_or_set": lambda: cache.get_or_set("a", str, vector=[1, 0]),
        "delete": lambda: cache.delete([]),
        "delete_where": lambda: cache.delete_where({}),
        "clear": cache.clear,
        "feedback": lambda: cache.feedback("0" * 32),
        "stats": cache.stats,
        "metrics": cache.metrics,
        "cache_metrics": lambda: vecstore.cache_metrics([cache]),
        "flush": cache.flush,
        "optimize": cache.optimize,
    }


def test_a_closed_cache_refuses_every_use(cache):
    cache.close()
    for name, use in uses(cache).items():
        with pytest.raises(vecstore.InvalidHandleError, match="^the cache is closed$"):
            use()
            pytest.fail(name)
    assert cache.health() == {
        "status": "failed",
        "reasons": [{"code": "closed", "status": "failed", "message": "the cache is closed"}],
    }


def test_closing_twice_does_nothing(cache):
    cache.close()
    cache.close()
    assert cache.closed and repr(cache).endswith(", closed>")


def test_a_directory_and_a_redis_keep_what_memory_forgets(place, namespace):
    with SemanticCache(place, namespace=namespace, dim=2) as cache:
        cache.set("a", "b", direction(0), {"n": 1})
    with SemanticCache(place, namespace=namespace, dim=2) as again:
        hit = again.get("x", direction(3))
        assert (hit is None) if place == "memory:" else (hit.response, hit.metadata) == ("b", {"n": 1})


def test_a_directory_is_of_one_cache_at_a_time(tmp_path):
    with SemanticCache(tmp_path, namespace="n", dim=2):
        with pytest.raises(vecstore.LockedError):
            SemanticCache(tmp_path, namespace="n", dim=2)
    SemanticCache(tmp_path, namespace="n", dim=2).close()


def test_it_is_closed_with_the_object(tmp_path):
    cache = SemanticCache(tmp_path, namespace="n", dim=2)
    handle = cache._handle
    del cache
    gc.collect()
    with pytest.raises(vecstore.InvalidHandleError):
        _ffi_cache.stats(handle)
    SemanticCache(tmp_path, namespace="n", dim=2).close()


def test_hits_outlive_the_cache_and_can_be_pickled(cache):
    cache.set("a", "b", direction(0), {"n": 1})
    hit = cache.get("x", direction(3))
    cache.close()
    gc.collect()
    again = pickle.loads(pickle.dumps(hit))
    assert again == hit and again.response == "b" and again.metadata == {"n": 1}


def test_a_hit_does_not_change(cache):
    cache.set("a", "b", direction(0))
    with pytest.raises(AttributeError):
        cache.get("a").response = "c"


@pytest.mark.parametrize("copying", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_cache_cannot_be_pickled_or_copied(cache, copying):
    with pytest.raises(TypeError, match="open it again"):
        copying(cache)


def test_lookups_and_errors_leave_no_memory_behind():
    with SemanticCache("memory:", namespace="n", dim=2, max_entries=10) as cache:
        row = np.array(direction(0), dtype=np.float32)

        def calls():
            cache.set_many(["a", "b"], ["1" * 1000, "2"], [row, row], [{"n": 1}, None])
            cache.get("a").metadata
            cache.get_similar(vector=row, filter={"must": [{"key": "n", "match": {"value": 1}}]})
            cache.get(vector=-row)
            with pytest.raises(vecstore.InvalidArgumentError):
                cache.get(vector=row, filter="{")

        for _ in range(1000):
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


def test_threads_find_what_they_have_set(cache):
    def work(worker):
        for i in range(50):
            prompt = f"{worker}-{i}"
            id = cache.set(prompt, prompt, direction(worker * 40 + i / 50), {"worker": worker})
            assert cache.get(prompt).id == id
            assert cache.get(vector=direction(worker * 40), filter={"must": [{"key": "worker", "match": {"value": worker}}]})
        return cache.delete_where({"must": [{"key": "worker", "match": {"value": worker}}]}, dry_run=True)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [50] * 8
    assert len(cache) == 400


def test_an_entry_is_found_all_the_while_it_is_set_again(cache):
    same = {"must": [{"key": "n", "match": {"value": 1}}]}
    cache.set("a", "b", direction(0), {"n": 1})
    done = threading.Event()

    def write():
        try:
            for _ in range(60):
                cache.set("a", "b", direction(0), {"n": 1})
                time.sleep(0.02)
        finally:
            done.set()

    def read(filter):
        while not done.is_set():
            assert cache.get("a", filter=filter) is not None
            assert cache.get(vector=direction(1), filter=filter) is not None

    with ThreadPoolExecutor(3) as pool:
        for call in [pool.submit(read, same), pool.submit(read, None), pool.submit(write)]:
            call.result()


def test_closing_beside_calls_ends_them_cleanly(cache):
    started = threading.Barrier(4)

    def call_until_closed(writes):
        started.wait()
        while True:
            try:
                if writes:
                    cache.set("a", "b", direction(0))
                cache.get("a", direction(0))
            except vecstore.InvalidHandleError:
                return "closed"

    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(call_until_closed, i == 0) for i in range(3)]
        started.wait()
        cache.close()
        assert [call.result() for call in calls] == ["closed"] * 3


# ----------------------------------------------------------------------------------------------------------------------
# Processes
# ----------------------------------------------------------------------------------------------------------------------

FORK = """
    import gc, os, sys
    import vecstore

    url = sys.argv[1]
    cache = vecstore.SemanticCache(url, namespace="fork", dim=2)
    other = vecstore.SemanticCache("memory:", namespace="fork", dim=2)
    cache.set("a", "b", [1, 0])
    child = os.fork()
    if child == 0:
        for call in (lambda: cache.get("a"), lambda: len(cache), lambda: cache.set("c", "d", [1, 0]), other.clear):
            try:
                call()
            except vecstore.InvalidHandleError as error:
                assert "fork" in str(error)
            else:
                os._exit(1)
        assert cache.health()["status"] == "failed"
        if "://" in url:
            with vecstore.SemanticCache(url, namespace="fork", dim=2) as mine:
                assert mine.get("a").response == "b"
                mine.set("of the child", "", [1, 0])
        cache.close()
        assert cache.closed
        del other
        gc.collect()
        sys.exit(0)  # an ordinary end, with what that cleans up
    _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, status
    assert cache.get("a").response == "b" and cache.set("e", "f", [0, 1])
    print("as before")
"""

END = """
    import sys
    import vecstore

    cache = vecstore.SemanticCache(sys.argv[1], namespace="end", dim=2)
    for i in range(100):
        cache.set(str(i), "", [1, i])
"""


def run(script, place, environment):
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(script), str(place)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_a_forked_child_opens_it_for_itself(place, package_environment):
    ran = run(FORK, place, package_environment)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "as before\n", "")


def test_the_end_of_a_process_closes_what_nobody_closed(place, package_environment):
    ran = run(END, place, package_environment)
    assert (ran.returncode, ran.stderr) == (0, "")
    with SemanticCache(place, namespace="end", dim=2) as again:
        assert len(again) == (0 if place == "memory:" else 100)
