"""``python -m latentlens`` is the command ``latentlens``."""

from latentlens.cli import app

app(prog_name="latentlens")
