"""The page's own words, in every language that it speaks itself.

The questionnaire brings its texts in any number of languages; these are what stands around them.
"""

from datetime import datetime

from app.core.clock import SHANGHAI
from app.phone_page import uyghur
from app.phone_page.preview import texts as preview
from app.phone_page.wechat import texts as wechat

Texts = dict[str, str]

_CHINESE: Texts = {
    "service": "满意度调查",
    "languages": "语言",
    "required": "必答",
    "optional": "选答",
    "if_it_applies": "如果与您的情况无关，这一题可以不答。",
    "choose_any": "可多选",
    "choose_up_to": "最多选 {max} 项",
    "number_between": "{min} 到 {max} 之间的数字",
    "number_from": "不小于 {min} 的数字",
    "number_up_to": "不大于 {max} 的数字",
    "date_any": "",
    "date_between": "{min} 到 {max} 之间的日期",
    "date_from": "{min} 或之后的日期",
    "date_up_to": "{max} 或之前的日期",
    "text_up_to": "最多 {max} 个字",
    "please_say": "{option}（请说明）",
    "rating_between": "{min} 最低，{max} 最高",
    "consent": "请先阅读",
    "consented": "提交即表示您同意上面的说明。",
    "send": "提交",
    "sending": "正在提交……",
    "send_again": "重新提交",
    "large": "大字版",
    "not_large": "标准字号",
    "progress": "已答 {done} 题，共 {all} 题",
    # What the script says of sending, and of what the phone keeps.
    "unsent": "还没有提交：网络不通。请不要关闭这个页面，有网络后会自动提交。",
    "unsent_kept": "已保存在这部手机上，还没有提交：网络不通。有网络后会自动提交。"
    "您可以关闭这个页面；有网络时再打开，就会接着提交。",
    "busy": "还没有提交：现在提交的人很多。请不要关闭这个页面，稍后会自动再提交。",
    "busy_kept": "已保存在这部手机上，还没有提交：现在提交的人很多。稍后会自动再提交。"
    "您可以关闭这个页面；过一会儿再打开，就会接着提交。",
    "restored": "已恢复您上次在这部手机上填写的内容，还没有提交。",
    "cleared": "已清空。",
    "send_now": "现在再试一次",
    "change_answers": "返回修改",
    "clear_answers": "清空，重新填写",
    "once": "每人只能提交一次。",
    "once_per_child": "每个孩子只能提交一次。",
    "child": "第 {number} 个孩子",
    "another_child": "为另一个孩子作答",
    "error_in_title": "请检查：",
    "errors_title": "还没有提交，请检查以下题目",
    "busy_title": "还没有提交成功",
    "busy_text": "现在提交的人很多。您填写的内容都还在，请过几秒再按一次“提交”。",
    "legal": "调查说明",
    "purpose": "用途",
    "privacy": "隐私",
    "erased": "您的作答不与身份一起保存；可能联系到个人的信息最晚从{time}起删除。",
    "contact": "联系我们",
    "ask": "如有疑问，请联系学校或{bureau}。",
    "contact_phone": "电话",
    "contact_email": "邮箱",
    "contact_address": "地址",
    "contact_hours": "时间",
    "contact_wechat": "微信",
    "contact_name": "联系人",
    "receipt": "您的回执",
    "receipt_hint": "请截屏保存。凭回执可以查询您的回答是否已经收到。",
    "copy_receipt": "复制回执",
    "copied": "已复制。",
    "received_at": "收到时间（北京时间）",
    "received_before": "这份回答此前已经收到，没有重复计算。",
    "request": "编号：{id}",
    # What is wrong with an answer, by the validator's code.
    "error_required": "请回答这一题。",
    "error_required_single_choice": "请选择一个答案。",
    "error_required_multiple_choice": "请至少选择一项。",
    "error_required_rating": "请选择一个分数。",
    "error_required_number": "请填写一个数字。",
    "error_wrong_type": "请选择一个答案。",
    "error_wrong_type_number": "请只填写数字，例如 45。",
    "error_not_an_option": "请从列出的选项中选择。",
    "error_duplicate_option": "每个选项请只选一次。",
    "error_too_many": "最多选 {max} 项，请减少一些。",
    "error_out_of_range": "请选择列出的分数。",
    "error_out_of_range_number": "这个数字太大或太小了，请检查。",
    "error_number_between": "请填写 {min} 到 {max} 之间的数字。",
    "error_number_from": "请填写不小于 {min} 的数字。",
    "error_number_up_to": "请填写不大于 {max} 的数字。",
    "error_required_date": "请选择一个日期。",
    "error_not_alone": "“{option}”不能和其他选项一起选。",
    "error_not_whole": "请填写整数。",
    "error_not_a_day": "请填写日期，例如 2026-09-01。",
    "error_date_between": "请选择 {min} 到 {max} 之间的日期。",
    "error_date_from": "请选择 {min} 或之后的日期。",
    "error_date_up_to": "请选择 {max} 或之前的日期。",
    "error_out_of_range_date": "这个日期太早或太晚了，请检查。",
    "error_too_long": "最多 {max} 个字，请写短一些。",
    "error_control_character": "这里有无法保存的特殊字符，请删去后重新填写。",
    "error_hidden": "按照您的其他回答，这一题不用回答，请清空。",
    "error_unknown_question": "这个页面和现在的问卷不一致，请重新打开链接填写。",
    "error_other": "请检查这一题。",
    # Pages without a form, by state.
    "thanks_title": "已经收到，谢谢您！",
    "thanks_text": "您的回答已经保存。",
    "answered_title": "您已经答过了",
    "answered_text": "您之前的回答已经收到，不用再填。每人只计一次。",
    "conflict_title": "您之前的回答已经保存",
    "conflict_text": "您已经提交过一次，以第一次的回答为准；这一次的修改没有保存。",
    "withdrawn_title": "这份回答已经撤回",
    "withdrawn_text": "撤回的回答不再计入。如果调查还没有结束，请重新打开链接填写。",
    "not_open_title": "调查还没有开始",
    "not_open_text": "请在开始后再打开这个链接。",
    "not_open_at": "将于{time}（北京时间）开始，请到时再打开这个链接。",
    "closed_title": "调查已经结束",
    "closed_text": "现在不再接收新的回答。之前提交的回答都已保存。",
    "closed_at": "已于{time}（北京时间）结束，不再接收新的回答。之前提交的回答都已保存。",
    "revoked_title": "这个链接已经停用",
    "revoked_text": "请向学校索取现在使用的链接或二维码。",
    "unknown_title": "没有找到这份调查",
    "unknown_text": "请检查链接是否完整，或者向学校重新索取链接或二维码。",
    "identity_title": "这个页面无法确认答题人",
    "identity_text": "请从学校发给您的专属邀请链接或二维码打开。",
    "identity_not_set_up": "这份调查要由微信确认答题人，但现在还没有接通。请告诉学校。",
    "identity_again": "还没有提交成功。请重新打开学校发给您的链接，再填写一次。",
    "malformed_title": "没有收到完整的内容",
    "malformed_text": "还没有提交成功。请返回上一页再提交一次，或者重新打开链接填写。",
    "too_large_title": "内容太长了",
    "too_large_text": "还没有提交成功。请返回上一页，把文字写短一些再提交。",
    "method_title": "不能这样打开这个页面",
    "method_text": "请直接打开学校发给您的链接。",
    "busy_page_title": "现在访问的人很多",
    "busy_page_text": "请过几秒再试一次。",
    "busy_page_kept": "还没有提交成功，但您填写的内容都还在。请过几秒按“重新提交”。",
    "failed_title": "出了一点问题",
    "failed_text": "这是我们的问题，不是您的。请过几分钟再试一次；"
    "如果还不行，请把下面的编号告诉学校。",
}

_ENGLISH: Texts = {
    "service": "Satisfaction survey",
    "languages": "Languages",
    "required": "Required",
    "optional": "Optional",
    "if_it_applies": "Leave this out if it does not apply to you.",
    "choose_any": "Choose any that apply",
    "choose_up_to": "Choose up to {max}",
    "number_between": "A number from {min} to {max}",
    "number_from": "A number of at least {min}",
    "number_up_to": "A number of at most {max}",
    "date_any": "",
    "date_between": "A day from {min} to {max}",
    "date_from": "{min} or later",
    "date_up_to": "{max} or earlier",
    "text_up_to": "Up to {max} characters",
    "please_say": "{option}: please say which",
    "rating_between": "{min} is lowest, {max} is highest",
    "consent": "Please read this first",
    "consented": "By sending your answers you agree to what is said above.",
    "send": "Send my answers",
    "sending": "Sending…",
    "send_again": "Send again",
    "large": "Large print",
    "not_large": "Normal print",
    "progress": "{done} of {all} answered",
    "unsent": "Not sent yet: there is no network. Please keep this page open; your answers will "
    "be sent as soon as there is one.",
    "unsent_kept": "Saved on this phone, not sent yet: there is no network. Your answers will be "
    "sent as soon as there is one. You can close this page; open it again when there is a "
    "network, and they will be sent.",
    "busy": "Not sent yet: many people are sending answers right now. Please keep this page open; "
    "yours will be sent again by themselves.",
    "busy_kept": "Saved on this phone, not sent yet: many people are sending answers right now. "
    "Yours will be sent again by themselves. You can close this page; open it again later, and "
    "they will be sent.",
    "restored": "What you filled in before on this phone is here again. It is not sent yet.",
    "cleared": "Cleared.",
    "send_now": "Try again now",
    "change_answers": "Change my answers",
    "clear_answers": "Clear and start again",
    "once": "You can answer once.",
    "once_per_child": "You can answer once for each child.",
    "child": "Child {number}",
    "another_child": "Answer for another child",
    "error_in_title": "Please check: ",
    "errors_title": "Not sent yet: please check these questions",
    "busy_title": "Not sent yet",
    "busy_text": "Many people are sending answers right now. Yours are all still here: "
    "please wait a few seconds and send them again.",
    "legal": "About this survey",
    "purpose": "Purpose",
    "privacy": "Privacy",
    "erased": "Your answers are kept apart from who you are; whatever could lead to a person "
    "is erased from {time} on.",
    "contact": "Contact",
    "ask": "If you have a question, ask the school or {bureau}.",
    "contact_phone": "Phone",
    "contact_email": "Email",
    "contact_address": "Address",
    "contact_hours": "Hours",
    "contact_wechat": "WeChat",
    "contact_name": "Name",
    "receipt": "Your receipt",
    "receipt_hint": "Please take a screenshot. The receipt shows that your answers have arrived.",
    "copy_receipt": "Copy the receipt",
    "copied": "Copied.",
    "received_at": "Received (Beijing time)",
    "received_before": "These answers had arrived before; they are counted once.",
    "request": "Reference: {id}",
    "error_required": "Please answer this question.",
    "error_required_single_choice": "Please choose an answer.",
    "error_required_multiple_choice": "Please choose at least one.",
    "error_required_rating": "Please choose a rating.",
    "error_required_number": "Please enter a number.",
    "error_wrong_type": "Please choose one answer.",
    "error_wrong_type_number": "Please enter digits only, such as 45.",
    "error_not_an_option": "Please choose from the answers listed.",
    "error_duplicate_option": "Please choose each answer only once.",
    "error_too_many": "Please choose no more than {max}.",
    "error_out_of_range": "Please choose one of the ratings listed.",
    "error_out_of_range_number": "This number is too large or too small; please check it.",
    "error_number_between": "Please enter a number from {min} to {max}.",
    "error_number_from": "Please enter a number of at least {min}.",
    "error_number_up_to": "Please enter a number of at most {max}.",
    "error_required_date": "Please choose a day.",
    "error_not_alone": "“{option}” cannot be chosen together with others.",
    "error_not_whole": "Please enter a whole number.",
    "error_not_a_day": "Please enter a day such as 2026-09-01.",
    "error_date_between": "Please choose a day from {min} to {max}.",
    "error_date_from": "Please choose {min} or a later day.",
    "error_date_up_to": "Please choose {max} or an earlier day.",
    "error_out_of_range_date": "This day is too early or too late; please check it.",
    "error_too_long": "Please write no more than {max} characters.",
    "error_control_character": "This holds special characters that cannot be stored; "
    "please delete them.",
    "error_hidden": "After your other answers this question is not asked; please clear it.",
    "error_unknown_question": "This page does not match the questionnaire any more; "
    "please open the link again.",
    "error_other": "Please check this question.",
    "thanks_title": "Received. Thank you!",
    "thanks_text": "Your answers have been stored.",
    "answered_title": "You have answered already",
    "answered_text": "Your earlier answers have arrived; there is nothing more to do. "
    "Everybody is counted once.",
    "conflict_title": "Your first answers were kept",
    "conflict_text": "You have already sent your answers. The first ones count; "
    "the changes made now were not stored.",
    "withdrawn_title": "This response was withdrawn",
    "withdrawn_text": "A withdrawn response is not counted. While the survey is open, "
    "you can open the link again and give a new one.",
    "not_open_title": "The survey has not opened yet",
    "not_open_text": "Please open this link again once it has begun.",
    "not_open_at": "It opens on {time} (Beijing time). Please open this link again then.",
    "closed_title": "The survey is closed",
    "closed_text": "No more answers are taken. All answers that were sent before are kept.",
    "closed_at": "It closed on {time} (Beijing time), and no more answers are taken. "
    "All answers that were sent before are kept.",
    "revoked_title": "This link is no longer in use",
    "revoked_text": "Please ask the school for the link or QR code that is in use now.",
    "unknown_title": "This survey was not found",
    "unknown_text": "Please check that the link is complete, or ask the school for it again.",
    "identity_title": "This page cannot tell who is answering",
    "identity_text": "Please use the personal invitation that the school has given you.",
    "identity_not_set_up": "This survey relies on WeChat to tell who is answering, and that has "
    "not been set up yet. Please tell the school.",
    "identity_again": "Nothing was sent yet. Please open the school's link again and fill in "
    "the page once more.",
    "malformed_title": "Your answers did not arrive whole",
    "malformed_text": "Nothing was stored yet. Please go back and send the page again, "
    "or open the link again.",
    "too_large_title": "This is too long",
    "too_large_text": "Nothing was stored yet. Please go back, shorten your texts and send the "
    "page again.",
    "method_title": "This page cannot be opened that way",
    "method_text": "Please open the link that the school has given you.",
    "busy_page_title": "Many people are here right now",
    "busy_page_text": "Please try again in a few seconds.",
    "busy_page_kept": "Nothing was stored yet, but your answers are all still here. "
    "Please wait a few seconds and send them again.",
    "failed_title": "Something went wrong",
    "failed_text": "This is our fault, not yours. Please try again in a few minutes; if it still "
    "does not work, tell the school the reference below.",
}

CATALOGUE: dict[str, Texts] = {
    "zh-CN": {**_CHINESE, **wechat.CHINESE, **preview.CHINESE},
    "en": {**_ENGLISH, **wechat.ENGLISH, **preview.ENGLISH},
    "ug": {**uyghur.TEXTS, **uyghur.WECHAT, **preview.CHINESE},
}
DEFAULT = "zh-CN"

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def day(instant: datetime, words: str) -> str:
    """The day of an instant in China, in one of the catalogue's languages."""
    at = instant.astimezone(SHANGHAI)
    if words == "zh-CN":
        return f"{at.year}年{at.month}月{at.day}日"
    if words == "ug":
        return f"{at.year}-يىلى {at.month}-ئاينىڭ {at.day}-كۈنى"
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def moment(instant: datetime, words: str) -> str:
    """An instant as people in China read it off the clock, in one of the catalogue's languages."""
    at = instant.astimezone(SHANGHAI)
    between = {"zh-CN": " ", "ug": " سائەت "}.get(words, ", ")
    return f"{day(instant, words)}{between}{at:%H:%M}"
