"""The agent of Wayside: runs on one roadside or on-board unit, senses, remembers, and obeys."""
