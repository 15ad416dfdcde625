# The benchmark runner: vecstore beside other vector libraries.
# SPDX-License-Identifier: Apache-2.0
"""Runs engines side by side, each in its own process, and reports what they did.

`__main__` reads the command line, `suite` says what is run, `child` and `worker` are the two ends of an engine's
process, `data` makes the input and the truth and `synthetic` the vectors that are not real, `filters` and `life` are
suites of their own kind (`lifework` is what `life` does in the engine's process), `recall`, `stats` and `compare` are
the arithmetic, `report`, with `tables` and `suite_tables`, and `plot` show the outcome.
"""
