"""What a person wants to know of the word under the pointer, in the order of reading."""

from __future__ import annotations

import msgspec

from codeanatomy_engine import Snapshot

from codeanatomy.ide.explain import Explanation, Opinion, Range, Source, Step, Target, line_of, shown

LIKELY = 0.5
"""From this confidence on a target counts as one that a word may well mean."""


class Hover(msgspec.Struct, frozen=True):
    """The parts of a hover; empty parts are left out when it is shown."""

    range: Range
    title: str
    """Kind and signature."""

    path: str
    line: int
    """Counted from 1; 0 if there is no place."""

    source: Source | None
    """For a definition in a stub: the source that it describes, which is then what the place above is not."""

    doc: str
    claim: str
    """What is said to mean what, and how sure that is."""

    steps: tuple[Step, ...]
    others: tuple[Target, ...]
    """Further targets, each with how sure it is."""

    beaten: tuple[Target, ...]
    unresolved: str
    witnesses: tuple[Opinion, ...] = ()
    """Others that read the same text, disagreement first."""


def hover(snapshot: Snapshot, path: str, line: int, character: int) -> Hover | None:
    """The hover of the word at a place, if there is a word."""
    found = msgspec.json.decode(snapshot.hover(path, line, character), type=Explanation | None)
    return None if found is None else of_explanation(found)


def of_explanation(found: Explanation) -> Hover:
    """The hover that says what an explanation says."""
    best = found.targets[0] if found.targets else None
    return Hover(
        range=found.range,
        title=_title(best) if best else f"({found.kind}) {found.word}".rstrip(),
        path=best.path if best else "",
        line=line_of(best) if best else 0,
        source=best.source if best else None,
        doc=best.doc if best else "",
        claim=_claim(best, sum(each.confidence >= LIKELY for each in found.targets)) if best else "",
        steps=best.steps if best else (),
        others=found.targets[1:],
        beaten=found.candidates,
        unresolved=found.unresolved.text if found.unresolved else "",
        witnesses=found.witnesses,
    )


def said(opinion: Opinion) -> str:
    """What a witness thinks, as a sentence."""
    if opinion.agrees:
        return f"{opinion.witness} agrees, together {opinion.confidence:.3f}"
    sides = f" (here `{opinion.ours}`, there `{opinion.theirs}`)" if opinion.ours != opinion.theirs else ""
    return f"{opinion.witness} disagrees: {opinion.reason}{sides}"


def _title(target: Target) -> str:
    return f"({target.kind}) {target.signature or target.name}"


def _claim(best: Target, count: int) -> str:
    where = f" of {shown(best.path)}" if best.path else ""
    ambiguous = f", one of {count} that it may mean" if count > 1 else ""
    return f"{best.name}{where}{ambiguous}, confidence {best.confidence:.2f}"
