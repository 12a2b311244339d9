"""Up to five records side by side, whichever a steward picks."""

from __future__ import annotations

from starlette.responses import Response

from canonical.errors import MillstreamError
from console.web.stewards.comparing import Score, references, score, side_by_side
from console.web.visit import Visit
from console.words.errors import explained
from pipeline import stewardship
from pipeline.mastering import STEWARDED
from pipeline.stewardship import MOST_COMPARED, SourceRef


def show(visit: Visit) -> Response:
    """Records side by side, once two are named; what is wrong with a name is said beside the form."""
    entity = visit.asked("entity") or "item"
    texts = [text.strip() for text in visit.request.query_params.getlist("record") if text.strip()]
    seen, wrong, refs = None, "", list[SourceRef]()
    try:
        refs = references(texts)
        fits = len(refs) > 1 and entity in STEWARDED
        seen = side_by_side(visit.hub, visit.words, visit.site.moment, entity, refs) if fits else None
    except MillstreamError as error:
        wrong = explained(visit.words, error)
    pair = _pair(visit, len(refs)) if seen else (0, 1)
    return visit.page(
        "stewards/compare.html", entity=entity, entities=sorted(STEWARDED), texts=texts, seen=seen, wrong=wrong,
        most=MOST_COMPARED, pair=pair, score=_score(visit, entity, refs, pair) if seen else None,
        known=seen is not None,
    )  # fmt: skip


def _pair(visit: Visit, count: int) -> tuple[int, int]:
    """Which two of the records the score is about; the first two where the address names none."""
    one, other = visit.number("one", 0), visit.number("other", 1)
    return (one, other) if one != other and max(one, other) < count else (0, 1)


def _score(visit: Visit, entity: str, refs: list[SourceRef], pair: tuple[int, int]) -> Score:
    return score(visit.hub, entity, [refs[at] for at in pair])


def decide(visit: Visit) -> Response:
    """The ticked records are one thing, or two of them are not."""
    entity, act, reason = visit.field("entity"), visit.field("act"), visit.field("reason")
    refs = references(visit.fields("record"))
    if act == "different" and len(refs) != 2:  # noqa: PLR2004
        raise MillstreamError("two records are needed", entity=entity)
    verdict = (
        stewardship.different(entity, refs[0], refs[1], reason)
        if act == "different"
        else stewardship.same(entity, *refs, reason=reason)
    )
    done = stewardship.decide(visit.hub, visit.actor, verdict)[0]
    golden_id = done.touched[0] if done.touched else None
    if golden_id is None:
        return visit.go("queue", "done.queue_decided")
    return visit.go("record", "done.queue_decided", {"id": golden_id}, entity=entity)
