"""What people are told around WeChat: what happened, and the one thing to do next."""

CHINESE = {
    "try_again": "再试一次",
    "go_without": "不用微信，直接填写",
    "code": "这个页面的二维码",
    "open_in_wechat_title": "请用微信打开",
    "open_in_wechat_text": "这份调查要在微信里填写。请打开微信，点右上角的“＋”，选“扫一扫”，"
    "扫下面的码。\n"
    "如果就是用这部手机看，请截屏保存，再用“扫一扫”里的“相册”打开截屏。",
    "recognise_title": "请再确认一次",
    "recognise_text": "微信还没有告诉我们是您在填写，或者时间隔得太久了。"
    "请点下面的按钮重新打开页面。",
    "wechat_lost_title": "请重新打开链接",
    "wechat_lost_text": "这个页面已经失效。请回到微信，重新点开学校发给您的链接，"
    "或者再扫一次二维码。",
    "wechat_no_code_title": "微信没有确认成功",
    "wechat_no_code_text": "微信没有把确认结果交给我们。请点下面的按钮再试一次。",
    "wechat_invalid_code_title": "微信的确认没有通过",
    "wechat_invalid_code_text": "请不要返回旧页面，点下面的按钮重新确认一次就好。",
    "wechat_used_code_title": "这次确认已经用过了",
    "wechat_used_code_text": "您可能点了返回，或者打开了两次。请点下面的按钮重新确认一次。",
    "wechat_expired_code_title": "等得太久，确认过期了",
    "wechat_expired_code_text": "没有关系，请点下面的按钮重新确认一次。",
    "wechat_unbound_title": "没有认出您的微信",
    "wechat_unbound_text": "可能是换了手机或浏览器打开，也可能是页面停留太久。"
    "请在微信里点下面的按钮再试一次；如果还不行，请重新打开学校发给您的链接。",
    "wechat_snapshot_title": "请先使用完整服务",
    "wechat_snapshot_text": "您现在看到的是微信的页面快照，还不能填写。"
    "请点屏幕最下方的“使用完整服务”，然后再点下面的按钮。",
    "wechat_busy_title": "微信现在有点忙",
    "wechat_busy_text": "请过一两分钟，再点下面的按钮。",
    "wechat_unreachable_title": "暂时连不上微信",
    "wechat_unreachable_text": "等了一会儿没有回音，不是您的问题。请过一两分钟，再点下面的按钮。",
    "wechat_faulty_title": "微信的服务出了点问题",
    "wechat_faulty_text": "不是您的问题。请过几分钟，再点下面的按钮。",
    "wechat_quota_title": "现在用微信确认的人太多",
    "wechat_quota_text": "请过几分钟，再点下面的按钮；如果还不行，请明天再打开这个链接。",
    "wechat_credential_title": "微信确认还没有设置好",
    "wechat_credential_text": "这是我们的问题，不是您的，重试也没有用。"
    "请把下面的编号告诉学校，修好以后再来填写。",
    "wechat_unknown_title": "微信没有同意这次确认",
    "wechat_unknown_text": "原因我们也不清楚。请把下面的编号告诉学校，修好以后再来填写。",
}

ENGLISH = {
    "try_again": "Try again",
    "go_without": "Go on without WeChat",
    "code": "The QR code of this page",
    "open_in_wechat_title": "Please open this in WeChat",
    "open_in_wechat_text": "This survey is filled in within WeChat. Open WeChat, tap + at the top "
    "right, choose Scan, and scan the code below.\nIf you are reading this on the same phone, take "
    "a screenshot and open it from the album within Scan.",
    "recognise_title": "Please confirm once more",
    "recognise_text": "WeChat has not told us yet that it is you, or that was too long ago. Tap "
    "the button below to open the page anew.",
    "wechat_lost_title": "Please open the link again",
    "wechat_lost_text": "This page is no longer good. Go back to WeChat and tap the school's link "
    "again, or scan the QR code once more.",
    "wechat_no_code_title": "WeChat has not confirmed you",
    "wechat_no_code_text": "WeChat did not hand us its confirmation. Tap the button below to try "
    "again.",
    "wechat_invalid_code_title": "WeChat's confirmation was not accepted",
    "wechat_invalid_code_text": "Please don't go back to the old page: tap the button below to "
    "confirm once more.",
    "wechat_used_code_title": "This confirmation has been used",
    "wechat_used_code_text": "You may have gone back, or opened the page twice. Tap the button "
    "below to confirm once more.",
    "wechat_expired_code_title": "The confirmation has expired",
    "wechat_expired_code_text": "It took a little too long. Tap the button below to confirm once "
    "more.",
    "wechat_unbound_title": "Your WeChat was not recognised",
    "wechat_unbound_text": "Perhaps you opened this on another phone or browser, or waited for "
    "long. Tap the button below within WeChat; if that does not work, open the school's link "
    "again.",
    "wechat_snapshot_title": "Please use the full service first",
    "wechat_snapshot_text": "You are seeing WeChat's snapshot of the page, which cannot be filled "
    "in. Tap “Use full service” (使用完整服务) at the bottom of the screen, then the button below.",
    "wechat_busy_title": "WeChat is busy",
    "wechat_busy_text": "Please wait a minute or two, then tap the button below.",
    "wechat_unreachable_title": "WeChat cannot be reached",
    "wechat_unreachable_text": "It did not answer in time, which is not your fault. Please wait a "
    "minute or two, then tap the button below.",
    "wechat_faulty_title": "WeChat's service has a problem",
    "wechat_faulty_text": "This is not your fault. Please wait some minutes, then tap the button "
    "below.",
    "wechat_quota_title": "Too many people are using WeChat here",
    "wechat_quota_text": "Please wait some minutes, then tap the button below; if that does not "
    "work, open this link again tomorrow.",
    "wechat_credential_title": "WeChat is not set up properly here",
    "wechat_credential_text": "This is our fault, not yours, and trying again does not help. "
    "Please tell the school the reference below, and come back once it is mended.",
    "wechat_unknown_title": "WeChat did not agree to confirm you",
    "wechat_unknown_text": "We don't know why. Please tell the school the reference below, and "
    "come back once it is mended.",
}
