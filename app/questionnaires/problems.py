"""Problems of questionnaires."""

from app.core.problems import InvalidInput, Problem


class QuestionnaireRefused(Problem):
    slug, status = "questionnaire-refused", 422
    title = "This questionnaire cannot be published"
    remedy = "Correct what `errors` lists in the draft and publish it again."


class NotOwner(Problem):
    slug, status = "not-owner", 403
    title = "This belongs to a unit above yours"
    remedy = "Only a client of its own unit or above may change it; ask the bureau that owns it."


class InvalidAnswers(InvalidInput):
    slug, status = "invalid-answers", 422
    title = "Some answers cannot be taken"
    remedy = "Nothing was stored. Correct what `errors` lists and send it again."


class XlsformRefused(Problem):
    slug, status = "xlsform-refused", 422
    title = "No draft can be made of this XLSForm"
    remedy = "Nothing was changed. Correct the places that `errors` lists and send the file again."


class XlsformNotWritable(Problem):
    slug, status = "xlsform-not-writable", 409
    title = "This draft cannot be written as an XLSForm yet"
    remedy = "Correct what `errors` lists in the draft; a version that is published has none of it."
