# SPDX-License-Identifier: Apache-2.0
"""The benchmark of the codes of lists finds more by finer codes, and by ranking."""

import argparse

from vecbench import listcodes
from vecbench.__main__ import numbers


def test_finer_codes_and_ranking_find_more():
    parser = argparse.ArgumentParser()
    listcodes.add_arguments(parser, numbers)
    options = parser.parse_args(["--data", "generated", "--rows", "2000", "--queries", "50", "--nlist", "16"])
    run = listcodes.run(options, lambda text: None)
    found = {one["code"]: one for one in run["results"]}
    assert found["int8"]["recall_of_all"] > found["int4"]["recall_of_all"] > found["binary bits=1"]["recall_of_all"]
    assert found["binary bits=1"]["recall_ranked"] > found["binary bits=1"]["recall_alone"]
    assert "int8" in listcodes.text(run, markdown=False)
