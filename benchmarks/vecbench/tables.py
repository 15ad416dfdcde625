# Tables as text, for a terminal or for Markdown, and what stands in their cells.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any, Optional

from . import stats


def name(result: dict[str, Any], markdown: bool) -> str:
    return f"**{result['label']}**" if markdown and result["ours"] else result["label"]


def qps(speed: stats.Spread) -> str:
    return f"{speed.median:,.0f} ({speed.low:,.0f}...{speed.high:,.0f})"


def ratio(value: Optional[float]) -> str:
    return "-" if value is None else f"{value:.2f}x"


def megabytes(value: Optional[int]) -> str:
    return "-" if value is None else f"{max(0, value) / 1e6:,.1f}"


def table(header: list[str], rows: list[list[str]], markdown: bool) -> str:
    """The first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(cells: list[str]) -> str:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
        padded[0] = cells[0].ljust(widths[0])
        return f"| {' | '.join(padded)} |" if markdown else "  ".join(padded)

    if markdown:
        rule = "|" + "|".join("-" * (width + 1) + ("-" if i == 0 else ":") for i, width in enumerate(widths)) + "|"
    else:
        rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(header), rule, *(line(row) for row in rows)])
