# The benchmark of semantic caches: one small run of each way.
# SPDX-License-Identifier: Apache-2.0
import argparse

from vecbench import semanticcache
from vecbench.__main__ import numbers


def test_a_small_run_finds_what_is_there_in_each_way():
    parser = argparse.ArgumentParser()
    semanticcache.add_arguments(parser, numbers)
    options = parser.parse_args(["--data", "generated", "--rows", "1000", "--queries", "20", "--lookups", "50"])
    run = semanticcache.run(options, lambda text: None)
    assert [one["way"] for one in run["results"]] == list(semanticcache.WAYS)
    for one in run["results"]:
        assert one["misses"]["hit_rate"] == 0 and one["hits"]["hit_rate"] == 1 and one["near"]["hit_rate"] == 1
        assert one["misses"]["median"] > 0 and one["batches_per_second"] > 0 and one["redis_bytes"] > 1000
    of = {one["way"]: one for one in run["results"]}
    assert of["vecstore-c"]["misses"]["commands"] == 0 and of["vecstore-c"]["hits"]["commands"] == 1
    assert of["vecstore-c-kept"]["hits"]["commands"] == 0
    assert "a server that searches in no time" in semanticcache.text(run, markdown=False)
