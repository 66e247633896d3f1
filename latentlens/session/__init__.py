"""One question in, one answer out, with no kernel and no browser."""

from latentlens.session.desk import RUN_MODEL, handle
from latentlens.session.means import SampleMean
from latentlens.session.question import Question
from latentlens.session.replies import ranked_message
from latentlens.session.session import Session

__all__ = [
    "RUN_MODEL",
    "Question",
    "SampleMean",
    "Session",
    "handle",
    "ranked_message",
]
