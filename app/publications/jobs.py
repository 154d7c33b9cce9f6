"""Jobs of publications: those of many units, which take too long for a request."""

from typing import Any

from app.core.database import Database
from app.core.keyring import Keyring
from app.jobs.running import Handler, Running
from app.publications import service
from app.publications.schemas import PublicationIn


def publications(keyring: Keyring) -> Handler:
    """What publishes; `done` counts two steps: all is drawn up, and published.

    Its result is the number. A try that was cut short is begun again, and publishes once.
    """

    async def handle(database: Database, running: Running) -> dict[str, Any]:
        code = running.parameters["campaign"]
        wanted = PublicationIn.model_validate(running.parameters["wanted"])
        number = await service.made(
            database, keyring, running.caller, code, wanted, key=f"job/{running.id}", job=running
        )
        return {"number": number, "publication": service.url_of(code, number)}

    return handle
