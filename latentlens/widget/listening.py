"""The browser's side: messages heard, answered or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import traitlets as t

from latentlens.session import RUN_MODEL, handle
from latentlens.widget.arranging import Arranging
from latentlens.widget.conductor import Job, running_loop
from latentlens.widget.reading import Reading
from latentlens.widget.wire import pack, unpack


class Listening(Reading, Arranging):
    """A lens that hears its views; `protocol/` has what is said."""

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        """Take a message on the thread the lens was made on.

        JupyterLab sends widgets' messages to a subshell, a thread beside the one that runs
        cells; there the model would be touched while a cell is at it.
        """
        take = super()._handle_msg
        if self._home is None or self._home.is_closed() or running_loop() is self._home:
            take(msg)
        else:
            self._home.call_soon_threadsafe(take, msg)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take values from the browser; what is wrong with one is said there."""
        try:
            super().set_state(sync_data)
        except (t.TraitError, ValueError) as error:
            self._tell(error=str(error))
            self.send_state(list(sync_data))

    def _heard(self, _: Any, content: Any, buffers: Sequence[Any]) -> None:
        request = unpack(content, buffers)
        number = request["id"]
        try:
            if request["kind"] == "hello":
                self._shown = True
                self._reply({"kind": "ok", "id": number})
                self._begin_unless_over()
                self._rank_at_last()
                self._measure_trust()
            elif request["kind"] == "cancel":
                if request.get("what"):
                    self._conductor.stop(request["what"])
                else:
                    self.cancel()
                self._reply({"kind": "ok", "id": number})
            else:
                self._answer(request)
        except Exception as error:
            self._refuse(number, error)

    def _answer(self, request: dict[str, Any]) -> None:
        if self._session is None:
            raise RuntimeError("The pass is not over yet; ask again when it is.")
        kind, number = request["kind"], request["id"]
        replies = handle(self._session, request)
        if kind == "quality":
            self._answer_quality(number, replies)
        elif kind in RUN_MODEL:
            self._conductor.here(kind, self._answering(number, replies))
        else:
            for reply in replies:
                self._reply(reply)

    def _answering(
        self, number: int, replies: Iterator[Any], on_end: Callable[[], None] = lambda: None
    ) -> Job:
        return Job(
            steps=replies,
            on_step=self._reply,
            on_end=on_end,
            on_error=partial(self._refuse, number),
            on_stop=lambda: self._reply({"kind": "dropped", "id": number}),
        )

    def _answer_quality(self, number: int, replies: Iterator[Any]) -> None:
        """Score by the index on a worker, then run the model, if need be, on this thread."""

        def run_model() -> None:
            self._conductor.here("quality", self._answering(number, replies))

        first = _through_first(replies, "quality")
        self._conductor.beside("quality", self._answering(number, first, run_model))

    def _reply(self, reply: dict[str, Any]) -> None:
        buffers: list[memoryview] = []
        content = pack(reply, buffers)
        self.send(content, buffers)

    def _refuse(self, number: int, error: Exception) -> None:
        self._reply({"kind": "error", "id": number, "message": str(error)})


def _through_first(replies: Iterator[Any], kind: str) -> Iterator[Any]:
    """Take replies up to the first of a kind, and leave the rest where they are."""
    for reply in replies:
        yield reply
        if reply["kind"] == kind:
            return
