# Medians, percentiles and the reading of recall-QPS curves.
# SPDX-License-Identifier: Apache-2.0
import pytest

from vecbench.stats import front, percentile, qps_at_recall, spread


def test_spread_is_median_least_and_greatest():
    assert spread([5.0, 1.0, 3.0]) == (3.0, 1.0, 5.0)


def test_the_median_of_two_is_their_mean():
    assert spread([1.0, 2.0]).median == 1.5


def test_percentiles_do_not_need_sorted_values():
    assert percentile([4, 1, 3, 2, 5], 50) == 3


def test_percentiles_lie_between_the_nearest_values():
    assert percentile([0, 10], 95) == pytest.approx(9.5)


def test_percentiles_0_and_100_are_the_ends():
    assert percentile([3, 1, 2], 0) == 1
    assert percentile([3, 1, 2], 100) == 3


def test_a_single_value_is_every_percentile():
    assert percentile([7], 99) == 7


def test_the_front_leaves_out_points_that_another_beats_in_both():
    assert front([(0.8, 100), (0.9, 120), (0.95, 50), (0.95, 40)]) == [(0.9, 120), (0.95, 50)]


def test_qps_at_a_measured_recall_is_the_measured_one():
    assert qps_at_recall([(0.9, 100), (0.99, 10)], 0.99) == pytest.approx(10)


def test_between_points_the_logarithm_is_interpolated():
    assert qps_at_recall([(0.8, 1000), (1.0, 10)], 0.9) == pytest.approx(100)


def test_a_recall_that_is_never_reached_has_no_qps():
    assert qps_at_recall([(0.9, 100)], 0.95) is None
    assert qps_at_recall([], 0.5) is None


def test_below_the_lowest_recall_the_fastest_point_counts():
    assert qps_at_recall([(0.9, 100), (0.99, 10)], 0.5) == 100


def test_an_exact_engine_has_one_speed_at_every_recall():
    assert qps_at_recall([(1.0, 42)], 0.9) == 42
    assert qps_at_recall([(1.0, 42)], 1.0) == 42
