"""One question in, one answer out, with no kernel and no browser."""

from latentlens.session.desk import RUN_MODEL, handle
from latentlens.session.question import Question
from latentlens.session.session import SampleMean, Session

__all__ = ["RUN_MODEL", "Question", "SampleMean", "Session", "handle"]
