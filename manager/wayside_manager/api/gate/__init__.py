"""The gate of every call: who calls, how often, with which role, about what, and whether a second person must agree."""
