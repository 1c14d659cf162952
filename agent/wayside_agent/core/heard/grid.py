"""A grid of cells of about 50 m over the earth, and how far two places on it are apart. All in raw 1e-7 degrees.

    cell = cell_of(latitude_raw, longitude_raw)
    south, west, north, east = corners_deg(cell)

Rows are 0.00045° (50.0 m) high. Columns are as wide at the middle of their degree of latitude, so within 2 % up to 45°
and 5 % up to 70°; a cell never changes its place, wherever the unit stands.
"""

import math
from functools import lru_cache

Cell = tuple[int, int]
"""Row and column."""

ROW_RAW = 4500
METRES_PER_RAW = 0.011_131_95
"""Of latitude: 1e-7° on the equator of WGS 84."""
RAW_PER_DEGREE = 10_000_000
_SOUTH_POLE_RAW = -90 * RAW_PER_DEGREE
_BANDS = 180
_COLUMN_RAW = tuple(round(ROW_RAW / math.cos(math.radians(min(89.5, abs(band - 89.5))))) for band in range(_BANDS))
"""Width of columns in each degree of latitude, from the south."""


@lru_cache(maxsize=1024)
def _column_raw(row: int) -> int:
    band = (row * ROW_RAW - _SOUTH_POLE_RAW) // RAW_PER_DEGREE
    return _COLUMN_RAW[min(max(band, 0), _BANDS - 1)]


def cell_of(latitude_raw: int, longitude_raw: int) -> Cell:
    """The cell a place is in."""
    row = latitude_raw // ROW_RAW
    return row, longitude_raw // _column_raw(row)


def corners_deg(cell: Cell) -> tuple[float, float, float, float]:
    """South, west, north, east of a cell [°]."""
    row, column = cell
    width = _column_raw(row)
    corners = (row * ROW_RAW, column * width, (row + 1) * ROW_RAW, (column + 1) * width)
    south, west, north, east = (round(each / RAW_PER_DEGREE, 7) for each in corners)
    return south, west, north, east


def distance_m(latitude_raw: int, longitude_raw: int, other_latitude_raw: int, other_longitude_raw: int) -> float:
    """How far two places are apart [m], within 1 % up to 10 km; farther it is only sure that it is far."""
    north_raw = other_latitude_raw - latitude_raw
    east_raw = other_longitude_raw - longitude_raw
    if not -1_800_000_000 <= east_raw <= 1_800_000_000:  # noqa: PLR2004  # across the 180th meridian
        east_raw -= 3_600_000_000 if east_raw > 0 else -3_600_000_000
    shrink = math.cos(latitude_raw * (math.pi / 180 / RAW_PER_DEGREE))
    return math.hypot(north_raw, east_raw * shrink) * METRES_PER_RAW
