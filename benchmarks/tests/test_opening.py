# The benchmark of opening: one small run, and a second one over what the first has made.
# SPDX-License-Identifier: Apache-2.0
import argparse

from vecbench import opening
from vecbench.__main__ import numbers


def test_a_small_run_opens_in_every_way(tmp_path):
    parser = argparse.ArgumentParser()
    opening.add_arguments(parser, numbers)
    arguments = ["--rows", "3000", "--dim", "8", "--repeats", "2", "--ids", "strings", "--folder", str(tmp_path)]
    options = parser.parse_args(arguments)
    for _ in range(2):
        run = opening.run(options, lambda text: None)
        assert [(one["before"], one["how"], len(one["times"])) for one in run["results"]] == [
            (before, how, 2) for before in ("closed", "killed") for how in ("read only", "for writing")
        ]
        assert all(each["open_ms"] > 0 for one in run["results"] for each in one["times"])
        assert "first search" in opening.text(run, markdown=False)
