"""A lens as one file that needs no kernel and no network."""

from latentlens.widget.page.page import Page, make_page
from latentlens.widget.page.wanted import read_wanted

__all__ = ["Page", "make_page", "read_wanted"]
