"""What a process remembers of a campaign never decides after it was changed."""

import uuid

from tests.factories import Api, campaign_body, link, submission, tree


async def test_a_questionnaire_changed_in_draft_is_asked_though_the_old_was_remembered(
    admin: Api,
) -> None:
    await tree(admin)
    zh = {"zh-CN": "…"}
    draft = {"title": zh, "questions": [{"code": "new", "type": "text", "label": zh}]}
    await admin.made("PUT", "/v1/questionnaires/other", draft)
    await admin.made("POST", "/v1/questionnaires/other/publish")
    await admin.made("PUT", "/v1/campaigns/C", campaign_body())
    code = await link(admin)
    early = await admin.post(f"/v1/links/{code}/responses", submission())
    assert early.json()["type"] == "/problems/not-open-yet"
    changed = campaign_body(populations={"parent": {"questionnaire": "other", "version": 1}})
    await admin.made("PUT", "/v1/campaigns/C", changed)
    await admin.made("POST", "/v1/campaigns/C/open")
    body = {"submission_id": str(uuid.uuid4()), "answers": {"new": "x"}}
    reply = await admin.post(f"/v1/links/{code}/responses", body)
    # Its answers are those that are asked now: all that is missing is the proof.
    assert reply.json()["type"] == "/problems/identity-required"
