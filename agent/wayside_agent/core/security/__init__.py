"""The signed envelope of V2X messages, and the certificates in it: read, never trusted."""
