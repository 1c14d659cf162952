"""The power-cut matrix: one unit's update over a disk that forgets, with every fault at every step.

`disk.py` is the disk, `unit.py` the unit, `manager.py` its manager, `fate.py` what happens, `campaign.py` many runs.
`make bench NAME=power-cut` runs thousands, `tests/e2e/test_power_cut_matrix.py` a sample.
"""
