"""What a position can be. Apart from `geometry.py`: commands check positions and must not load its library of shapes.

Usage: `is_on_earth(20.03, 110.31)`.
"""

_LATITUDE_MAX_DEG = 90.0
_LONGITUDE_MAX_DEG = 180.0


def is_on_earth(latitude_deg: float, longitude_deg: float) -> bool:
    """Whether it is a position: latitude -90 to 90, longitude -180 to 180 [degree]."""
    return abs(latitude_deg) <= _LATITUDE_MAX_DEG and abs(longitude_deg) <= _LONGITUDE_MAX_DEG  # NaN is not
