"""Tells the story: `make demo`. It ends with Ctrl-C, or by itself with DEMO_EXIT=1.

With DEMO_EXIT=1 the last line is one JSON object with what was seen; the exit status is 0 only if all of it happened.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from wayside_demo.stage import StoryError
from wayside_demo.story import Story


def main() -> int:
    """Runs the demo; its exit status."""
    say = Console(highlight=False, soft_wrap=True)
    begin_s = time.monotonic()
    work_dir = Path(tempfile.mkdtemp(prefix="wayside-demo-"))
    is_interrupted = False
    story: Story | None = None
    seen: dict[str, Any] = {"ok": False}
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, with every process of it
    try:
        story = Story(work_dir, say)
        seen = story.seen
        _tell(story, begin_s)
        if not os.environ.get("DEMO_EXIT"):
            say.print(
                f"\nEverything runs on. Try:  WAYSIDE_CONTEXT={story.centre.context} .venv/bin/wayside nodes list"
            )
            say.print("Ctrl-C ends it.")
            signal.pause()
    except KeyboardInterrupt:
        is_interrupted = True
    except StoryError as error:
        seen |= {"ok": False, "error": str(error)}
        say.print(f"[bold red]{error}[/bold red]", markup=True)
        for program in story.programs if story else ():
            say.print(f"--- {program.name}: {program.last_words()}", markup=False)
    finally:
        if story:
            story.close()
    if seen["ok"] or is_interrupted:
        shutil.rmtree(work_dir, ignore_errors=True)
    else:
        say.print(f"logs: {work_dir}/logs")
    if os.environ.get("DEMO_EXIT"):
        print(json.dumps(seen | {"seconds": round(time.monotonic() - begin_s, 1)}))
    return 0 if seen["ok"] else 1


def _tell(story: Story, begin_s: float) -> None:
    for number, (title, step) in enumerate(story.steps(), start=1):
        elapsed_s = time.monotonic() - begin_s
        story.say.print(f"\n[bold cyan]{number}. {title}[/bold cyan]  [dim]{elapsed_s:.0f} s[/dim]")
        step()
    story.seen["seconds"] = round(time.monotonic() - begin_s, 1)
    table = Table(box=None, show_header=False)
    for key, value in story.seen.items():
        table.add_row(key, str(value))
    story.say.print(table)


if __name__ == "__main__":
    sys.exit(main())
