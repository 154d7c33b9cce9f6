"""The demonstration: a city with its counties and schools, two open campaigns, their answers."""

from app.demonstration.credentials import Credential
from app.demonstration.loading import Shown, load
from app.demonstration.setting_up import NotLoaded

__all__ = ["Credential", "NotLoaded", "Shown", "load"]
