"""SQL of reading the counts: running ones, what is not folded yet, and tallies, in one statement.

Bare asyncpg, and SQL put together from layouts: every number in it is ours.
"""

from typing import Any

from app.core.database import Connection
from app.counts import sums
from app.counts.queries import DAY_SQL, UNFOLDED, votes_sql
from app.counts.selection import Selection

_UNITS = """
    within AS MATERIALIZED (SELECT unit_id FROM unit_ancestors WHERE ancestor_id = $2),
    at_level AS MATERIALIZED (
        SELECT line.unit_id, line.ancestor_id AS group_id
        FROM unit_ancestors AS line
        JOIN within ON within.unit_id = line.ancestor_id
        JOIN units ON units.id = line.ancestor_id AND units.kind = $3
    ),
    tree AS MATERIALIZED (
        SELECT EXISTS (
            SELECT FROM folded_campaigns JOIN unit_tree ON moves = tree_moves
            WHERE campaign_id = $1
        ) AS unmoved
    )
"""
# Whose sums make up each group: those of the units at the level, with what lies below them, and
# by themselves those of the units that have none above. After a move, until the next folding,
# everything by itself.
_AT_LEVEL = """
    SELECT id, NULL::boolean AS below, id AS group_id FROM units
    WHERE kind = $3 AND id IN (SELECT unit_id FROM within) AND (SELECT unmoved FROM tree)
    UNION ALL
    SELECT unit_id, false, NULL FROM within
    WHERE unit_id NOT IN (SELECT unit_id FROM at_level) AND (SELECT unmoved FROM tree)
"""
_IN_ALL = """
    SELECT $2::int AS id, NULL::boolean AS below, NULL::int AS group_id
    WHERE (SELECT unmoved FROM tree)
"""
_BY_THEMSELVES = """
    SELECT within.unit_id, false, at_level.group_id
    FROM within LEFT JOIN at_level USING (unit_id) WHERE NOT (SELECT unmoved FROM tree)
"""

# Looked up for each unit, again whatever the planner thinks.
_GROUP = """
    LEFT JOIN LATERAL (
        SELECT line.ancestor_id AS group_id FROM unit_ancestors AS line
        WHERE line.unit_id = summed.unit_id
        AND (SELECT kind FROM units WHERE id = line.ancestor_id) = $3
        AND (SELECT true FROM unit_ancestors WHERE unit_id = line.ancestor_id AND ancestor_id = $2)
        OFFSET 0
    ) AS at_level ON true
"""


_WITHIN = """
    (SELECT true FROM unit_ancestors WHERE unit_id = summed.unit_id AND ancestor_id = $2)
"""


def _counted_sql(selection: Selection) -> str:
    member = f"{_AT_LEVEL if selection.level else _IN_ALL} UNION ALL {_BY_THEMSELVES}"
    parts: list[str] = []
    if selection.source != "tally":
        parts = [_running(selection), *(_unfolded(selection, one) for one in selection.layouts)]
    if selection.source != "individual":
        parts += [_tallies(selection, one) for one in selection.layouts]
    return f"""
        WITH {_UNITS}, member AS MATERIALIZED ({member}),
        counted (group_id, population, channel, day, sums) AS ({" UNION ALL ".join(parts)})
        SELECT units.code, units.name, population, channel, day, sums
        FROM counted LEFT JOIN units ON units.id = group_id
    """


def _filters(selection: Selection) -> str:
    channel = "" if selection.channel is None else f" AND channel = {selection.channel:d}"
    return channel + (" AND NOT flagged" if selection.clean else "")


def _since(selection: Selection, day: str) -> str:
    return "" if selection.since is None else f" AND {day} >= DATE '{selection.since:%Y-%m-%d}'"


def _group(selection: Selection) -> str:
    return _GROUP if selection.level else "CROSS JOIN (SELECT NULL::int AS group_id) AS whole"


def _running(selection: Selection) -> str:
    array = "[1:1] AS sums" if selection.respondents_only else ""
    populations = ", ".join(f"{number:d}" for number in selection.layouts)
    return f"""
        SELECT group_id, population, {"channel" if selection.by_channel else "NULL::smallint"},
            {"day" if selection.by_day else "NULL::date"}, sums
        FROM member CROSS JOIN LATERAL (
            -- Unit by unit, whatever the planner thinks of their number.
            SELECT population, channel, day, sums{array} FROM running_counts AS standing
            WHERE campaign_id = $1 AND unit_id = member.id
            AND {"day < 'infinity'" if selection.by_day else "day = 'infinity'"}
            {_since(selection, "day")}
            AND (member.below IS NULL OR standing.below = member.below)
            AND population IN ({populations}) {_filters(selection)} OFFSET 0
        ) AS standing
    """


def _unfolded(selection: Selection, population: int) -> str:
    layout = selection.layouts[population]
    channel = "channel" if selection.by_channel else ""
    day = DAY_SQL if selection.by_day else ""
    keys = [key for key in ("unit_id", channel, day) if key]
    condition = f"{UNFOLDED} AND campaign_id = $1 AND population = {population:d}"
    array = sums.RESPONDENTS_SQL if selection.respondents_only else sums.array_sql(layout)
    return f"""
        SELECT group_id, {population:d}, {channel or "NULL"}, {"day" if day else "NULL"}, sums
        FROM (
            SELECT unit_id, {channel or "NULL"} AS channel, {day or "NULL"} AS day, {array} AS sums
            FROM ({votes_sql(layout, condition)}) AS fresh
            WHERE true {_filters(selection)} {_since(selection, DAY_SQL)}
            GROUP BY {", ".join(keys)} OFFSET 0
        ) AS summed
        {_group(selection)}
        WHERE {_WITHIN}
    """


def _tallies(selection: Selection, population: int) -> str:
    # All of a campaign's at once: there are no more than units, channels and sources allow.
    layout = selection.layouts[population]
    channel = "channel" if selection.by_channel else "NULL"
    day = "day" if selection.by_day else "NULL"
    keys = [key for key in ("group_id", channel, day) if key != "NULL"]
    total = "ARRAY[sum(respondents)]" if selection.respondents_only else sums.tally_sql(layout)
    one = "" if selection.channel is None else f"AND channel = {selection.channel:d}"
    return f"""
        SELECT group_id, {population:d}, {channel}, {day}, {total}::bigint[]
        FROM (
            SELECT unit_id, channel, day, respondents, cells FROM tally_rows
            WHERE live AND campaign_id = $1 AND population = {population:d} {one}
            {_since(selection, "day")} OFFSET 0
        ) AS summed
        {_group(selection)}
        WHERE {_WITHIN} GROUP BY {", ".join(keys)}
    """


async def counted(connection: Connection, selection: Selection) -> list[Any]:
    """Unit code and name, population, channel, day and sums; several rows a group.

    One statement, so that what is folded, what is not and what is tallied are of one instant.
    """
    rows: list[Any] = await connection.fetch(
        _counted_sql(selection),
        selection.campaign_id,
        selection.root_id,
        selection.level,
    )
    return rows
