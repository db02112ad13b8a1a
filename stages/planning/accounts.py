"""What a corpus moves, as tables: files, objects of a cluster, the driver's own hours."""

from math import isnan

from rich.console import Group
from rich.table import Table
from rich.text import Text

from stages.planning import limits
from stages.planning.plan import Plan, in_bytes


def table(plan: Plan) -> Group:
    """The accounts of a plan for people to read, with what grows and what this machine lacks."""
    notes = [*limits.growth(plan), *limits.waits(plan), *limits.lacks(plan, limits.Here.found())]
    return Group(_files(plan), _passages(plan), _driver(plan), Text("\n".join(notes)))


def _files(plan: Plan) -> Table:
    table = _headed("files", "read", "written", "items", "bytes an item", "items on disk")
    for flow in plan.flows:
        table.add_row(
            *(flow.stage, in_bytes(flow.read), in_bytes(flow.written)),
            *(f"{flow.items:,}", f"{flow.size:,.0f}", in_bytes(flow.held)),
        )
    hashed, copied = sum(each.data for each in plan.disk), sum(each.cache for each in plan.disk)
    table.add_row("DVC's hashes and copies", in_bytes(hashed), in_bytes(copied), "", "", "")
    return table


def _passages(plan: Plan) -> Table:
    workers = plan.machine.count
    title = f"between the driver and {workers} worker{'s' if workers > 1 else ''} of a cluster"
    table = _headed(title, "a share", "there", "back", "by the object store", "in flight")
    for flow in plan.flows:
        if (passage := flow.passage) is not None:
            table.add_row(
                *(flow.stage, f"{passage.size} items"),
                in_bytes(passage.shares * passage.sent),
                in_bytes(passage.shares * passage.back),
                in_bytes(passage.stored),
                in_bytes(workers * passage.in_flight),
            )
    return table


def _driver(plan: Plan) -> Table:
    table = _headed("the driver", "cards, hours", "keys and items, hours", "assembly", "memory")
    for flow in plan.flows:
        if flow.passage is not None:
            cards = limits.hours(plan, flow.stage)
            table.add_row(
                *(flow.stage, "-" if isnan(cards) else f"{cards:,.2f}"),
                *(f"{flow.driver / 3600:,.2f}", f"{flow.assembly / 3600:,.2f}"),
                in_bytes(flow.memory),
            )
    return table


def _headed(title: str, *columns: str) -> Table:
    table = Table(title=title)
    table.add_column("stage")
    for column in columns:
        table.add_column(column, justify="right")
    return table
