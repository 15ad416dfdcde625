# The benchmark runner: vecstore beside other vector libraries.
# SPDX-License-Identifier: Apache-2.0
"""Runs engines side by side, each in its own process, and reports what they did.

`__main__` reads the command line, `suite` says what is run, `child` and `worker` are the two ends of an engine's
process, `data` makes the input and the truth, `recall`, `stats` and `compare` are the arithmetic, `report` and `plot`
show the outcome.
"""
