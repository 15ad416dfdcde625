# SPDX-License-Identifier: Apache-2.0
"""The benchmark of drift shows lists that stay, and lists that are split."""

import argparse

from vecbench import drift
from vecbench.__main__ import numbers


def test_lists_that_are_split_are_more_even_than_those_that_stay():
    parser = argparse.ArgumentParser()
    drift.add_arguments(parser, numbers)
    options = parser.parse_args(["--data", "generated", "--rows", "8000", "--queries", "50", "--nlist", "41"])
    run = drift.run(options, lambda text: None)
    found = {one["way"]: one for one in run["results"]}
    assert list(found) == list(drift.WAYS)
    assert found["split"]["imbalance"] < found["fixed"]["imbalance"]
    assert found["split"]["nprobe"] < found["fixed"]["nprobe"]
    assert found["all"]["recall"] >= 0.95
    assert "lists of the first fifth" in drift.text(run, markdown=False)
