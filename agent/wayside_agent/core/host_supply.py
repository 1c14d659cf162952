"""What the kernel says of a computer's supply and fans. Every function gives `None` for nonsense.

Source: Linux Documentation/ABI/testing/sysfs-class-power (type, scope, online, status, capacity) and
hwmon/sysfs-interface (fan input, PWM).
"""

from collections.abc import Mapping, Sequence

_BATTERIES = frozenset({"Battery", "UPS"})
_FEEDS = frozenset({"Mains", "USB", "Wireless"})
_RESTING = frozenset({"Charging", "Full", "Not charging"})
_FULL_PERCENT = 100
_FAN_MAX_RPM = 100_000


def on_battery(supplies: Sequence[Mapping[str, str]]) -> bool | None:
    """Whether the computer runs on its battery, of the files of /sys/class/power_supply; `None`: it has none."""
    batteries = [each for each in supplies if _is_battery(each)]
    if not batteries:
        return None
    if any(each.get("status") == "Discharging" for each in batteries):
        return True
    feeds = [each["online"] for each in supplies if each.get("type") in _FEEDS and each.get("online") in {"0", "1"}]
    if feeds:
        return "1" not in feeds
    return False if any(each.get("status") in _RESTING for each in batteries) else None


def battery_ratio(supplies: Sequence[Mapping[str, str]]) -> float | None:
    """Charge of the emptiest battery, 0 to 1."""
    charges = [
        int(each["capacity"]) / _FULL_PERCENT
        for each in supplies
        if _is_battery(each) and each.get("capacity", "").isdecimal() and int(each["capacity"]) <= _FULL_PERCENT
    ]
    return min(charges, default=None)


def turning_rpm(fan: str, pwm: str) -> float | None:
    """Speed of one fan; `None`: nonsense, or it is told to stand."""
    if not fan.isdecimal() or int(fan) > _FAN_MAX_RPM or pwm == "0":
        return None
    return float(fan)


def _is_battery(supply: Mapping[str, str]) -> bool:
    """Of the computer: not that of a mouse."""
    return supply.get("type") in _BATTERIES and supply.get("scope", "System") != "Device"
