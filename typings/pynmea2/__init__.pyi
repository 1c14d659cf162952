# What the tests use of pynmea2.

from datetime import time

class NMEASentence:
    latitude: float
    longitude: float
    timestamp: time

def parse(line: str, check: bool = ...) -> NMEASentence: ...
