"""Thin servicers of `wayside.v1` and the interceptors before them."""
