"""Loops of the manager. Each is `async def run(self)` that never returns, over ports only."""
