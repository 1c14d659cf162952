"""Command lines: `wayside-manager` for the one who runs it, `wayside` for operators."""
