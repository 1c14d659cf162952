"""The demo: the main job of Wayside, end to end, on real logs. Tests and benches use its stage, too."""
