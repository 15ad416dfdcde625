# What the command line means.
# SPDX-License-Identifier: Apache-2.0
import pytest

from vecbench.__main__ import DEFAULTS, choose, command_line, fill_in


def options(*arguments):
    parsed = command_line().parse_args(arguments)
    fill_in(parsed)
    return parsed


@pytest.mark.parametrize("suite", DEFAULTS)
@pytest.mark.parametrize("more", [[], ["--quick"]])
def test_every_suite_has_all_it_needs_without_options(suite, more):
    found = options(suite, *more)
    needed = ["metrics", "threads", "repeats", "singles", "builds", "seconds", "queries", "build_threads"]
    assert [name for name in needed if getattr(found, name, None) is None] == (
        ["build_threads"] if suite == "exact" else []
    )
    assert choose(found)


def test_an_option_goes_before_the_defaults():
    assert options("ann", "--quick", "--m", "8", "--repeats", "7").m == [8]


def test_data_made_for_a_metric_is_searched_by_it():
    assert options("ann", "--data", "hard").metrics == ["l2sq"]
    assert options("ann", "--data", "norms").metrics == ["ip"]
    assert options("ann", "--data", "hard", "--metrics", "cosine").metrics == ["cosine"]
    assert len(options("exact", "--data", "generated").metrics) == 3


def test_filters_searches_with_the_defaults_of_an_index():
    found = options("filters")
    assert (found.m, found.ef_search) == ([16], [64])
    assert options("filters", "--selectivities", "0.5,20").selectivities == [0.5, 20.0]


def test_life_and_growth_are_about_our_graph_unless_asked_otherwise():
    assert {engine.name for engine in choose(options("life"))} == {"vecstore-hnsw"}
    assert {engine.name for engine in choose(options("growth"))} == {"vecstore-hnsw"}
    assert len(choose(options("growth", "--engines", "vecstore-hnsw,hnswlib"))) == 2


def test_life_does_the_steps_asked_for_in_their_order():
    assert options("life").steps == ["calls", "c", "threads", "files", "churn"]
    assert options("life", "--steps", "churn,files").steps == ["files", "churn"]
    with pytest.raises(SystemExit):
        options("life", "--steps", "churn,sleep")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["ann", "--ef-search", "5"], "ef_search must reach k"),
        (["filters", "--ef-search", "16,64"], "one ef_search"),
        (["filters", "--queries", "50"], "more queries than there are"),
        (["growth", "--rows", "1000"], "--sizes"),
        (["exact", "--k", "101"], "k must be at most"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(SystemExit, match=message):
        options(*arguments)


@pytest.mark.parametrize("arguments", [["filters", "--selectivities", "0,5"], ["filters", "--relations", "sideways"]])
def test_a_value_that_cannot_be_is_refused(arguments):
    with pytest.raises(SystemExit):
        options(*arguments)
