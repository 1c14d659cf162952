"""Drivers: each touches one piece of the world behind a port, and each kind has a simulator or a replay."""
