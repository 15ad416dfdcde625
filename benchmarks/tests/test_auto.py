# The check of indexes that choose by themselves: one small run.
# SPDX-License-Identifier: Apache-2.0
import argparse

from vecbench import auto
from vecbench.__main__ import numbers


def test_a_small_run_keeps_recall_and_budget_over_data_of_some_sorts():
    parser = argparse.ArgumentParser()
    auto.add_arguments(parser, numbers)
    words = ["--rows", "9000", "--queries", "200", "--cases", "clusters,bytes,few", "--targets", "0.9"]
    run = auto.run(parser.parse_args(words), lambda text: None)
    assert len(run["results"]) == 3 * len(auto.BUDGETS)
    assert all(one["ok"] for one in run["results"])
    assert {one["chosen"].split(",")[0] for one in run["results"]} >= {"flat", "hnsw", "ivf"}
    assert "MISSED" not in auto.text(run, markdown=False)
