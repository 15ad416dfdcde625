# The semantic cache for asyncio: the same cache, awaited.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import gc
import inspect
import os
import threading
import time

import numpy as np
import pytest
from reference import direction
from test_cache_encoders import Encoder
from test_cache_lifetime import uses

import vecstore
from vecstore import AsyncSemanticCache, Field, RedisOptions, SemanticCache


def run(main):
    return asyncio.run(asyncio.wait_for(main, 60))


@pytest.fixture
def options(namespace):
    return {"namespace": namespace, "dim": 2}


def test_has_the_calls_of_the_other_with_the_same_arguments():
    own = {"open", "over"}
    for name, method in inspect.getmembers(AsyncSemanticCache, inspect.isfunction):
        if name.startswith("_") or name in own:
            continue
        assert inspect.iscoroutinefunction(method) or name == "cached", name
        other = inspect.signature(getattr(SemanticCache, name))
        assert list(inspect.signature(method).parameters.values())[0].name == "self"
        assert {p.name: p.default for p in inspect.signature(method).parameters.values()} == {
            p.name: p.default for p in other.parameters.values()
        }, name
    missing = {name for name, _ in inspect.getmembers(SemanticCache, inspect.isfunction) if not name.startswith("_")}
    assert missing <= set(dir(AsyncSemanticCache))
    made = inspect.signature(AsyncSemanticCache).parameters
    assert [name for name in made if name != "threads"] == list(inspect.signature(SemanticCache).parameters)


def test_does_what_the_other_does(place, options):
    async def main():
        async with AsyncSemanticCache(place, **options) as cache:
            id = await cache.set("a", "1", direction(0), {"n": 1}, ttl=60, cost=2)
            ids = await cache.set_many(["b", "c"], ["2", "3"], [direction(90), direction(180)])
            assert (await cache.get("a")).id == id
            assert (await cache.get("x", direction(91))).response == "2"
            assert [hit.prompt for hit in await cache.get(vector=direction(45), threshold=0, k=3)] == ["a", "b"]
            assert [hit.prompt for hit in await cache.get_similar(vector=direction(179))] == ["c"]
            assert await cache.get("a", filter=Field("n") == 2) is None
            await cache.feedback(await cache.get("x", direction(20)))
            assert await cache.get("x", direction(20)) is None
            assert await cache.delete(ids[0]) == 1
            assert await cache.delete_where(Field("n") == 1, dry_run=True) == 1
            assert await cache.delete_where(Field("n") == 1) == 1
            await cache.flush()
            await cache.optimize()
            assert (await cache.health())["status"] == "ok"
            assert "vecstore_cache_lookups_total" in await cache.metrics()
            assert (await cache.stats()).sets == 3
            assert vecstore.cache_metrics([cache]) != ""
            assert await cache.clear() == 1

    run(main())


# C1: paths for threads and for asyncio that had thresholds on two scales.
def test_c1_both_kinds_find_the_same_at_every_threshold(place, options):
    async def main(sync):
        cache = AsyncSemanticCache.over(sync)
        for degrees in range(0, 181, 12):
            row = direction(degrees)
            for threshold in (-1, -0.5, 0, 0.3, 0.85, 0.999, 1):
                expected = sync.get(vector=row, threshold=threshold, k=10)
                assert await cache.get(vector=row, threshold=threshold, k=10) == expected
                assert await cache.get(vector=row, distance=1 - threshold, k=10) == expected
                assert await cache.get_similar(vector=row, threshold=threshold) == expected
                assert all(hit.similarity >= threshold - 1e-6 for hit in expected)
            assert await cache.get(vector=row) == sync.get(vector=row)

    with SemanticCache(place, **options) as sync:
        sync.set_many(map(str, range(0, 180, 20)), [""] * 9, [direction(d) for d in range(0, 180, 20)])
        # Hits of one moment: ages differ otherwise.
        fixed = time.time()
        original, time.time = time.time, lambda: fixed
        try:
            run(main(sync))
        finally:
            time.time = original


def test_one_cache_serves_both_kinds(options):
    async def main(sync):
        cache = AsyncSemanticCache.over(sync)
        await cache.set("a", "1", direction(0))
        assert sync.get("a").response == "1"
        sync.set("b", "2", direction(90))
        assert (await cache.get("b")).response == "2"
        assert repr(cache) == repr(sync).replace("SemanticCache", "AsyncSemanticCache")
        await cache.close()
        assert sync.closed
        with pytest.raises(vecstore.InvalidHandleError):
            await cache.get("a")

    run(main(SemanticCache("memory:", **options)))
    with pytest.raises(TypeError, match="SemanticCache"):
        AsyncSemanticCache.over(3)


# ----------------------------------------------------------------------------------------------------------------------
# Beginning and end
# ----------------------------------------------------------------------------------------------------------------------


def test_the_first_call_opens_it(place, options):
    async def main():
        cache = AsyncSemanticCache(place, **options)
        assert repr(cache) == "<vecstore.AsyncSemanticCache, not open yet>"
        found = await asyncio.gather(*(cache.get("a") for _ in range(20)))
        assert found == [None] * 20
        assert (await cache.stats()).misses == 20, "there is one cache"
        await cache.close()

    run(main())


def test_what_is_wrong_with_options_is_told_at_once(namespace):
    with pytest.raises(vecstore.InvalidArgumentError, match="dim is missing"):
        AsyncSemanticCache("memory:", namespace=namespace)
    with pytest.raises(vecstore.InvalidArgumentError, match="threads"):
        AsyncSemanticCache("memory:", namespace=namespace, dim=2, threads=0)


def test_an_opening_that_fails_is_told_to_all_and_tried_again(tmp_path, options):
    async def main():
        cache = AsyncSemanticCache(tmp_path, **options)
        with SemanticCache(tmp_path, **options):
            told = await asyncio.gather(*(cache.get("a") for _ in range(5)), return_exceptions=True)
            assert [type(error) for error in told] == [vecstore.LockedError] * 5
            with pytest.raises(vecstore.LockedError):
                await cache.open()
        assert await cache.open() is cache
        assert await cache.get("a") is None
        await cache.close()

    run(main())


def test_a_closed_cache_refuses_every_use(options):
    async def refused(cache):
        calls = {name: use for name, use in uses(cache).items() if name not in ("len", "with", "cache_metrics")}
        for name, use in {**calls, "async with": cache.__aenter__}.items():
            with pytest.raises(vecstore.InvalidHandleError, match="closed"):
                await use()
                pytest.fail(name)
        with pytest.raises(vecstore.InvalidHandleError, match="closed"):
            vecstore.cache_metrics([cache])

    async def main():
        async with AsyncSemanticCache("memory:", **options) as cache:
            await cache.set("a", "", direction(0))
        await refused(cache)
        assert (await cache.health())["status"] == "failed"
        await cache.close()
        unopened = AsyncSemanticCache("memory:", **options)
        with pytest.raises(vecstore.InvalidHandleError, match="not open yet"):
            vecstore.cache_metrics([unopened])
        await unopened.close()
        await refused(unopened)

    run(main())


def test_it_is_closed_with_the_object(tmp_path, options):
    async def main():
        cache = AsyncSemanticCache(tmp_path, **options)
        await cache.set("a", "", direction(0))

    run(main())
    end = time.monotonic() + 10
    while True:
        # The thread that did the last call may be about to let go of it.
        gc.collect()
        try:
            SemanticCache(tmp_path, **options).close()
            break
        except vecstore.LockedError:
            assert time.monotonic() < end
            time.sleep(0.01)


def test_it_may_be_used_from_several_event_loops(place, options):
    cache = AsyncSemanticCache(place, **options)
    run(cache.set("a", "1", direction(0)))
    assert run(cache.get("a")).response == "1"
    found = []
    threads = [threading.Thread(target=lambda: found.append(run(cache.get("a")).response)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["1"] * 4
    run(cache.close())


def test_a_forked_child_is_told_so(options):
    cache = AsyncSemanticCache("memory:", **options)
    run(cache.set("a", "1", direction(0)))
    child = os.fork()
    if child == 0:
        try:
            run(cache.get("a"))
        except vecstore.InvalidHandleError:
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert run(cache.get("a")).response == "1"
    run(cache.close())


# ----------------------------------------------------------------------------------------------------------------------
# The event loop goes on
# ----------------------------------------------------------------------------------------------------------------------


def test_the_event_loop_goes_on_while_a_server_does_not_answer(redis, options):
    async def main():
        timeouts = RedisOptions(command_timeout=0.5)
        async with AsyncSemanticCache(redis.url, **options, redis=timeouts) as cache:
            await cache.set("a", "1", direction(0))
            redis.pause()
            call = asyncio.ensure_future(cache.get("a"))
            ticks = 0
            while not call.done():
                await asyncio.sleep(0.01)
                ticks += 1
            assert ticks > 5 and await call is None
            redis.resume()

    run(main())


# C11: errors that the asynchronous path swallowed.
def test_c11_errors_are_raised_where_they_are_awaited(redis, options):
    async def main():
        async with AsyncSemanticCache(redis.url, **options, fail_closed=True, redis=RedisOptions(command_timeout=0.5)) as cache:
            await cache.set("a", "1", direction(0))
            with pytest.raises(vecstore.InvalidArgumentError):
                await cache.get("a", filter="{")
            redis.kill()
            with pytest.raises(vecstore.UnavailableError):
                await cache.get("a")
            stats = await cache.stats()
            assert stats.store_errors > 0 and stats.last_error is not None
            end = time.monotonic() + 10
            while (await cache.health())["status"] == "ok":
                assert time.monotonic() < end
                await asyncio.sleep(0.01)
            redis.start()

    run(main())


def test_a_call_that_is_cancelled_leaves_nothing_broken(redis, options):
    async def main():
        async with AsyncSemanticCache(redis.url, **options, threads=1) as cache:
            await cache.set("a", "1", direction(0))
            redis.pause()
            calls = [asyncio.ensure_future(cache.get("a")) for _ in range(10)]
            await asyncio.sleep(0.05)
            for call in calls:
                call.cancel()
            assert all(isinstance(e, asyncio.CancelledError) for e in await asyncio.gather(*calls, return_exceptions=True))
            redis.resume()
            assert (await cache.get("a")).response == "1"

    run(main())


def test_many_tasks_find_what_they_have_set(place, options):
    async def work(cache, n):
        await cache.set(str(n), str(n), direction(n / 10))
        return (await cache.get(str(n))).response

    async def main():
        async with AsyncSemanticCache(place, **options) as cache:
            assert await asyncio.gather(*(work(cache, n) for n in range(300))) == [str(n) for n in range(300)]

    run(main())


# ----------------------------------------------------------------------------------------------------------------------
# Encoders and makers
# ----------------------------------------------------------------------------------------------------------------------


class AsyncEncoder(Encoder):
    async def __call__(self, texts):
        await asyncio.sleep(0.001)
        return super().__call__(texts)


class HiddenAsyncEncoder(Encoder):
    """Looks like a function, and returns what has to be awaited."""

    def __call__(self, texts):
        async def encode():
            return Encoder.__call__(self, texts)

        return encode()


@pytest.mark.parametrize("kind", [Encoder, AsyncEncoder, HiddenAsyncEncoder])
def test_an_encoder_may_be_awaited(namespace, kind):
    async def main():
        encoder = kind()
        async with AsyncSemanticCache("memory:", namespace=namespace, encoder=encoder) as cache:
            assert len(encoder.asked) == 1, "to learn the dim"
            await cache.set("10", "ten")
            await cache.set_many(["90", "91"], ["", ""])
            assert (await cache.get("12")).response == "ten"
            assert (await cache.get("10")).tier == "exact"
            assert encoder.asked[1:] == [["10"], ["90", "91"], ["12"]]

    run(main())


def test_an_encoder_that_blocks_does_not_hold_up_others(options):
    def slow(texts):
        time.sleep(0.3)
        return np.ones((len(texts), 2))

    async def main():
        async with AsyncSemanticCache("memory:", **options, encoder=slow, threads=1) as cache:
            call = asyncio.ensure_future(cache.set("a", "1"))
            await asyncio.sleep(0.01)
            assert await cache.get("a", direction(0)) is None
            assert not call.done()
            await call

    run(main())


def test_tasks_wait_for_the_one_that_makes_it(place, options):
    async def main():
        async with AsyncSemanticCache(place, **options) as cache:
            made = []

            async def make(prompt):
                made.append(prompt)
                await asyncio.sleep(0.1)
                return "b"

            calls = [cache.get_or_set("a", make, vector=direction(0), ttl=60) for _ in range(10)]
            assert await asyncio.gather(*calls) == ["b"] * 10
            assert made == ["a"] and (await cache.stats()).sets == 1
            assert cache._flights._running == {}

    run(main())


def test_a_maker_may_be_a_plain_function(options):
    async def main():
        async with AsyncSemanticCache("memory:", **options) as cache:
            assert await cache.get_or_set("a", lambda prompt: prompt * 2, vector=direction(0)) == "aa"
            with pytest.raises(ZeroDivisionError):
                await cache.get_or_set("b", lambda prompt: 1 // 0, vector=direction(90))
            with pytest.raises(vecstore.InvalidArgumentError, match="encoder"):
                await cache.get_or_set("c", str)

    run(main())


def test_a_maker_goes_on_while_anybody_waits(options):
    async def main():
        async with AsyncSemanticCache("memory:", **options) as cache:
            ended = []

            async def make(prompt):
                try:
                    await asyncio.sleep(0.1)
                    return "b"
                finally:
                    ended.append(asyncio.current_task().cancelled())

            first, second = (asyncio.ensure_future(cache.get_or_set("a", make, vector=direction(0))) for _ in range(2))
            await asyncio.sleep(0.02)
            first.cancel()
            assert await second == "b" and (await cache.get("a")).response == "b"

            begun = time.monotonic()
            alone = asyncio.ensure_future(cache.get_or_set("c", make, vector=direction(90)))
            await asyncio.sleep(0.02)
            alone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await alone
            await asyncio.sleep(0)
            assert len(ended) == 2 and time.monotonic() - begun < 0.09, "nobody wanted it any more"
            assert await cache.get("c") is None and cache._flights._running == {}
            assert await cache.get_or_set("c", make, vector=direction(90)) == "b"

    run(main())


def test_a_maker_that_asks_for_itself_does_not_wait_for_itself(options):
    async def main():
        async with AsyncSemanticCache("memory:", **options) as cache:

            async def make(prompt):
                return await cache.get_or_set(prompt, lambda _: "inner", vector=direction(0)) + " and outer"

            assert await cache.get_or_set("a", make, vector=direction(0)) == "inner and outer"

    run(main())


def test_a_decorator_does_the_same(namespace):
    async def main():
        cache = AsyncSemanticCache("memory:", namespace=namespace, encoder=Encoder())
        made = []

        @cache.cached(ttl=60)
        async def answer(prompt):
            made.append(prompt)
            return prompt * 2

        assert [await answer("10"), await answer("12"), await answer("80")] == ["1010", "1010", "8080"]
        assert made == ["10", "80"] and answer.__name__ == "answer"
        await cache.close()

    run(main())
