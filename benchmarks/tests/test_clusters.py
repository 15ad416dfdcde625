# SPDX-License-Identifier: Apache-2.0
"""The benchmark of groups far apart shows what graphs find of them."""

import argparse

from vecbench import clusters
from vecbench.__main__ import numbers


def test_all_groups_are_found_in_either_order(monkeypatch):
    monkeypatch.setattr(clusters, "SIZES", [(1000, 20)])
    parser = argparse.ArgumentParser()
    clusters.add_arguments(parser, numbers)
    run = clusters.run(parser.parse_args(["--sets", "1", "--queries", "50"]), lambda text: None)
    assert [one["order"] for one in run["results"]] == ["any", "one after the other"]
    assert all(one["recall"]["vecstore"][0] >= 0.97 for one in run["results"])
    assert "one after the other" in clusters.text(run, markdown=False)
