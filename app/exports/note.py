"""The note in every file: what it is, what is in it and what is not, and how to keep it."""

from collections.abc import Mapping

from app.campaigns.tables import Campaign
from app.core import clock
from app.exports.columns import plain
from app.exports.material import Material
from app.exports.schemas import ResponsesExportIn, ResultsExportIn

_RESPONSES = """
每行是一份计入结果的答卷。没有：身份、电话、微信号、设备、回执、提交编号、访问员、确切时刻；也没有已撤回、
被后来的答卷取代或被作废的答卷，没有外部汇总的计数。行序按日期、单位，再按随机散列，不反映提交先后。
没答的和按条件没问的题都是空。多选题每个选项一列：1 选了，0 没选，空为没答。
各列的含义见 codebook（变量表）。
One row is one response that is counted. There are no identities, phones, WeChat ids, devices,
receipts, submission ids, interviewers or exact times; nor responses that were withdrawn, replaced
by later ones or voided, nor counts that were aggregated elsewhere. Rows stand by day and unit, then
by a random hash: their order says nothing of their arrival. What was not answered, or not asked, is
empty. A multiple choice has a column for each option: 1 chosen, 0 not, empty: not answered.
The codebook says what each column means.

请妥善保管：人数少的单位里，几个答案加在一起或一句话就可能认出人来。只给需要的人，不要转发或上网，用完即删。
不得用来查找谁答了什么。
Keep it safe: in a small unit a few answers together, or what somebody wrote, may show who it was.
Give it only to those who need it, never send it on or put it online, delete it when it has served.
It must not be used to find out who answered what.
"""
_EXACT = """
这是实时的完整结果，未作隐去：人数少的单元格可能透露个人的回答，不得公开。公开请用发布结果（release）。
各列的含义见 codebook（变量表）。
These are live results with nothing hidden: a cell of few persons may tell what somebody answered.
Don't publish them; publish a release. The codebook says what each column means.
"""
_RELEASED = """
这是发布结果：人数少的单元格已隐去（suppressed 为 1，数字为空）。各列的含义见 codebook（变量表）。
These are released figures: cells of few persons are hidden (suppressed is 1, figures are empty).
The codebook says what each column means.
"""


def note(
    campaign: Campaign,
    request: ResponsesExportIn | ResultsExportIn,
    material: Material,
    rows: Mapping[str, int],
) -> str:
    """The note as text; `rows`: how many there are in each table."""
    as_of = material.as_of.astimezone(clock.SHANGHAI).strftime("%Y-%m-%d %H:%M:%S +08:00")
    asked = request.model_dump(exclude={"format"}, exclude_none=True)
    lines = [
        "心声导出 / Xinsheng export",
        "",
        f"活动 campaign: {campaign.code} {plain(campaign.title)}",
        f"截至 as of: {as_of}",
        f"范围 asked for: {', '.join(f'{name}={value}' for name, value in asked.items())}",
        *(f"行数 rows: {name} {count}" for name, count in rows.items()),
    ]
    if material.release is not None:
        lines.append(f"发布编号 release: {material.release}")
    if campaign.sandbox_of is not None:
        lines.append("沙盒：试用数据，不是真的 / sandbox: trial data, not real")
    figures = _EXACT if material.exact else _RELEASED
    return "\n".join(lines) + "\n" + (_RESPONSES if request.content == "responses" else figures)
