"""Our app without folding, for measuring what folding costs the intake."""

from fastapi import FastAPI

from app import main
from app.counts import folding


def create() -> FastAPI:
    """The app, which folds once when it starts and then not for a day."""
    folding.INTERVAL = 86_400.0
    return main.create()
