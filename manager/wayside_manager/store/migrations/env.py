"""Runs migrations on the connection `wayside_manager.store.migrate` hands over; alembic executes this file."""

from alembic import context

from wayside_manager.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by making a new one
)
with context.begin_transaction():
    context.run_migrations()
