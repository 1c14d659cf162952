"""Generated from `proto/wayside/v1`; never edited, see `make proto`."""
