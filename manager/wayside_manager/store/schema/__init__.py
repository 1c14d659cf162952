"""The tables by subject. `store.tables` has them all."""
