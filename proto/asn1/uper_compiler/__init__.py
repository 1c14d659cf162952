"""Makes straight-line Python of the ASN.1 modules beside it: of the packed encoding (UPER, X.691) what they need.

Runs when the contract is built, never on a device; needs nothing but the standard library.
Usage: `python -m uper_compiler OUT_DIR` in `proto/asn1`.
"""
