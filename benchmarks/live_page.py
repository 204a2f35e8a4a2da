"""The page of results that `live.py` writes."""

from collections.abc import Sequence

from benchmarks.live_figures import CHANGES_A_SECOND, FEW, Figures
from benchmarks.machine import describe_machine
from benchmarks.measuring import Samples

MAX_KILOBYTES = 64
MAX_SECONDS = 1.0

_PAGE = """# How live

{viewers:,} Views of one dashboard and {boards} of different boards wait on one server process, over loopback; the load
is a process of its own, on the same machine. In the same run the bare SDK: a tool that waits for the next change and
says one word, and `subscriptions/listen` streams, on which nothing is asked and nothing is read. Versions of the
protocol are those that the hosts speak. Written by `make bench-live`.

## A change for which all wait

| what | change to answer, p50 | p99 | budget | CPU of the server each | memory each | budget | after waking all |
|---|---:|---:|---|---:|---:|---|---:|
{alone}

The CPU is that of waking one, of its answer and of its next question. The memory is the slope of the resident memory
between {few} and {viewers:,} who wait, opened 50 at a time, garbage collected, so that what the server has from its
start is in neither. Waking all at once leaves the process with more, which it keeps for the next time: the last column.

| what | readings for each change | drawings for each change |
|---|---|---|
{extra}

A change concerns the dashboard, which all but the boards show, and one board: with one reading and one drawing for
each distinct widget it is 2 and 2.

## {often} changes a second

| what | p50 | p99 | budget | answers | changes | readings of the dashboard | drawings | CPU of one core |
|---|---:|---:|---|---:|---:|---:|---:|---:|
{busy}

Time is from the change, or from the question if that was later. Each View asks as often as it may, 20 times a minute,
out of step, so that an answer makes up for several changes; a reading is shared by those who ask within a moment.

{machine}; load average before {before:.1f}, after {after:.1f} (with a load of its own of about 2).
"""


def write_page(
    ours: Sequence[Figures], bare: Sequence[Figures], viewers: int, boards: int, load: tuple[float, float]
) -> str:
    """Write the page."""
    return _PAGE.format(
        viewers=viewers,
        boards=boards,
        few=viewers // FEW,
        often=CHANGES_A_SECOND,
        alone="\n".join(_alone(each) for each in (*ours, *bare)),
        extra="\n".join(_extra(each) for each in ours),
        busy="\n".join(_busy(each) for each in ours),
        machine=describe_machine("", {}).sentence,
        before=load[0],
        after=load[1],
    )


def _alone(each: Figures) -> str:
    p99 = Samples(tuple(each.alone)).percentile(0.99)
    is_ours = each.name.startswith("Intarsia")
    time = _kept(p99 <= MAX_SECONDS) if is_ours else ""
    memory = _kept(each.kilobytes <= MAX_KILOBYTES) if is_ours else ""
    return (
        f"| {each.name} | {_times(each.alone)} | {time} | {each.cpu_milliseconds:.2f} ms "
        f"| {each.kilobytes:.0f} KB | {memory} | {each.woken_kilobytes:.0f} KB |"
    )


def _extra(each: Figures) -> str:
    read, drawn = (", ".join(str(pair[index]) for pair in each.extra) for index in (0, 1))
    return f"| {each.name} | {read} | {drawn} |"


def _busy(each: Figures) -> str:
    p99 = Samples(tuple(each.busy) or (float("nan"),)).percentile(0.99)
    counts = f"{each.answers:,} | {each.changes} | {each.readings} | {each.renderings}"
    return f"| {each.name} | {_times(each.busy)} | {_kept(p99 <= MAX_SECONDS)} | {counts} | {each.cpu_share:.0%} |"


def _times(values: Sequence[float]) -> str:
    samples = Samples(tuple(values) or (float("nan"),))
    return f"{samples.percentile(0.5) * 1000:,.0f} ms | {samples.percentile(0.99) * 1000:,.0f} ms"


def _kept(is_kept: bool) -> str:  # noqa: FBT001  # private, read at one place
    return "kept" if is_kept else "**missed**"
