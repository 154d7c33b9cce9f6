"""The problems that a contractor can meet: what each means and what to do about it, in Chinese.

In English the server's own replies say it. A test compares the list with the problems that there
are, and docs/contractors.zh-CN.md is written from it.
"""

from app.push.wording import Said

MET: dict[str, tuple[str, str]] = {
    "busy": ("服务器繁忙。", "按 Retry-After 的秒数等待后原样重发；即使已保存也不会重复。"),
    "campaign-state": ("调查活动当前状态不允许此操作。", "请与主办教育局核对活动状态。"),
    "closed": ("调查活动不再接收数据（已结束、已归档或已过交付期）。", "请与主办教育局联系。"),
    "double-count": (
        "同一单位、同一人群已由本来源以另一种方式（访谈或汇总数）计入。",
        "每个单位和人群只用一种方式交付：要么访谈，要么汇总数。",
    ),
    "headers-too-large": ("请求头过大。", "最多 100 个请求头，共 32 KB；清除 cookie 可能有效。"),
    "idempotency-key-in-flight": (
        "同一 Idempotency-Key 的请求仍在处理。",
        "等待其答复，或几秒后原样重发。",
    ),
    "idempotency-key-missing": (
        "缺少请求头 Idempotency-Key。",
        "每个新请求用一个新的随机键；重发同一请求时用同一个键。",
    ),
    "idempotency-key-reused": (
        "同一 Idempotency-Key 先前用于另一个请求。",
        "新请求换新键；重发时请求体必须一字不改。",
    ),
    "internal-error": ("服务器内部错误，什么也没有保存。", "把 request_id 告诉运维人员。"),
    "interview-conflict": (
        "同一 interview_id 先前交付过不同内容。",
        "更正时把 revision 加到比最新版本更大；重发时内容不变。",
    ),
    "invalid-answers": ("有的答案不能接收。", "按 errors 改正后重发；该条目没有保存。"),
    "invalid-client": ("client_id 或密钥不对。", "核对凭据；丢失时请教育局另发。"),
    "invalid-input": ("输入不合要求。", "按 errors 逐项改正后重发。"),
    "invalid-scope": ("请求了该客户端没有的权限范围。", "不写 scope 即得到全部已有权限。"),
    "invalid-token-request": (
        "无法读取令牌请求。",
        "以 application/x-www-form-urlencoded 表单发送。",
    ),
    "job-failed": ("后台任务未能完成；done 所计部分已保存。", "把任务号告诉运维人员，然后重发。"),
    "malformed": ("无法读取请求体。", "发送 UTF-8 的合法 JSON；NDJSON 每行一个对象。"),
    "malformed-request": ("请求不是合法的 HTTP。", "请使用现成的 HTTP 库；连接已关闭。"),
    "method-not-allowed": ("该地址不支持此方法。", "Allow 响应头列出可用方法，详见 /docs。"),
    "network-not-allowed": ("不允许该客户端从此网络访问。", "从约定的网络访问，或请教育局更改。"),
    "no-release": ("还没有公布结果。", "等待第一次公布。"),
    "not-found": (
        "没有此对象（或在您的范围之外）。",
        "核对地址中的代码、单位代码和活动代码。",
    ),
    "not-open-yet": ("调查活动尚未开始。", "到开始时间再交付；现在可用沙盒试验。"),
    "not-owner": ("属于上级单位，不能更改。", "请与拥有它的教育局联系。"),
    "overlapping-tally": (
        "另一批次已包含同一单位、人群和渠道。",
        "从本批次去掉 errors 所列的行，或先在另一批次以更大的 revision 去掉。",
    ),
    "request-timeout": ("请求没有及时送达。", "在新的连接上原样重发。"),
    "sandbox-refused": (
        "沙盒不允许此操作。",
        "沙盒随正式活动而定：在正式活动下 POST …/sandbox 建立，POST …/sandbox/reset 清空。",
    ),
    "scope-missing": ("该客户端没有此权限。", "请教育局给予 /docs 所写的权限范围。"),
    "tally-conflict": (
        "该批次先前以此 revision 或更大的 revision 交付过。",
        "更正时用更大的 revision；重发时内容不变。",
    ),
    "too-large": ("请求体过大。", "分批发送；各地址上限见 /docs。"),
    "too-many-requests": ("请求过于频繁。", "按 Retry-After 的秒数等待。"),
    "unauthenticated": ("没有有效的访问令牌。", "在 POST /oauth/token 换取新令牌后重发。"),
    "unknown-host": ("服务器不认识这个域名。", "使用运维人员给出的地址。"),
    "unsupported-grant-type": ("不支持此授权方式。", "表单中写 grant_type=client_credentials。"),
    "unsupported-media-type": ("不接收此内容类型或编码。", "使用 /docs 为该地址列出的类型。"),
    "uri-too-long": ("地址过长。", "地址最多 8 KB。"),
}
"""By slug: what it means, and what to do."""


def explained(slug: str) -> Said | None:
    """What a problem means and what to do, in Chinese; None for one that is not known here."""
    found = MET.get(slug)
    return Said("".join(found), slug) if found else None
