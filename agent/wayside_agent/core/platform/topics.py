"""Topics of one RSU at one platform, made of templates once and then only looked up.

    topics = Topics(Templates("V2X/RSU/{esn}/{message}"), Names("rsu-1", "E1"))
    topics.of(Subject.MAP_UP)            # V2X/RSU/E1/MAP/UP
    topics.subject("V2X/RSU/E2/MAP/DOWN")    # None: that is another unit's

A topic is compared whole: an id that only looks like ours is not ours.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from wayside_agent.core.platform.subject import COMMANDS, DOWN, Subject

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_IDS = ("rsu_id", "esn")
_ID = re.compile(r"[^/+#{}\x00-\x20\x7f]{1,64}\Z")
_FORBIDDEN = re.compile(r"[+#{}\x00-\x1f\x7f]")
MAX_TOPIC_BYTES = 512


@dataclass(frozen=True, slots=True)
class Names:
    """What a platform knows the RSU by."""

    rsu_id: str
    esn: str


@dataclass(frozen=True, slots=True)
class Templates:
    """How topics are written; `{rsu_id}`, `{esn}` and, but for single subjects, `{message}` stand for what is known."""

    general: str = "V2X/RSU/{esn}/{message}"
    delimiter: str = "/"
    """Between the parts of a message's name, such as `MAP/DOWN/ACK`."""
    single: Mapping[str, str] = field(default_factory=dict)
    """For single subjects, by their names in the standard (`MAP.DOWN`)."""

    def of(self, subject: Subject) -> str:
        """The template of one subject."""
        return self.single.get(subject.value, self.general)

    def check(self) -> None:
        """Raises ValueError: a placeholder or subject is not known, or a topic would not be one."""
        for name in self.single:
            if name not in set(Subject):
                raise ValueError(f"{name!r} is no message; known are {', '.join(Subject)}")
        if "{message}" not in self.general:
            raise ValueError(f"topic {self.general!r} has no {{message}}: every message would go to the same place")
        for template in (self.general, *self.single.values()):
            for placeholder in _PLACEHOLDER.findall(template):
                if placeholder not in {*_IDS, "message"}:
                    raise ValueError(f"topic {template!r}: {{{placeholder}}} is not {{rsu_id}}, {{esn}} or {{message}}")
            bare = _PLACEHOLDER.sub("", template)
            if _FORBIDDEN.search(bare) or len(template.encode()) > MAX_TOPIC_BYTES:
                raise ValueError(f"topic {template!r} has wildcards, braces or control characters, or is too long")


class Topics:
    """Of one RSU."""

    def __init__(self, templates: Templates, names: Names) -> None:
        """Raises ValueError: see `Templates.check`; an id cannot stand in a topic; two subjects share a topic."""
        templates.check()
        for name in (names.rsu_id, names.esn):
            if not _ID.match(name):
                raise ValueError(f"id {name!r} cannot stand in a topic; use letters, digits, '.', '_' and '-'")
        self._of = {subject: _topic(templates, names, subject) for subject in Subject}
        self._commands = {self._of[subject]: subject for subject in DOWN}
        ups = {self._of[subject] for subject in Subject if subject not in DOWN}
        if len(self._commands) < len(DOWN) or ups & set(self._commands):
            raise ValueError("two messages have the same topic, or one goes up and down by the same; tell them apart")
        self._named = frozenset(each for each in DOWN if any(f"{{{one}}}" in templates.of(each) for one in _IDS))

    def of(self, subject: Subject) -> str:
        """Where a subject is published."""
        return self._of[subject]

    def subject(self, topic: str) -> Subject | None:
        """What came by a topic; `None`: it is not one of this unit's."""
        return self._commands.get(topic)

    def names_unit(self, subject: Subject) -> bool:
        """Whether the topic says whom it is for; if not, the message must."""
        return subject in self._named

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """What to listen to: each by its whole name, commands first."""
        rest = [each for each in DOWN if each not in COMMANDS]
        return tuple(self._of[subject] for subject in (*COMMANDS, *rest))


def _topic(templates: Templates, names: Names, subject: Subject) -> str:
    values = {"rsu_id": names.rsu_id, "esn": names.esn, "message": templates.delimiter.join(subject.path)}
    topic = _PLACEHOLDER.sub(lambda found: values[found[1]], templates.of(subject))
    if _FORBIDDEN.search(topic) or len(topic.encode()) > MAX_TOPIC_BYTES:
        raise ValueError(f"topic {topic!r} of {subject} has wildcards or control characters, or is too long")
    return topic
