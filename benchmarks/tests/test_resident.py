# The benchmark of what lies in memory: one small run.
# SPDX-License-Identifier: Apache-2.0
import argparse

from vecbench import resident
from vecbench.__main__ import numbers


def test_a_small_run_reaches_the_recall_and_tells_what_lies_in_memory():
    parser = argparse.ArgumentParser()
    resident.add_arguments(parser, numbers)
    options = parser.parse_args(["--data", "generated", "--rows", "2000", "--queries", "50", "--assignments", "2", "--nlist", "32"])
    run = resident.run(options, lambda text: None)
    (found,) = run["results"]
    assert found["recall"] >= 0.95
    assert set(found["pages"]) >= {"codes", "centroids", "ids", "rows"}
    # All codes are read in the end, rows only where they are ranked.
    assert 0 < found["pages"]["codes"] * resident.PAGE / 2000 < 300
    assert "codes" in resident.text(run, markdown=False)
