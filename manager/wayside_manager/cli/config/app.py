"""`wayside config`: layers go in, one configuration per node comes out, and every node proves it."""

import typer

from wayside_manager.cli.config import layers, nodes, preview, trials

app = typer.Typer(no_args_is_help=True, help="Configuration: layers go in, one configuration per node comes out.")

app.command("apply")(layers.apply)
app.command("preview")(preview.preview)
app.command("diff")(preview.diff)
app.command("layers")(layers.list_layers)
app.command("get")(layers.get)
app.command("delete")(layers.delete)
app.command("history")(layers.history)
app.command("rollback")(layers.rollback)
app.command("show")(nodes.show)
app.command("explain")(nodes.explain)
app.command("drift")(nodes.drift)
app.command("confirm")(trials.confirm)
app.command("cancel")(trials.cancel)
app.command("extend")(trials.extend)
app.command("schema")(nodes.schema)
