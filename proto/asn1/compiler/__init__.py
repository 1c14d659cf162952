"""Makes straight-line Python of the ASN.1 modules beside it: the unaligned packed encoding (UPER, X.691) they need, and no more.

Runs when the contract is built, never on a device; needs nothing but the standard library.
Usage: `python -m compiler OUT_DIR` in `proto/asn1`.
"""
