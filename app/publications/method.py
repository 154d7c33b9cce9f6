"""How the figures of a publication are computed, in words: for whoever computes them again."""

FORMULAS = {
    "rate": {
        "zh-CN": "满意率 = 正面票 / (正面票 + 负面票)。哪些选项是正面、负面，由问卷版本规定。"
        "“不了解”和未作答不在分母中；分母为零时没有满意率。总体满意率把全部指标题的票合在一起计算。",
        "en": "rate = positive votes / (positive + negative votes), as the questionnaire's version "
        "says which options are which. Don't-know and unanswered questions are not in the "
        "denominator; with a denominator of 0 there is no rate. Pooled rows add up the votes of "
        "all indicator questions.",
    },
    "dont_know_share": {
        "zh-CN": "不了解占比 = “不了解”票 / 作答数（含“不了解”）。",
        "en": "don't-know share = don't-know votes / answers, don't-know included.",
    },
    "composite": {
        "zh-CN": "综合满意率 = 各人群满意率按权重加权平均；没有票的人群不计入，其余权重按比例归一。"
        "均未设权重时各人群权重相同。",
        "en": "composite = the mean of the populations' rates, weighted; a population without "
        "votes drops out and the other weights are made to sum to 1. Where no weight is given "
        "all weigh the same.",
    },
    "interval": {
        "zh-CN": "95% 置信区间：单题用带有限总体校正的 Wilson 区间，总体 N 为该单位所报人数，"
        "未报的为下属单位所报人数之和；人数不明或有缺报的，不作有限总体校正；"
        "总体满意率按人聚类（比率估计、线性化方差）。仅电话访问为抽样区间，其余为参考区间。",
        "en": "95 % intervals: of one question Wilson's with finite population correction, N being "
        "the unit's own stated heads, else the sum of those below it, and without correction "
        "where that is not known in full; pooled rates clustered by person (ratio estimator, "
        "linearised variance). Only of telephone interviews alone is it a sample's; else it is "
        "indicative.",
    },
    "ranking": {
        "zh-CN": "排名只用主渠道的答卷，按满意率从高到低；并列者名次相同（1、2、2、4）。"
        "有效人数少于最低人数或未达到覆盖目标的单位不排名。名次范围由区间得出。",
        "en": "ranks are of responses through the headline channels, the highest rate first; ties "
        "share a rank (1, 2, 2, 4). Units with fewer persons than the minimum, or below a "
        "coverage target, are not ranked. The range of ranks follows from the intervals.",
    },
    "equity": {
        "zh-CN": "差异系数 = sqrt(Σ (m/M)(x − x̄)²) / x̄，m 为学生数，x 为满意率，x̄ 为加权平均。",
        "en": "coefficient of variation = sqrt(Σ (m/M)(x − x̄)²) / x̄, m being students, x the rate "
        "and x̄ the mean weighted likewise.",
    },
    "coverage": {
        "zh-CN": "覆盖率 = 应答人数 / 基数；目标人数 = 目标比例 × 基数，向上取整。",
        "en": "coverage = respondents / basis; required = the target's share of the basis, rounded "
        "up.",
    },
    "disclosure": {
        "zh-CN": "某单位、人群、渠道的应答人数少于最低单元人数时，不计入任何数字；"
        "已公布的单元在人数变化达到该值之前保持原值。合计是已公布单元之和。",
        "en": "what was given to a unit by one population through one channel is in no figure "
        "while it has fewer than min_cell respondents, and keeps its figures until it has changed "
        "by so many. Totals are the sums of what is shown.",
    },
    "excluded": {
        "zh-CN": "撤回、被更正或替换、作废的答卷不计；被标记为可疑的答卷计入。"
        "这些个数为公布时的个数；少于最低单元人数时不公布（null），变化达到该值后才更新。",
        "en": "Withdrawn, superseded and voided responses are not counted; those flagged as "
        "doubtful are. Their numbers are those at the time of publishing; null below min_cell, and "
        "told anew only once they have changed by so many.",
    },
}
"""By what it is about, in both languages."""
