# SPDX-License-Identifier: Apache-2.0
"""The benchmark of many lists finds more in more of them, alone and among others."""

import argparse

from vecbench import manylists
from vecbench.__main__ import numbers


def test_more_lists_find_more():
    parser = argparse.ArgumentParser()
    manylists.add_arguments(parser, numbers)
    options = parser.parse_args(["--data", "generated", "--rows", "4500", "--queries", "20", "--nlist", "4096", "--nprobe", "4,64"])
    run = manylists.run(options, lambda text: None)
    assert [one["engine"] for one in run["results"]] == manylists.ENGINES
    for one in run["results"]:
        few, many = one["points"]
        assert many["recall"] > few["recall"]
        assert few["alone_us"] > 0 and few["together_us"] > 0
    assert "vecstore" in manylists.text(run, markdown=False)
